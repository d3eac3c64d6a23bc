"""A page that shows a data set."""
