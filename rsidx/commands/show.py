"""`rsidx show`."""

from collections.abc import Iterator
from dataclasses import asdict

import click

from rsidx.commands.options import Place, json_option, place_options
from rsidx.exporters.commit_view import ShownEdit, show_commit
from rsidx.exporters.edits.diff import unified
from rsidx.indexer.git.history import resolve
from rsidx.output import emit


@click.command()
@click.argument("commit")
@click.option("--stat", is_flag=True, help="One line for each edit, without the code.")
@json_option
@place_options
def show(place: Place, commit: str, stat: bool, as_json: bool) -> None:
    """Show a commit's edits, chunk by chunk."""
    oid = bytes.fromhex(resolve(place.repository, commit))
    with place.database() as database:
        edits, dropped, message = show_commit(database, place.repository.name, oid)
    value = {
        "commit": oid.hex(),
        "message": message,
        "edits": [asdict(edit) for edit in edits],
        "dropped": dict(dropped),
    }
    emit(value, _lines(oid, message, edits, dict(dropped), stat), as_json=as_json)


def _lines(
    oid: bytes, message: str, edits: list[ShownEdit], dropped: dict[str, int], stat: bool
) -> Iterator[str]:
    yield f"commit {oid.hex()}"
    yield f"    {message.splitlines()[0] if message else ''}"
    for edit in edits:
        where = f"{edit.path}:{edit.new_line or edit.old_line}"
        inside = f" in {edit.container}" if edit.container else ""
        came = f" (from {edit.old_path})" if edit.old_path else ""
        test = " [test]" if edit.is_test else ""
        yield ""
        yield f"{edit.change} {edit.kind} {edit.name}{inside} at {where}{came}{test}"
        if not stat:
            old, new = edit.old.splitlines(), edit.new.splitlines()
            yield from unified(old, new)
    for reason, n in sorted(dropped.items()):
        yield ""
        yield f"no edit: {n:,} {reason}"
