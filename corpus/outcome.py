"""What became of each repository: taken in, or why not."""

from dataclasses import asdict, dataclass

from rsidx.corpus.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a repository; `failure` is why it was not taken in."""

    name: str
    failure: str | None = None


def write_outcome(run: Workspace, slug: str, outcome: Outcome) -> None:
    """Keep what became of a repository in the folder of a run."""
    run.write_json(f"outcomes/{slug}.json", asdict(outcome))


def read_outcome(run: Workspace, slug: str) -> Outcome | None:
    """Return what became of a repository; None where nothing did yet."""
    value = run.read_json(f"outcomes/{slug}.json")
    return Outcome(**value) if value is not None else None
