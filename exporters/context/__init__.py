"""What an edit is shown: definitions, callers and outlines, each from its parent's tree."""
