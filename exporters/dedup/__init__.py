"""What repeats, and what would leak from one split into another."""
