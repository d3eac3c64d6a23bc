"""`rsidx doctor`."""

from dataclasses import asdict

import click

from rsidx import Index
from rsidx.commands.hooks import NOT_WELL
from rsidx.commands.options import json_option, repository_options
from rsidx.output import emit


@click.command()
@json_option
@repository_options
def doctor(index: Index, as_json: bool) -> int:
    """Check in each worktree that the hook fires, and that the index is sound and private.

    Says what to do about each problem, and exits with status 10 if there is one. A hook that
    cannot be tried without also running other hooks is `unproven`, which is no problem.
    """
    findings = list(index.hooks.check())
    lines = [f"{one.verdict:<3}  {one.name}: {one.text}" for one in findings]
    emit([asdict(one) for one in findings], lines, as_json=as_json)
    return 0 if all(one.is_well for one in findings) else NOT_WELL
