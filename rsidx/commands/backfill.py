"""`rsidx backfill`."""

from dataclasses import asdict
from time import perf_counter

import click

from rsidx import Index
from rsidx.commands.options import jobs_option, json_option, max_bytes_option, repository_options
from rsidx.output import counted, emit, progress, resumable


@click.command()
@click.argument("revisions", metavar="[REV]...", nargs=-1)
@click.option("--all", "all_refs", is_flag=True, help="Read every ref, not only HEAD.")
@click.option(
    "--since", metavar="DATE", help="Read only commits after a date, in any form that git reads."
)
@click.option(
    "--fetch", is_flag=True, help="Fetch the objects that a partial clone lacks from its remote."
)
@jobs_option
@max_bytes_option
@json_option
@repository_options
def backfill(
    index: Index,
    revisions: tuple[str, ...],
    all_refs: bool,
    since: str | None,
    fetch: bool,
    jobs: int | None,
    max_bytes: int,
    as_json: bool,
) -> None:
    """Read the history of HEAD, or of the revisions given, into the index.

    It skips commits that are already there, so you can interrupt it and run it again.
    """
    start = perf_counter()
    with resumable(), progress("backfill", "commits") as update:
        report = index.backfill(
            revisions,
            progress=update,
            all_refs=all_refs,
            since=since,
            fetch=fetch,
            refresh=False,
            jobs=jobs,
            max_bytes=max_bytes,
        )
    if index.needs_refresh():
        with progress("reading again", "file versions") as update:
            report.n_refreshed = index.refresh(progress=update, jobs=jobs, max_bytes=max_bytes)
    seconds = perf_counter() - start
    states = ", ".join(f"{n} {state}" for state, n in sorted(report.blobs_by_state.items()))
    lines = [
        f"{counted(report.n_commits, 'commit')} and {counted(report.n_blobs, 'file version')} "
        f"ingested ({seconds:.1f} s)" + (f": {states}" if states else "")
    ]
    if report.n_read_again:
        n_read = counted(report.n_read_again, "file version")
        lines.append(f"{n_read} read that the index lacked before")
    if report.n_refreshed:
        n_read = counted(report.n_refreshed, "file version")
        lines.append(f"{n_read} read again that another version of rsidx had read")
    if report.n_unreadable:
        advice = "; `rsidx backfill --fetch` gets them" if index.is_partial else ""
        lines.append(
            f"{counted(report.n_unreadable, 'commit')} could not be compared (objects are "
            f"missing{advice})"
        )
    emit({**asdict(report), "seconds": round(seconds, 3)}, lines, as_json=as_json)
