"""What a corpus must know of each repository before any row is made."""

from dataclasses import asdict, dataclass
from typing import Any

from rsidx.corpus.workspace import Workspace
from rsidx.exporters.dedup.leakage import commits_named
from rsidx.exporters.edits.snapshot import Snapshot
from rsidx.exporters.pipeline.session import Session
from rsidx.store import queries

_MIN_BLOB_BYTES = 200
"""Smaller files are alike by chance."""
_DIGITS = 16


@dataclass(frozen=True, slots=True)
class ChosenCommit:
    """A commit that may give rows: its date in seconds, and the commits that it reverts or picks.

    `names` are the beginnings of these commits' ids.
    """

    oid: str
    date: int
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """A repository as it was taken in.

    `tip` is the commit whose history is exported, `roots` the first commits of that history.
    `left_out` are commits with the reason for each. `versions` are digests of all versions of Rust
    files, `files` of those at the tip, both without small ones.
    """

    name: str
    origin: str | None
    tip: str
    roots: tuple[str, ...]
    chosen: tuple[ChosenCommit, ...]
    left_out: tuple[tuple[str, str], ...]
    versions: frozenset[str]
    files: frozenset[str]

    @property
    def reached(self) -> list[str]:
        """The commits of the history that is exported."""
        return [*(one.oid for one in self.chosen), *(oid for oid, _ in self.left_out)]


def facts_of(opened: Session, name: str, origin: str | None, tip: str) -> Facts:
    """Return the facts of the repository in an index, of the history of its tip."""
    selection = opened.selection()
    reader, history = opened.reader, selection.history
    roots = [
        oid
        for oid in history.reached
        if not any(parent in history.reached for parent in history.commits[oid].parents)
    ]
    snapshot = Snapshot(reader)
    snapshot.move_to(history.commits[bytes.fromhex(tip)])
    at_tip = set(snapshot.files.values())
    # An index may hold more: what an earlier run took in, at another revision.
    commits = {history.commits[oid].id for oid in history.reached}
    blobs = queries.versions_of_commits(opened.connection, commits, _MIN_BLOB_BYTES)
    return Facts(
        name=name,
        origin=origin,
        tip=tip,
        roots=tuple(sorted(oid.hex() for oid in roots)),
        chosen=tuple(
            ChosenCommit(
                commit.oid.hex(), commit.date, tuple(commits_named(reader.message(commit.id)))
            )
            for commit in selection.chosen
        ),
        left_out=tuple(
            (commit.oid.hex(), reason)
            for commit, reason in selection.left_out
            if commit.oid in history.reached
        ),
        versions=frozenset(oid.hex()[:_DIGITS] for oid in blobs.values()),
        files=frozenset(oid.hex()[:_DIGITS] for one, oid in blobs.items() if one in at_tip),
    )


def write_facts(run: Workspace, slug: str, facts: Facts) -> None:
    """Keep the facts of a repository in the folder of a run."""
    value = asdict(facts)
    value["chosen"] = [(one.oid, one.date, one.names) for one in facts.chosen]
    value |= {key: sorted(value[key]) for key in ("versions", "files")}
    run.write_json(f"facts/{slug}.json", value)


def read_facts(run: Workspace, slug: str) -> Facts:
    """Return what `write_facts` kept."""
    value: dict[str, Any] = run.read_json(f"facts/{slug}.json")
    return Facts(
        name=value["name"],
        origin=value["origin"],
        tip=value["tip"],
        roots=tuple(value["roots"]),
        chosen=tuple(ChosenCommit(oid, date, tuple(names)) for oid, date, names in value["chosen"]),
        left_out=tuple((oid, reason) for oid, reason in value["left_out"]),
        versions=frozenset(value["versions"]),
        files=frozenset(value["files"]),
    )
