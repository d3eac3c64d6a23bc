"""The Rust parser: a pure function from bytes to chunks and facts."""
