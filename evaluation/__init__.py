"""The gate: whether a model's code compiles in the place of a commit's own.

`asking` has a model answer, `judging` gives each answer a verdict, by what `compiler` says in a
`sandbox`, and `report` counts the verdicts.
"""
