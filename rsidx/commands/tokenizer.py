"""`rsidx tokenizer`."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import click

from rsidx import Index, TokenizerReport, measure_tokenizer
from rsidx.commands.options import index_options, json_option, measured_index_options
from rsidx.option import size_option
from rsidx.output import counted, emit, table


@click.group()
def tokenizer() -> None:
    """Train a tokenizer on the index, or measure how one fits Rust."""


@tokenizer.command()
@click.argument("out", type=click.Path(path_type=Path))
@size_option(
    "--size",
    type=click.IntRange(min=1),
    default=16_384,
    help="The size of the vocabulary.",
)
@index_options
def train(index: Index, out: Path, size: int) -> None:
    """Train a byte-level BPE on the index and write it to the new folder OUT."""
    n_tokens = index.train_tokenizer(out, size=size)
    emit(None, [f"{out}: {counted(n_tokens, 'token')}"], as_json=False)


@tokenizer.command()
@click.argument("source", metavar="PATH_OR_NAME")
@json_option
@measured_index_options
def inspect(source: str, index: Index | None, as_json: bool) -> None:
    """Say how a tokenizer fits Rust: control tokens, split keywords; with --db, coverage.

    Coverage is measured on the code of an index.
    """
    found = measure_tokenizer(source) if index is None else index.measure_tokenizer(source)
    emit(asdict(found), table(_rows(found)), as_json=as_json)


def _rows(found: TokenizerReport) -> Iterator[tuple[str, str]]:
    yield "tokens", f"{found.n_tokens:,}"
    yield "end token", found.end_token or "none"
    if found.chars_per_token is not None:
        yield "coverage", f"{found.chars_per_token:.2f} characters a token"
    for title, split in (("keywords", found.split_keywords), ("macros", found.split_macros)):
        words = ", ".join(f"{word} ({n})" for word, n in split.items())
        yield f"split {title}", words or "none"
    yield "control tokens", f"{len(found.control_tokens)}: {' '.join(found.control_tokens)}"
    for family, missing in found.dialects.items():
        yield f"dialect {family}", f"lacks {' '.join(missing)}" if missing else "yes"
