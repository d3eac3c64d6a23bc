"""The names of the filters: those that `--keep` knows."""

FILTERS = (
    "merges",
    "bots",
    "bulk",
    "formatting",
    "deletions",
    "duplicates",
    "near_duplicates",
    "related",
    "secrets",
    "messages",
    "vendored",
    "generated",
    "encoded",
    "long_lines",
    "letters",
)
"""What is left out unless it is asked for."""
