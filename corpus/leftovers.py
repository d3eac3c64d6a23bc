"""What earlier runs left: removed where it is of no use, or of somebody who opted out."""

from rsidx.corpus.run import Run


def forget_unwanted(made: Run) -> None:
    """Remove the indexes and clones of what opted out."""
    for one in made.unwanted:
        made.work.remove(f"clones/{one.slug}.git")
        for file in made.work.within("indexes").files(f"{one.slug}.db"):
            made.work.remove(f"indexes/{file}")


def remove_other_runs(made: Run) -> None:
    """Remove what runs with other lists or options left, but for what they made of each repository.

    So nothing is left of a repository that is listed no more.
    """
    current = made.folder.address.rpartition("/")[2]
    runs = made.work.within("runs")
    for name in runs.files():
        if name != current:
            runs.remove(name)


def retry_failures(made: Run) -> None:
    """Have the tasks done again whose repositories could not be taken in."""
    outcomes = made.outcomes()
    for rank, one in enumerate(made.listed):
        outcome = outcomes[one.name]
        if outcome is not None and outcome.failure is not None:
            made.folder.remove(f"logs/ingest/completions/{rank:05d}")
