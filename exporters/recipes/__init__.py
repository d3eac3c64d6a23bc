"""Scripts and configurations that train a model on a data set, complete and ready to run."""
