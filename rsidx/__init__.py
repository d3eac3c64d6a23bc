"""rsidx: an index of a Rust repository's history, and training data from it."""

__version__ = "0.1.0"
