"""What `rsidx` offers to programs and to its own command line."""
