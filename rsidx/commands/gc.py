"""`rsidx gc`."""

from dataclasses import asdict

import click

from rsidx.commands.options import MAX_BYTES, Place, json_option, place_options
from rsidx.indexer.gc import collect
from rsidx.output import counted, emit, human_bytes


@click.command()
@click.option("--dry-run", is_flag=True, help="Say what would be deleted, and delete nothing.")
@json_option
@place_options
def gc(place: Place, dry_run: bool, as_json: bool) -> None:
    """Delete unreachable commits from the index, as after an amend, a rebase or a deleted branch.

    They are never exported; this frees the space that they take in the index.
    """
    with place.database() as database:
        before = database.n_bytes()
        pruned = collect(place.repository, database, max_bytes=MAX_BYTES, dry_run=dry_run)
        after = database.n_bytes()
    what = (
        f"{counted(pruned.n_commits, 'commit')}, {counted(pruned.n_blobs, 'file version')} and "
        f"{counted(pruned.n_chunks, 'chunk')}"
    )
    sizes = f"{human_bytes(before)}, now {human_bytes(after)}"
    line = f"{what} would be deleted" if dry_run else f"{what} deleted ({sizes})"
    emit({**asdict(pruned), "n_bytes": after}, [line], as_json=as_json)
