"""`rsidx gc`."""

from dataclasses import asdict

import click

from rsidx import Index
from rsidx.commands.options import json_option, repository_options
from rsidx.output import counted, emit, human_bytes


@click.command()
@click.option("--dry-run", is_flag=True, help="Say what would be deleted, and delete nothing.")
@json_option
@repository_options
def gc(index: Index, dry_run: bool, as_json: bool) -> None:
    """Delete unreachable commits from the index, as after an amend, a rebase or a deleted branch.

    They are never exported; this frees the space that they take in the index.
    """
    before = index.n_bytes()
    pruned = index.gc(dry_run=dry_run)
    after = index.n_bytes()
    what = (
        f"{counted(pruned.n_commits, 'commit')}, {counted(pruned.n_blobs, 'file version')} and "
        f"{counted(pruned.n_chunks, 'chunk')}"
    )
    sizes = f"{human_bytes(before)}, now {human_bytes(after)}"
    line = f"{what} would be deleted" if dry_run else f"{what} deleted ({sizes})"
    emit({**asdict(pruned), "n_bytes": after}, [line], as_json=as_json)
