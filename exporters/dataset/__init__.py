"""The data set's folder on disk: rows, manifest, card, and how it replaces an earlier one."""
