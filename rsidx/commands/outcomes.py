"""What may come of code that is put somewhere, checked or asked for: one table for all commands."""

from dataclasses import dataclass

import click

from rsidx import PlacementError
from rsidx.output import emit, note


@dataclass(frozen=True, slots=True)
class Outcome:
    """An outcome: the exit status, and what it means."""

    status: int
    meaning: str


OUTCOMES = {
    "error": Outcome(10, "the code does not compile"),
    "not_applied": Outcome(
        11,
        "with the code, the file lacks other items; or a block finds no place, or several",
    ),
    "timeout": Outcome(12, "the check takes longer than `--timeout`"),
    "broken_before": Outcome(13, "the check fails without the code, too"),
    "not_compiled": Outcome(14, "no check compiles that code, so nothing is known of it"),
    "no_answer": Outcome(15, "the code is empty"),
    "syntax": Outcome(16, "the code does not parse"),
    "not_the_symbol": Outcome(17, "the code does not define what it was to, or more than once"),
    "no_place": Outcome(18, "the symbol or the line is not there"),
    "several_places": Outcome(19, "the symbol may be several things; the error lists them"),
    "changed": Outcome(20, "the file was changed meanwhile, or since the write to be undone"),
    "cut_off": Outcome(21, "the answer ended because of its length"),
}
"""By their names in `--json`; 0 is success."""


def end_with(outcome: str) -> None:
    """End the command with the status of an outcome."""
    if outcome in OUTCOMES:
        raise click.exceptions.Exit(OUTCOMES[outcome].status)


def refuse(error: PlacementError, *, as_json: bool) -> None:
    """Print why code was not put where it was to go, and end the command."""
    if as_json:
        emit({"outcome": error.outcome, "reason": str(error)}, (), as_json=True)
    else:
        note(f"rsidx: {error}")
    end_with(error.outcome)
