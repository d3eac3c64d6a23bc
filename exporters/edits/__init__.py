"""What a commit changed: snapshots, and the old and new code of each item, paired."""
