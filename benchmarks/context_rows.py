"""Rows of several exports of one repository, matched with each other.

An export is read by its public format alone: it is made with `--text --columns both`.
"""

import hashlib
import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

from baselines import Repository, sides_of

_WORD = re.compile(r"[A-Za-z_]\w*")
_SPLITS = ("train", "val", "test")
_MIN_LINE_CHARS = 8
_MAX_MOVED_SHARE = 0.5

Key = tuple[str, str, str, str, str]
"""Commit, path, kind, symbol and target text: what makes rows of two exports the same edit."""


@dataclass(frozen=True, slots=True)
class Row:
    """An edit of a whole item, as an export shows it; `old_range` is in bytes of the old file."""

    commit: str
    parent: str
    path: str
    kind: str
    symbol: str
    change: str
    message: str
    old: str
    new: str
    old_range: tuple[int, int] | None
    new_blob: str
    new_start: int
    prompt: str

    @property
    def key(self) -> Key:
        """What the row is matched by."""
        return self.commit, self.path, self.kind, self.symbol, self.new.strip()


def words(text: str) -> set[str]:
    """Return the words of a text that may be identifiers."""
    return set(_WORD.findall(text))


def read_rows(out: Path) -> dict[Key, Row]:
    """Return an export's added and modified items that are one row each, and keep their place."""
    rows: dict[Key, Row] = {}
    for split in _SPLITS:
        prompts = dict(_prompts(out, split))
        with (out / f"{split}.meta.jsonl").open("rb") as lines:
            for meta in map(json.loads, lines):
                if _is_whole_item(meta) and meta["id"] in prompts:
                    row = _row(meta, prompts[meta["id"]])
                    rows.setdefault(row.key, row)
    return rows


def _prompts(out: Path, split: str) -> Iterator[tuple[str, str]]:
    file = out / f"{split}.text.jsonl"
    if not file.exists():
        sys.exit(f"{file} is missing: export with --columns both --text")
    with file.open("rb") as lines:
        for texts in map(json.loads, lines):
            yield texts["id"], texts["prompt"]


def _is_whole_item(meta: dict[str, Any]) -> bool:
    """Tell whether a row is an added or modified item that kept its path."""
    if "around" in meta or "learned" in meta:
        sys.exit("holes and sequences have no message and old code: export edits")
    if "text" not in meta:
        sys.exit("the texts are missing: export with --columns both --text")
    is_here = meta["change"] == "add" or (
        meta["change"] == "modify" and meta["old_path"] == meta["path"]
    )
    return (
        is_here
        and meta["parent"] is not None
        and meta["part"] == [1, 1]
        and bool(meta["symbol"])
        and meta["path"].endswith(".rs")
        and not meta["is_redacted"]
    )


def _row(meta: dict[str, Any], prompt: str) -> Row:
    old, new, text = meta["old"], meta["new"], meta["text"]
    return Row(
        **{key: meta[key] for key in ("commit", "parent", "path", "kind", "symbol", "change")},
        message=text["message"],
        old=text["old"],
        new=text["new"],
        old_range=(old["start"], old["end"]) if meta["change"] == "modify" else None,
        new_blob=new["blob"],
        new_start=new["start"],
        prompt=prompt,
    )


def around(row: Row, repository: Repository) -> tuple[str, str]:
    """Return the text of the parent's file before and after a row's place."""
    new = (row.new_blob, row.new_start, row.new)
    return sides_of(repository, row.parent, row.path, row.old_range, new)


def paired(exports: Sequence[dict[Key, Row]]) -> list[tuple[Row, ...]]:
    """Return the rows that all exports have, in the order of the first."""
    return [
        tuple(rows[key] for rows in exports)
        for key in exports[0]
        if all(key in rows for rows in exports)
    ]


def is_renamed_or_moved(row: Row, repository: Repository) -> bool:
    """Tell whether an item only has a new name or place, or stands in a file that has.

    So has an added one of which half of the lines are removed elsewhere by the same commit.
    """
    if row.path in repository.renamed_files(row.parent, row.commit):
        return True
    if row.change == "modify":
        return not words(row.symbol) <= words(row.old)
    lines = [line.strip() for line in row.new.splitlines()]
    lines = [line for line in lines if len(line) >= _MIN_LINE_CHARS]
    removed = repository.removed_lines(row.parent, row.commit)
    return sum(line in removed for line in lines) > _MAX_MOVED_SHARE * len(lines)


def sampled(
    pairs: Sequence[tuple[Row, ...]],
    is_wanted: Callable[[Row], bool],
    n_rows: int,
    seed: int,
) -> list[tuple[Row, ...]]:
    """Return so many additions and so many modifications in turn, one row a commit.

    A row's turn goes by a digest of the seed and what it is matched by, so most of a sample stays
    when another export, or another release, has some rows more or less. A commit that has several
    rows gives the one whose turn comes first.
    """
    chosen: dict[str, list[tuple[Row, ...]]] = {"add": [], "modify": []}
    commits: set[str] = set()
    for pair in sorted(pairs, key=lambda pair: turn(seed, pair[0].key)):
        row = pair[0]
        is_open = len(chosen[row.change]) < n_rows and row.commit not in commits
        if is_open and is_wanted(row):
            commits.add(row.commit)
            chosen[row.change].append(pair)
    turns = zip_longest(chosen["add"], chosen["modify"])
    return [pair for turn in turns for pair in turn if pair is not None]


def turn(seed: int, key: Key) -> bytes:
    """Return what a row's place in a random order goes by."""
    return hashlib.sha256(json.dumps([seed, *key]).encode()).digest()
