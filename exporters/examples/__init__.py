"""Examples of each kind: edits, holes and windows with their context, without secrets."""
