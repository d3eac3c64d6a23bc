"""What earlier runs left: removed where it is of no use, or of somebody who opted out."""

import re

from rsidx.corpus.outcome import forget_outcome
from rsidx.corpus.run import Run, Stage
from rsidx.corpus.workspace import Workspace

_MARK = "rsidx-run.json"
"""The file that a run writes into its folders when it begins."""
_RUN_NAME = re.compile(r"[0-9a-f]{16}")


def mark(folder: Workspace) -> None:
    """Mark a folder of a run as one that rsidx made, and may remove."""
    folder.write_json(_MARK, {"made_by": "rsidx corpus"})


def forget_unwanted(made: Run) -> None:
    """Remove the indexes and clones of what opted out."""
    for kept in (made.work.within("clones"), made.work.within("indexes")):
        names = kept.files()
        for one in made.unwanted:
            for name in names:
                if name.startswith(f"{one.slug}."):
                    kept.remove(name)


def remove_others(folder: Workspace) -> None:
    """Remove what lies beside a folder of a run, of other lists, options or histories.

    So nothing is left of a repository that is listed no more, but what was made of it alone. What
    no run has marked is kept.
    """
    address, _, current = folder.address.rpartition("/")
    beside = Workspace(address)
    for name in beside.files():
        is_other = name != current and _RUN_NAME.fullmatch(name)
        if is_other and beside.folder.isfile(f"{name}/{_MARK}"):
            beside.remove(name)


def take_in_again(made: Run) -> None:
    """Have the tasks done again of repositories that failed, or have other commits now."""
    outcomes = made.outcomes()
    for rank, one in enumerate(made.listed):
        if not made.is_current(one, outcomes[one.name]):
            made.folder.remove(f"{Stage.INGEST.logs}/completions/{rank:05d}")
            forget_outcome(made.folder, one.slug)
