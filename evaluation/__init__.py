"""The gate: whether a model's code compiles in the place of a commit's own.

`session` judges the predictions for an export, `judge` a single edit.
"""
