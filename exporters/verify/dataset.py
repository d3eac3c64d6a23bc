"""Verifying a data set against git alone: without the index and the steps that made it.

With the export it shares the tokenizer, the fingerprints of edits, and what it knows of dates,
licences and secrets.

Every target must be the new file's text at its place, every excerpt must stand in the tree that
it is said to be from, no split may be older than the one before it or have a row that is related to
one of it, and the checksums must hold.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

from rsidx.exporters.dataset.dropped import FILE as DROPPED
from rsidx.exporters.dataset.format import read_manifest
from rsidx.exporters.dataset.inventory import is_ours, read_files
from rsidx.exporters.dataset.layout import CHECKSUMS, MANIFEST, META, sha256_of
from rsidx.exporters.dataset.reader import (
    files_with_meta,
    read_metas,
    read_rows,
    readable,
)
from rsidx.exporters.dataset.sidecars import PACKED, TEXT
from rsidx.exporters.rendering.encoder import Encoder, load
from rsidx.exporters.splits.split import SPLITS
from rsidx.exporters.verify.dropped import dropped_problems
from rsidx.exporters.verify.history import History, Sources
from rsidx.exporters.verify.order import SplitOrder
from rsidx.exporters.verify.related import Edits
from rsidx.exporters.verify.rows import Checked, Rows
from rsidx.exporters.verify.schema import manifest_problem, meta_check

_ROWS_AT_ONCE = 256
_Line = tuple[dict[str, Any], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Problem:
    """What does not hold: `row` counts the lines of a split from 1, None for a whole file."""

    file: str
    row: int | None
    text: str


def verify(
    out: Path,
    open_history: Callable[[str | None], History],
    checked: Checked,
    *,
    sample: float = 1,
) -> Iterator[Problem]:
    """Yield all that does not hold; `checked` counts as it goes.

    `open_history` gives the history of each repository of a corpus by its name, of an export that
    of None. Of the rows a `sample` is checked, a share of them that is always the same.

    Raises ExportError where `out` is no export that can be read.
    """
    manifest = read_manifest(out)
    with readable(out):
        yield from _problems(out, manifest, Sources(manifest, open_history), checked, sample)


def _problems(
    out: Path, manifest: dict[str, Any], sources: Sources, checked: Checked, sample: float
) -> Iterator[Problem]:
    sums = (out / CHECKSUMS).read_text("utf-8").splitlines()
    yield from _seal(out)
    yield from _checksums(out, sums, checked)
    broken = manifest_problem(manifest)
    if broken is not None:
        # What the rows must be is not known then.
        yield Problem(MANIFEST, None, broken)
        return
    with closing(_RowChecks(out, manifest, sources, checked)) as checks:
        for split in SPLITS:
            yield from checks.problems(split, sample)
        for split in SPLITS:
            yield from _sidecars(out, split, manifest["config"])
        for line, text in dropped_problems(out, manifest, sources):
            yield Problem(DROPPED, line, text)
        if "related" not in manifest["config"]["keep"]:
            yield from checks.leaks()


class _RowChecks:
    """Checks all rows, those of each repository with its history."""

    def __init__(
        self, out: Path, manifest: dict[str, Any], sources: Sources, checked: Checked
    ) -> None:
        folder = out / "tokenizer"
        encoder = Encoder(load(str(folder)), source=str(folder))
        self._out = out
        self._manifest = manifest
        self._ending = manifest["config"]["format"]
        self._checked = checked
        self._check = meta_check(manifest)
        self._sources = sources
        self._edits = Edits()
        order = SplitOrder(manifest)
        self._rows = cache(
            lambda source: Rows(manifest, encoder, source, checked, order, self._edits)
        )
        # Of each file of rows: its split, and the number of its first row in that.
        self._files: list[tuple[str, int, str]] = []

    def close(self) -> None:
        """Give up what was remembered."""
        self._edits.close()

    def problems(self, split: str, sample: float) -> Iterator[Problem]:
        """Yield what does not hold of the rows of a split."""
        n_rows = 0
        for file, lines in files_with_meta(self._out, split, self._ending):
            self._files.append((split, n_rows + 1, file))
            while some := list(islice(lines, _ROWS_AT_ONCE)):
                numbered = list(enumerate(some, n_rows + 1))
                n_rows += len(some)
                yield from self._problems(
                    split, [one for one in numbered if sample >= 1 or _draw(one[1][1]) < sample]
                )
        expected = self._manifest["counts"]["examples"][split]
        if n_rows != expected:
            yield Problem(
                f"{split}.{self._ending}", None, f"{n_rows} rows, the manifest says {expected}"
            )

    def _problems(self, split: str, numbered: Sequence[tuple[int, _Line]]) -> Iterator[Problem]:
        broken = {number: self._broken(meta) for number, (_, meta) in numbered}
        by_rows: dict[Rows, list[_Line]] = {}
        for number, line in numbered:
            if broken[number] is None:
                by_rows.setdefault(self._rows(self._sources.of(line[1])), []).append(line)
        for rows, lines in by_rows.items():
            rows.warm(lines)
        for number, (row, meta) in numbered:
            found = broken[number]
            if found is not None:
                self._checked.n_rows += 1
                yield self._problem(split, number, found, META)
                continue
            for text in self._rows(self._sources.of(meta)).problems(split, number, row, meta):
                yield self._problem(split, number, text, self._ending)

    def _broken(self, meta: dict[str, Any]) -> str | None:
        return self._check.problem(meta) if self._check is not None else None

    def leaks(self) -> Iterator[Problem]:
        """Yield the rows that are related to one of an earlier split."""
        # An earlier release looked for less.
        known = self._manifest["relations"]["across_splits"]
        for place, number, reason in self._edits.leaks():
            if reason in known:
                text = f"is related to a row of an earlier split: {reason}"
                yield self._problem(SPLITS[place], number, text, self._ending)

    def _problem(self, split: str, number: int, text: str, ending: str) -> Problem:
        """Return a problem of a row, by its number in its split, with its place in its file."""
        starts = [(first, file) for its_split, first, file in self._files if its_split == split]
        first, file = max(start for start in starts if start[0] <= number)
        return Problem(f"{file}.{ending}", number - first + 1, text)


def _draw(meta: dict[str, Any]) -> float:
    """Return a number from 0 to 1 that a row has by chance, and keeps."""
    return int(str(meta["id"])[:8], 16) / (1 << 32)


def _sidecars(out: Path, split: str, config: dict[str, Any]) -> Iterator[Problem]:
    if config["pack"]:
        yield from _packed(out, split, config["format"], config["pack"])
    if config["columns"] == "both":
        yield from _texts(out, split)


def _texts(out: Path, split: str) -> Iterator[Problem]:
    """Yield the rows of text whose ids are not those of meta lines, in their order."""
    ids = (meta["id"] for meta in read_metas(out, split))
    for number, row in enumerate(read_rows(out, split, TEXT), 1):
        # Version 0.1.0 gave them none. Looking for one passes by those before it.
        if "id" in row and row["id"] not in ids:
            yield Problem(f"{split}.{TEXT}", number, "no meta line behind the last has its id")
            return


def _packed(out: Path, split: str, ending: str, length: int) -> Iterator[Problem]:
    """Yield what does not hold of packed rows: they must be the rows, each once and whole."""
    rows: Counter[bytes] = Counter()
    for row in read_rows(out, split, ending):
        n = sum(row["attention_mask"])
        rows[_document(row["input_ids"][:n], row["labels"][:n])] += 1
    file = f"{split}.{PACKED}"
    for number, packed in enumerate(read_rows(out, split, PACKED), 1):
        ids, positions, labels = (packed[k] for k in ("input_ids", "position_ids", "labels"))
        if not len(ids) == len(positions) == len(labels) <= length:
            yield Problem(file, number, "its lists differ in length, or are too long")
            continue
        starts = [index for index, position in enumerate(positions) if position == 0]
        for start, end in pairwise([*starts, len(ids)]):
            if positions[start:end] != list(range(end - start)):
                yield Problem(file, number, "its positions do not count from 0 in each document")
            rows[_document(ids[start:end], labels[start:end])] -= 1
    n_wrong = sum(map(abs, rows.values()))
    if n_wrong:
        yield Problem(file, None, f"{n_wrong} documents are not rows of the split, or the reverse")


def _document(ids: list[int], labels: list[int]) -> bytes:
    # The first token is no target: nothing in its row comes before it.
    return hashlib.sha256(repr((ids, labels[1:])).encode()).digest()


def _seal(out: Path) -> Iterator[Problem]:
    """Yield a problem for the manifest or SHA256SUMS if it was changed."""
    files = read_files(out) or {}
    for name in (MANIFEST, CHECKSUMS):
        if name in files and sha256_of(out / name) != files[name]:
            yield Problem(name, None, "its checksum does not hold")


def _checksums(out: Path, sums: list[str], checked: Checked) -> Iterator[Problem]:
    listed = {name: digest for digest, name in (line.split("  ", 1) for line in sums)}
    present = {p.relative_to(out).as_posix(): p for p in out.rglob("*") if p.is_file()}
    ours = {**listed, MANIFEST: "", CHECKSUMS: ""}
    for name in sorted(n for n, path in present.items() if not is_ours(n, path.lstat(), ours)):
        yield Problem(name, None, "has no checksum")
    for name, digest in sorted(listed.items()):
        checked.n_files += 1
        if name not in present:
            yield Problem(name, None, "is missing")
            continue
        if sha256_of(out / name) != digest:
            yield Problem(name, None, "its checksum does not hold")
