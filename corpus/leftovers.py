"""What earlier runs left: removed where it is of no use, or of somebody who opted out."""

import re

from rsidx.corpus.run import Run

_MARK = "rsidx-run.json"
"""The file that a run writes into its folder when it begins."""
_RUN_NAME = re.compile(r"[0-9a-f]{16}")


def mark_run(made: Run) -> None:
    """Mark the folder of a run as one that rsidx made, and may remove."""
    made.folder.write_json(_MARK, {"made_by": "rsidx corpus"})


def forget_unwanted(made: Run) -> None:
    """Remove the indexes and clones of what opted out."""
    for one in made.unwanted:
        made.work.remove(f"clones/{one.slug}.git")
        for file in made.work.within("indexes").files(f"{one.slug}.db"):
            made.work.remove(f"indexes/{file}")


def remove_other_runs(made: Run) -> None:
    """Remove what runs with other lists or options left, but for what they made of each repository.

    So nothing is left of a repository that is listed no more. What no run has marked is kept.
    """
    current = made.folder.address.rpartition("/")[2]
    runs = made.work.within("runs")
    for name in runs.files():
        if name != current and _RUN_NAME.fullmatch(name) and runs.folder.isfile(f"{name}/{_MARK}"):
            runs.remove(name)


def retry_failures(made: Run) -> None:
    """Have the tasks done again whose repositories could not be taken in."""
    outcomes = made.outcomes()
    for rank, one in enumerate(made.listed):
        outcome = outcomes[one.name]
        if outcome is None or outcome.failure is not None:
            made.folder.remove(f"logs/ingest/completions/{rank:05d}")
