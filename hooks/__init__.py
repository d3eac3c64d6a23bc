"""git's hooks: installing them, their script, and the worker that they wake."""
