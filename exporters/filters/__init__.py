"""What is left out: by a commit's message, a file's path or attributes, its licence, its text."""
