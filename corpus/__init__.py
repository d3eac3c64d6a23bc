"""Many repositories, one data set: steps for datatrove's executors."""
