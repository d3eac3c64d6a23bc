"""`rsidx show`."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import click

from rsidx import Commit, Edit, Index
from rsidx.commands.options import json_option, repository_options
from rsidx.output import emit


@click.command()
@click.argument("commit")
@click.option("--stat", is_flag=True, help="One line for each edit, without the code.")
@json_option
@repository_options
def show(index: Index, commit: str, stat: bool, as_json: bool) -> None:
    """Show a commit's edits, chunk by chunk."""
    found = index.commit(commit)
    edits = list(found.edits())
    dropped = dict(found.no_edits())
    value = {
        "commit": found.oid,
        "message": found.message,
        "edits": [_as_json(edit) for edit in edits],
        "dropped": dropped,
    }
    emit(value, _lines(found, edits, dropped, stat), as_json=as_json)


def _as_json(edit: Edit) -> dict[str, Any]:
    value = asdict(edit)
    value["name"] = value.pop("symbol")
    return value


def _lines(commit: Commit, edits: list[Edit], dropped: dict[str, int], stat: bool) -> Iterator[str]:
    yield f"commit {commit.oid}"
    message = commit.message
    yield f"    {message.splitlines()[0] if message else ''}"
    for edit in edits:
        where = f"{edit.path}:{edit.new_line or edit.old_line}"
        inside = f" in {edit.container}" if edit.container else ""
        came = f" (from {edit.old_path})" if edit.old_path else ""
        test = " [test]" if edit.is_test else ""
        yield ""
        yield f"{edit.change} {edit.kind} {edit.symbol}{inside} at {where}{came}{test}"
        if not stat:
            yield from edit.diff()
    for reason, n in sorted(dropped.items()):
        yield ""
        yield f"no edit: {n:,} {reason}"
