"""What became of each repository: taken in, or why not."""

from contextlib import suppress
from dataclasses import asdict, dataclass

from rsidx.corpus.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a repository: the commit that it was taken in at, or why it was not."""

    name: str
    failure: str | None = None
    tip: str | None = None


def write_outcome(run: Workspace, slug: str, outcome: Outcome) -> None:
    """Keep what became of a repository in the folder of a run."""
    run.write_json(_file(slug), asdict(outcome))


def forget_outcome(run: Workspace, slug: str) -> None:
    """Have it that nothing became of a repository yet."""
    run.remove(_file(slug))


def read_outcome(run: Workspace, slug: str) -> Outcome | None:
    """Return what became of a repository; None where nothing did yet.

    A file that cannot be read, as a run leaves it that is killed, counts as none.
    """
    with suppress(ValueError, TypeError):
        value = run.read_json(_file(slug))
        return Outcome(**value) if value is not None else None
    return None


def _file(slug: str) -> str:
    return f"outcomes/{slug}.json"
