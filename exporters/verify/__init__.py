"""Checking a data set against git, without the index."""
