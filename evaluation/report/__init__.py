"""What do the verdicts say? Shares that compile, and how sure they are."""
