"""What does the compiler say? One run of cargo in a scratch clone of the repository."""
