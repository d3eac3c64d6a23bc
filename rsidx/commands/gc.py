"""`rsidx gc`."""

from dataclasses import asdict

import click

from rsidx.commands.options import MAX_BYTES, Place, json_option, place_options
from rsidx.indexer.gc import collect
from rsidx.output import emit, human_bytes


@click.command()
@json_option
@place_options
def gc(place: Place, as_json: bool) -> None:
    """Drop commits that no ref reaches any more, as after an amend, a rebase or a deleted branch.

    An export never has them; this takes them out of the index, too.
    """
    with place.database() as database:
        before = database.file.stat().st_size if database.file else 0
        pruned = collect(place.repository, database, max_bytes=MAX_BYTES)
        after = database.file.stat().st_size if database.file else 0
    line = (
        f"{pruned.n_commits:,} commits, {pruned.n_blobs:,} file versions and "
        f"{pruned.n_chunks:,} chunks dropped ({human_bytes(before)}, now {human_bytes(after)})"
    )
    emit({**asdict(pruned), "n_bytes": after}, [line], as_json=as_json)
