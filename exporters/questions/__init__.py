"""Questions: what an edit at a place would be shown, and the prompt for it, without an edit."""
