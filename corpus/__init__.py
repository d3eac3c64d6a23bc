"""One data set of many repositories, by steps that datatrove's executors run."""

from importlib.util import find_spec

if find_spec("datatrove") is not None:
    # Before anything else imports datatrove.
    from rsidx.corpus import logs as logs
