"""rsidx: an index of a Rust repository's history, and training data from it."""

__version__ = "0.2.0.dev0"
