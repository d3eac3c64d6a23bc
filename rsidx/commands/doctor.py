"""`rsidx doctor`."""

from dataclasses import asdict

import click

from rsidx.commands.hooks import NOT_WELL
from rsidx.commands.options import Place, json_option, place_options
from rsidx.hooks.doctor import examine
from rsidx.output import emit


@click.command()
@json_option
@place_options
def doctor(place: Place, as_json: bool) -> int:
    """Prove for each worktree that the hook fires, and look after the index.

    Says what to do about what is not well; then the status is 10. What could not be tried without
    running hooks of others is `unproven`, and no fault.
    """
    findings = list(examine(place.repository, place.db))
    lines = [f"{one.verdict:<3}  {one.name}: {one.text}" for one in findings]
    emit([asdict(one) for one in findings], lines, as_json=as_json)
    return 0 if all(one.is_well for one in findings) else NOT_WELL
