"""What an example is: edits, holes and windows with their context, without secrets."""
