"""`rsidx status`."""

from collections.abc import Iterator
from dataclasses import asdict

import click

from rsidx.commands.options import Place, json_option, place_options
from rsidx.hooks.install import state
from rsidx.indexer.hook_api import index_file
from rsidx.indexer.status import Status
from rsidx.indexer.status import status as read_status
from rsidx.log import LastError, last_error, log_file
from rsidx.output import counted, emit, human_bytes, table
from rsidx.store.dates import moment


@click.command()
@json_option
@place_options
def status(place: Place, as_json: bool) -> None:
    """Say what is indexed, how far behind the branches it is, and what could not be read."""
    with place.database() as database:
        found = read_status(place.repository, database)
    hook = state(place.repository)
    file = index_file(place.db)
    error = last_error(log_file(file)) if file else None
    value = {
        **asdict(found),
        "hook": hook.name,
        "last_error": asdict(error) if error else None,
    }
    emit(value, table([*_rows(found, hook.text), *_error_rows(error)]), as_json=as_json)


def _rows(found: Status, hook: str) -> Iterator[tuple[str, str]]:
    counts = found.counts
    yield "index", f"{found.database} ({human_bytes(found.database_bytes)})"
    yield "commits", f"{counts.n_commits:,}" + _by_state(counts.commits_by_state, "ok")
    yield "file versions", f"{counts.n_blobs:,}" + _by_state(counts.blobs_by_state, "parsed")
    if found.n_stale_blobs:
        yield "to read again", _stale(found)
    yield "chunks", f"{counts.n_chunks:,} in {counted(counts.n_places, 'place')}"
    yield "symbols", f"{counts.n_symbols:,}"
    yield "imports", f"{counts.n_imports:,}"
    yield "references", f"{counts.n_references:,}"
    if found.newest_commit_time is not None:
        made = moment(found.newest_commit_time)
        yield "newest commit", f"{made:%Y-%m-%d %H:%M} UTC"
    yield "hook", hook
    if not found.behind:
        yield "behind", "no: every branch is indexed"
    for name, n_missing in found.behind.items():
        yield "behind", f"{name} by {counted(n_missing, 'commit')}"
    if found.behind_since:
        made = moment(found.behind_since)
        yield "since", f"{made:%Y-%m-%d %H:%M} UTC, when the oldest of them was made"


def _stale(found: Status) -> str:
    text = (
        f"{found.n_stale_blobs:,} of {found.counts.n_blobs:,} file versions are as another version "
        "of rsidx read them; "
    )
    if found.refreshing_since is None:
        return text + "the hook goes on after the next commit, `rsidx backfill` does it now"
    since = moment(found.refreshing_since)
    return text + f"a process has been at it since {since:%Y-%m-%d %H:%M} UTC"


def _error_rows(error: LastError | None) -> Iterator[tuple[str, str]]:
    if error is not None:
        after = "; it went well since" if error.is_over else "; `rsidx doctor` may know why"
        yield "last error", f"{error.time}: {error.text}{after}"


def _by_state(states: dict[str, int], usual: str) -> str:
    others = [f"{n:,} {name}" for name, n in states.items() if name != usual]
    return f" ({', '.join(others)})" if others else ""
