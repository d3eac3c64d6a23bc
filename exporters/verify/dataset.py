"""Verifying a data set against git alone: without the index and the steps that made it.

With the export it shares the tokenizer, the fingerprints of edits, and what it knows of dates,
licences and secrets.

Every target must be the new file's text at its place, every excerpt must stand in the tree that
it is said to be from, no split may be older than the one before it or have a row that is related to
one of it, and the checksums must hold.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import orjson

from rsidx.exporters.dataset.dropped import FILE as DROPPED
from rsidx.exporters.dataset.format import read_manifest
from rsidx.exporters.dataset.inventory import is_ours, read_files
from rsidx.exporters.dataset.layout import CHECKSUMS, MANIFEST, sha256_of
from rsidx.exporters.dataset.reader import read_rows, readable, rows_with_meta
from rsidx.exporters.dataset.sidecars import PACKED, TEXT
from rsidx.exporters.formats import jsonl
from rsidx.exporters.rendering.encoder import Encoder, load
from rsidx.exporters.splits.split import SPLITS
from rsidx.exporters.verify.dropped import dropped_problems
from rsidx.exporters.verify.history import History
from rsidx.exporters.verify.rows import Checked, Rows
from rsidx.exporters.verify.schema import SchemaCheck, manifest_problem, meta_check

_ROWS_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class Problem:
    """What does not hold: `row` counts the lines of a split from 1, None for a whole file."""

    file: str
    row: int | None
    text: str


def verify(out: Path, history: History, checked: Checked) -> Iterator[Problem]:
    """Yield all that does not hold; `checked` counts as it goes.

    Raises ExportError where `out` is no export that can be read.
    """
    manifest = read_manifest(out)
    with readable(out):
        yield from _problems(out, manifest, history, checked)


def _problems(
    out: Path, manifest: dict[str, Any], history: History, checked: Checked
) -> Iterator[Problem]:
    sums = (out / CHECKSUMS).read_text("utf-8").splitlines()
    ending = manifest["config"]["format"]
    yield from _seal(out)
    yield from _checksums(out, sums, checked)
    broken = manifest_problem(manifest)
    if broken is not None:
        # What the rows must be is not known then.
        yield Problem(MANIFEST, None, broken)
        return
    folder = out / "tokenizer"
    encoder = Encoder(load(str(folder)), source=str(folder))
    check = meta_check(manifest)
    rows = Rows(manifest, encoder, history, checked)
    with closing(rows.edits):
        for split in SPLITS:
            lines = _checked(rows, rows_with_meta(out, split, ending), check)
            n_rows = 0
            for number, (row, meta, broken) in enumerate(lines, 1):
                n_rows = number
                if broken is not None:
                    checked.n_rows += 1
                    yield Problem(f"{split}.meta.jsonl", number, broken)
                    continue
                for text in rows.problems(split, number, row, meta):
                    yield Problem(f"{split}.{ending}", number, text)
            expected = manifest["counts"]["examples"][split]
            if n_rows != expected:
                yield Problem(
                    f"{split}.{ending}", None, f"{n_rows} rows, the manifest says {expected}"
                )
        for split in SPLITS:
            yield from _sidecars(out, split, manifest["config"])
        for line, text in dropped_problems(out, manifest, history):
            yield Problem(DROPPED, line, text)
        if "related" not in manifest["config"]["keep"]:
            # An earlier release looked for less.
            known = manifest["relations"]["across_splits"]
            for place, number, reason in rows.edits.leaks():
                if reason not in known:
                    continue
                text = f"is related to a row of an earlier split: {reason}"
                yield Problem(f"{SPLITS[place]}.{ending}", number, text)


_Line = tuple[dict[str, Any], dict[str, Any]]


def _checked(
    rows: Rows, lines: Iterator[_Line], check: SchemaCheck | None
) -> Iterator[tuple[dict[str, Any], dict[str, Any], str | None]]:
    """Yield rows with their meta lines, and with what breaks the schema of these.

    `rows` sees some that are whole at a time before.
    """
    while some := list(islice(lines, _ROWS_AT_ONCE)):
        problems = [check.problem(meta) if check is not None else None for _, meta in some]
        rows.warm(line for line, broken in zip(some, problems, strict=True) if broken is None)
        yield from ((*line, broken) for line, broken in zip(some, problems, strict=True))


def _sidecars(out: Path, split: str, config: dict[str, Any]) -> Iterator[Problem]:
    if config["pack"]:
        yield from _packed(out, split, config["format"], config["pack"])
    if config["columns"] == "both":
        yield from _texts(out, split)


def _texts(out: Path, split: str) -> Iterator[Problem]:
    """Yield the rows of text whose ids are not those of meta lines, in their order."""
    with (out / f"{split}.meta.jsonl").open("rb") as lines:
        ids = (orjson.loads(line)["id"] for line in lines)
        for number, row in enumerate(jsonl.read(out / f"{split}.{TEXT}"), 1):
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
