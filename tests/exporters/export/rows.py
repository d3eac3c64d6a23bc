"""Rows of an export, and what tests ask of them."""

from rsidx.exporters.splits.split import SPLITS
from tests.conftest import read_lines
from tests.repositories import WORDS


def read_rows(out):
    """Return split, row and meta line of each row, in the order of the files."""
    return [
        (split, row, meta)
        for split in SPLITS
        for row, meta in zip(
            read_lines(out / f"{split}.jsonl"),
            read_lines(out / f"{split}.meta.jsonl"),
            strict=True,
        )
    ]


def by_message(rows, message):
    return [
        (row, meta)
        for _, row, meta in rows
        if meta["text"]["message"].removesuffix(WORDS) == message
    ]


def target(row):
    return [i for i in row["labels"] if i >= 0]
