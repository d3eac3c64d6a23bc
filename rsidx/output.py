"""What the user sees: results on stdout, progress and errors on stderr."""

import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import click

# Escape sequences, and every other control character but tab and newline.
_ESCAPES = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-_])?|"
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f]"
)


def printable(text: str) -> str:
    """Return a text from a repository without what would steer a terminal."""
    return _ESCAPES.sub("\N{REPLACEMENT CHARACTER}", text)


def emit(value: Any, lines: Iterable[str], *, as_json: bool) -> None:
    """Print a result: as JSON, or as lines for people."""
    if as_json:
        click.echo(json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True))
    else:
        for line in lines:
            click.echo(printable(line))


def counted(n: int, noun: str) -> str:
    """Return a number with its noun, as in `1 commit` and `1,200 commits`."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def echo_styled(text: str) -> None:
    """Print a text with colours, without them where there is no terminal or NO_COLOR is set."""
    click.echo(text, color=False if os.environ.get("NO_COLOR") else None)


@contextmanager
def resumable() -> Iterator[None]:
    """Say of an interruption that running the command again goes on where it stopped."""
    try:
        yield
    except KeyboardInterrupt as error:
        raise KeyboardInterrupt("run it again, and it goes on from here") from error


def note(text: str) -> None:
    """Print a line that is no result, on stderr."""
    click.echo(text, err=True)


@contextmanager
def progress(title: str, unit: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar on stderr with rate and time left; nothing where that is no terminal."""
    if not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    from rich.console import Console  # noqa: PLC0415  (costs more than a small command)
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn(title),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit + " {task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(title, total=None, rate="")

        def update(done: int, total: int) -> None:
            speed = bar.tasks[task].speed
            rate = f"{speed:,.0f}/s" if speed else ""
            bar.update(task, completed=done, total=total, rate=rate)

        yield update


@contextmanager
def stages() -> Iterator[Callable[[str, int, int], None]]:
    """Show a bar for each stage of a long run, one below the other, as `progress` does."""
    with ExitStack() as stack:
        current = ""
        update: Callable[[int, int], None]

        def show(stage: str, done: int, total: int) -> None:
            nonlocal current, update
            if stage != current:
                stack.close()
                update = stack.enter_context(progress(f"{stage:<8}", "tasks"))
                current = stage
            update(done, total)

        yield show


def table(rows: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Yield lines of two columns, the first as wide as it must be."""
    kept = list(rows)
    width = max((len(left) for left, _ in kept), default=0)
    for left, right in kept:
        yield f"{left:<{width}}  {right}".rstrip()


def human_bytes(n: float) -> str:
    """Return a size with a unit, as in `12.3 MB`."""
    for unit in ("B", "kB", "MB"):
        if abs(n) < 1000:
            return f"{n:.0f} {unit}" if unit == "B" else f"{n:.1f} {unit}"
        n /= 1000
    return f"{n:.1f} GB"
