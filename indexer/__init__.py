"""From git to the store: history, the Rust parser, and the sync that every caller shares."""
