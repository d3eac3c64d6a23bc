"""`rsidx backfill`."""

import os
from dataclasses import asdict
from time import perf_counter

import click

from rsidx.commands.options import Place, jobs_option, json_option, max_bytes_option, place_options
from rsidx.indexer.refresh import is_needed, refresh
from rsidx.indexer.sync import fetch_promised, fetch_trees, history_scope, sync
from rsidx.output import counted, emit, progress, resumable


@click.command()
@click.argument("revisions", metavar="[REV]...", nargs=-1)
@click.option("--all", "all_refs", is_flag=True, help="Every ref, not HEAD alone.")
@click.option("--since", metavar="DATE", help="Only commits after a date, as git reads it.")
@click.option("--fetch", is_flag=True, help="Fetch what a partial clone lacks, from its remote.")
@jobs_option
@max_bytes_option
@json_option
@place_options
def backfill(
    place: Place,
    revisions: tuple[str, ...],
    all_refs: bool,
    since: str | None,
    fetch: bool,
    jobs: int | None,
    max_bytes: int,
    as_json: bool,
) -> None:
    """Take the history of HEAD, or of the revisions given, into the index.

    Commits that are there already are left alone, so it can be interrupted and run again.
    """
    start = perf_counter()
    scope = history_scope(place.repository, revisions, all_refs=all_refs, since=since)
    jobs = jobs or os.cpu_count() or 1
    with (
        resumable(),
        place.database(create=True) as database,
        progress("backfill", "commits") as update,
    ):
        if fetch:
            fetch_trees(place.repository, database, scope)
        report = sync(
            place.repository, database, scope, jobs=jobs, max_bytes=max_bytes, progress=update
        )
        if fetch:
            fetched = fetch_promised(place.repository, database, jobs=jobs, max_bytes=max_bytes)
            report.n_read_again += fetched
    n_refreshed = _refresh(place, jobs, max_bytes)
    seconds = perf_counter() - start
    states = ", ".join(f"{n} {state}" for state, n in sorted(report.blobs_by_state.items()))
    lines = [
        f"{counted(report.n_commits, 'commit')} and {counted(report.n_blobs, 'file version')} "
        "taken in "
        f"({seconds:.1f} s)" + (f": {states}" if states else "")
    ]
    if report.n_read_again:
        n_read = counted(report.n_read_again, "file version")
        lines.append(f"{n_read} read that the index lacked before")
    if n_refreshed:
        n_read = counted(n_refreshed, "file version")
        lines.append(f"{n_read} read again that another version of rsidx had read")
    if report.n_unreadable:
        advice = "; `rsidx backfill --fetch` gets them" if place.repository.is_partial else ""
        lines.append(
            f"{counted(report.n_unreadable, 'commit')} could not be compared (objects are "
            f"missing{advice})"
        )
    counts = {**asdict(report), "n_refreshed": n_refreshed}
    emit({**counts, "seconds": round(seconds, 3)}, lines, as_json=as_json)


def _refresh(place: Place, jobs: int, max_bytes: int) -> int:
    with place.database() as database:
        if not is_needed(place.repository, database):
            return 0
        with progress("reading again", "file versions") as update:
            return refresh(
                place.repository, database, jobs=jobs, max_bytes=max_bytes, progress=update
            )
