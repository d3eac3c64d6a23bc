"""File formats of the rows, one module each: `Writer(path, n_tokens)` and `read(path)`.

Adding one is a module here, and its line in `rsidx.exporters.formats.registry.FORMATS`.
"""
