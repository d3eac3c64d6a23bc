"""Waiting for what must happen."""

import time

PATIENCE_S = 300
"""How long a test waits for what must happen. Only a test that fails ever waits that long, so the
slowest machine decides."""


def wait_until(condition):
    end = time.monotonic() + PATIENCE_S
    pause_s = 0.01
    while not condition():
        assert time.monotonic() < end, "it did not come true in time"
        # Looking takes time from what is waited for.
        time.sleep(pause_s)
        pause_s = min(1.5 * pause_s, 0.1)
