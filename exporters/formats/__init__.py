"""File formats of the rows, one module each: `Writer(path, n_tokens)` and `read(path)`.

Adding one is a module here, and its line in `rsidx.exporters.writer.FORMATS`.
"""

IGNORED = -100
"""The label of a token without loss, as trainers expect it."""
