"""`rsidx status`."""

from collections.abc import Iterator
from dataclasses import asdict

import click

from rsidx import Index, LastError, Status
from rsidx.commands.options import json_option, repository_options
from rsidx.output import counted, emit, human_bytes, table


@click.command()
@json_option
@repository_options
def status(index: Index, as_json: bool) -> None:
    """Show what is indexed, how far it is behind the branches, and what could not be read."""
    found = index.status()
    hook = index.hooks.state()
    error = index.last_error()
    value = {
        **asdict(found),
        "hook": hook.name,
        "last_error": asdict(error) if error else None,
    }
    emit(value, table([*_rows(found, hook.text), *_error_rows(error)]), as_json=as_json)


def _rows(found: Status, hook: str) -> Iterator[tuple[str, str]]:
    counts = found.counts
    yield "index", f"{found.database} ({human_bytes(found.database_bytes)})"
    others = [name for name in found.repositories if name != found.repository]
    if others:
        yield "repository", f"{found.repository}; the counts are also of {', '.join(others)}"
    yield "commits", f"{counts.n_commits:,}" + _by_state(counts.commits_by_state, "ok")
    yield "file versions", f"{counts.n_blobs:,}" + _by_state(counts.blobs_by_state, "parsed")
    n_large = counts.blobs_by_state.get("too_large", 0)
    if n_large:
        yield "too large", f"{n_large:,}; `rsidx backfill --max-bytes BYTES` reads up to that size"
    if found.n_stale_blobs:
        yield "to read again", _stale(found)
    yield "chunks", f"{counts.n_chunks:,} in {counted(counts.n_places, 'place')}"
    yield "symbols", f"{counts.n_symbols:,}"
    yield "imports", f"{counts.n_imports:,}"
    yield "references", f"{counts.n_references:,}"
    if found.newest_commit is not None:
        yield "newest commit", f"{found.newest_commit:%Y-%m-%d %H:%M} UTC"
    yield "hook", hook
    if not found.behind:
        yield "behind", "no: every branch is indexed"
    for name, n_missing in found.behind.items():
        yield "behind", f"{name} by {counted(n_missing, 'commit')}"
    if found.oldest_missing is not None:
        made = f"{found.oldest_missing:%Y-%m-%d %H:%M} UTC"
        yield "since", f"{made}, when the oldest of them was made"


def _stale(found: Status) -> str:
    text = (
        f"{found.n_stale_blobs:,} of {found.counts.n_blobs:,} file versions are as another version "
        "of rsidx read them; "
    )
    if found.refresh_began is None:
        return text + "the hook goes on after the next commit, `rsidx backfill` does it now"
    return text + f"a process has been at it since {found.refresh_began:%Y-%m-%d %H:%M} UTC"


def _error_rows(error: LastError | None) -> Iterator[tuple[str, str]]:
    if error is not None:
        after = "; it went well since" if error.is_over else "; `rsidx doctor` may know why"
        yield "last error", f"{error.time}: {error.text}{after}"


def _by_state(states: dict[str, int], usual: str) -> str:
    others = [f"{n:,} {name}" for name, n in states.items() if name != usual]
    return f" ({', '.join(others)})" if others else ""
