"""`rsidx inspect`."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import click

from rsidx import DataSet, ShownRow, ShownToken
from rsidx.commands.options import config_option, json_option
from rsidx.output import counted, echo_styled, emit, printable

_COLOURS = {
    "prompt": "cyan",
    "context": "blue",
    "old": "yellow",
    "lead": "magenta",
    "prefix": "yellow",
    "suffix": "magenta",
    "new": "green",
    "end": "green",
    "rejected": "red",
}


@click.command()
@click.argument("out", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.argument("row", default="1")
@click.option("--split", type=click.Choice(DataSet.SPLITS), default="train", show_default=True)
@click.option("--tokens", is_flag=True, help="Mark where tokens end.")
@json_option
@config_option
def inspect(out: Path, row: str, split: str, tokens: bool, as_json: bool) -> None:
    """Show a row of the data set OUT as the model sees it.

    ROW is its number in the split, counted from 1 as lines are (`datasets` counts from 0), or the
    beginning of its id or commit. Colours show the role of each token; tokens with loss are bold,
    control tokens have a background.
    """
    found = DataSet(out).show(row, split)
    if as_json:
        emit(asdict(found), (), as_json=True)
        return
    for line in _head(found):
        echo_styled(line)
    click.echo()
    shown = [token for token in found.tokens if token.role != "padding"]
    echo_styled("".join(_styled(token, mark_end=tokens) for token in shown))
    if len(shown) < len(found.tokens):
        click.echo(f"and {counted(len(found.tokens) - len(shown), 'token')} of padding")


def _head(found: ShownRow) -> Iterator[str]:
    meta = found.meta
    yield f"{found.split} {found.number}, id {meta['id']}"
    yield printable(
        f"{meta['change']} {meta['kind']} {meta['symbol']} in {meta['path']}, part "
        f"{meta['part'][0]} of {meta['part'][1]}, commit {meta['commit'][:12]} of {meta['time']}"
    )
    if "answer" in meta:
        answer = meta["answer"]
        yield f"answer {answer['digest']}, sample {answer['sample']}: {answer['verdict']}"
    counts = ((role, n) for role, n in meta["n_tokens"].items() if role != "total" and n)
    parts = (click.style(f"{role} {n:,}", fg=_COLOURS[role]) for role, n in counts)
    n_tokens = counted(meta["n_tokens"]["total"], "token")
    yield f"{n_tokens}: {', '.join(parts)}; {found.n_with_loss:,} with loss"
    for shown in meta["context"]:
        yield printable(
            f"  {shown['section']:<10} {shown['symbol'] or '-':<24} {shown['rule']:<10} "
            f"{shown['form']:<10} {shown['n_tokens']:>5}  {shown['path']}"
        )
    for earlier in meta.get("earlier", ()):
        yield printable(f"  {'edit':<10} of commit {earlier['commit'][:12]} in {earlier['path']}")


def _styled(token: ShownToken, *, mark_end: bool) -> str:
    text = printable(token.text) + ("\N{MIDDLE DOT}" if mark_end and not token.is_control else "")
    return click.style(
        text,
        fg=_COLOURS[token.role],
        bold=token.has_loss,
        reverse=token.is_control,
        # Colours end with the line: a pager shows each line by itself.
        reset=True,
    )
