"""`rsidx tokenizer`."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import click

from rsidx import (
    DataSet,
    Index,
    TokenizerComparison,
    TokenizerReport,
    compare_tokenizer,
    measure_tokenizer,
)
from rsidx.commands.options import config_option, index_options, json_option, measured_index_options
from rsidx.option import size_option
from rsidx.output import counted, emit, printable, table


@click.group()
def tokenizer() -> None:
    """Train a tokenizer on the index, measure how one fits Rust, or compare a server's."""


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


@tokenizer.command()
@click.argument("out", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option(
    "--url",
    required=True,
    metavar="URL",
    help="The address of the model's server, such as http://127.0.0.1:8080/v1.",
)
@click.option("--model", metavar="NAME", help="The model, by default the first that it lists.")
@click.option("--split", type=click.Choice(DataSet.SPLITS), default="test", show_default=True)
@click.option(
    "--rows",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="How many prompts to compare.",
)
@json_option
@config_option
def compare(out: Path, url: str, model: str | None, split: str, rows: int, as_json: bool) -> None:
    """Say whether a model's server makes the ids of prompts that the data set OUT has.

    It asks a server of llama.cpp or vLLM for the ids of the prompts' texts. Exits with 10 where one
    differs: the model would see something else than it was trained on.
    """
    found = compare_tokenizer(out, url, split=split, model=model, n_rows=rows)
    emit(asdict(found), _compared(found), as_json=as_json)
    if not found.is_same:
        raise click.exceptions.Exit(10)


def _compared(found: TokenizerComparison) -> Iterator[str]:
    yield f"{found.model}: {found.n_same:,} of {counted(found.n_rows, 'prompt')} have the same ids"
    if found.n_left_out:
        yield f"{counted(found.n_left_out, 'prompt')} left out: code spells a control token there"
    yield f"the end token is {'the same' if found.ends_same else 'another, or several tokens'}"
    for one in found.differences[:_MAX_SHOWN]:
        trained, served = ("|".join(map(printable, side)) for side in (one.trained, one.served))
        yield f"row {one.row}, token {one.at}: trained on |{trained}|, served |{served}|"
    n_more = len(found.differences) - _MAX_SHOWN
    if n_more > 0:
        yield f"and {n_more:,} more"


_MAX_SHOWN = 3


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
