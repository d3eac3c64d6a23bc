"""What does a model answer? Its prompts, and a client of its server."""
