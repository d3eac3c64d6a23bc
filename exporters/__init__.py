"""From the store to training data: snapshots, edits, context, dialects, splits, writers."""
