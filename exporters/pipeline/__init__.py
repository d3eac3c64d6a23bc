"""From a commit to its rows, in one process or on all cores."""
