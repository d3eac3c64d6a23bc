"""`rsidx forget`."""

from dataclasses import asdict

import click

from rsidx import Index
from rsidx.commands.options import json_option, repository_options
from rsidx.output import counted, emit


@click.command()
@click.argument("targets", metavar="[OID|PATH]...", nargs=-1)
@click.option("--undo", is_flag=True, help="Let the next backfill read it again.")
@click.option("--dry-run", is_flag=True, help="Say what would be forgotten, and forget nothing.")
@json_option
@repository_options
def forget(
    index: Index, targets: tuple[str, ...], undo: bool, dry_run: bool, as_json: bool
) -> None:
    """Erase the text of a file, a folder, a file version or a commit from the index for good.

    A path loses all its versions; a commit loses its message and all file versions that it added.
    No sync reads them again. Without a target, list what was forgotten. Earlier data sets still
    have the text, and so does git.
    """
    if not targets:
        rows = index.forgotten()
        lines = [f"{kind:<8}{name}" for kind, name in rows] or ["nothing is forgotten"]
        emit([{"kind": kind, "name": name} for kind, name in rows], lines, as_json=as_json)
    elif undo:
        n_blobs = index.remember(targets, dry_run=dry_run)
        line = (
            f"the next `rsidx backfill` {'would read' if dry_run else 'reads'} "
            f"{counted(n_blobs, 'file version')} again"
        )
        emit({"n_blobs": n_blobs}, [line], as_json=as_json)
    else:
        removed = index.forget(targets, dry_run=dry_run)
        verb = "would be " if dry_run else ""
        lines = [
            f"{counted(removed.n_blobs, 'file version')} and "
            f"{counted(removed.n_commits, 'message')} {verb}forgotten, "
            f"{counted(removed.n_chunks, 'chunk')} {verb}dropped"
        ]
        if removed.n_chunks_elsewhere:
            verb = "would stay" if dry_run else "stay"
            lines.append(
                f"{removed.n_chunks_elsewhere:,} of their chunks {verb}: other versions or "
                "files contain them, too"
            )
        emit(asdict(removed), lines, as_json=as_json)
