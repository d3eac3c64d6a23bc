"""A data set that was exported: its rows, its manifest, and whether it is true."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rsidx.api.faults import explained, path_of
from rsidx.errors import ExportError
from rsidx.exporters.config import ExportConfig
from rsidx.exporters.dataset.dropped import FILE as DROPPED
from rsidx.exporters.dataset.format import read_manifest
from rsidx.exporters.dataset.reader import (
    ShownRow,
    config_of,
    load_row,
    readable,
    rows_with_meta,
)
from rsidx.exporters.dedup.leakage import REASONS
from rsidx.exporters.recipes.recipe import TRAINERS, write_recipe
from rsidx.exporters.report.audit import Audit, audit
from rsidx.exporters.splits.split import SPLITS
from rsidx.exporters.verify.dataset import Problem, verify
from rsidx.exporters.verify.rows import Checked
from rsidx.indexer.git.blobs import blob_reader
from rsidx.indexer.git.discovery import discover
from rsidx.indexer.git.repository import Repository
from rsidx.indexer.gitview import GitView

if TYPE_CHECKING:
    from rsidx.api.evaluation import EvaluationResult

_MAX_BLOB_BYTES = 1 << 31


@dataclass(frozen=True, slots=True)
class Row:
    """A row, as its files have it.

    `labels` are as many as `input_ids`, -100 where there is no loss. `meta` says what the row is
    of: `commit`, `path`, `symbol` and so on, as docs/format.md lists them. A data set that was
    exported with `columns="text"` has `prompt` and `completion` in place of ids and labels, one
    with `columns="messages"` has `messages`, each with `role` and `content`. A preference's
    `completion` is the better answer, and `rejected` the worse one.
    """

    id: str
    input_ids: list[int]
    labels: list[int]
    meta: dict[str, Any]
    prompt: str | None = None
    completion: str | None = None
    messages: tuple[dict[str, str], ...] | None = None
    rejected: str | None = None


@dataclass(frozen=True, slots=True)
class Verification:
    """What came of verifying a data set.

    `problems` are what does not hold, each with `file`, `row` (a line of it, from 1, or None) and
    `text`: all of the `n_problems`, unless fewer were asked for. The other numbers say how much
    was checked.
    """

    n_files: int
    n_rows: int
    n_excerpts: int
    n_redacted: int
    problems: tuple[Problem, ...]
    n_problems: int

    @property
    def ok(self) -> bool:
        """Whether all holds."""
        return not self.n_problems


@dataclass(frozen=True, slots=True)
class Relation:
    """How many edits were left out of val and test for being related to one of an earlier split.

    `n_across` are those that still are; None for what is not seen from the edits themselves.
    """

    reason: str
    n_left_val: int
    n_left_test: int
    n_across: int | None


class DataSet:
    """A data set in a folder, as `rsidx export` or `Index.export` wrote it.

    Those of version 0.1.0 are read, too. Raises ExportError where the folder is no export.
    """

    SPLITS = SPLITS
    """The names of the splits."""
    TRAINERS = tuple(TRAINERS)
    """The trainers that there are recipes for."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder: Path = path_of(folder)
        with explained():
            if not self.folder.is_dir():
                raise ExportError(f"{self.folder} is no folder with an export")
        self.manifest: dict[str, Any] = read_manifest(self.folder)

    def __repr__(self) -> str:
        return f"<DataSet in {self.folder}>"

    @cached_property
    def config(self) -> ExportConfig:
        """What the export was asked for, with the tokenizer that lies in the folder."""
        return config_of(self.folder)

    def rows(self, split: str) -> Iterator[Row]:
        """Yield the rows of a split: `train`, `val` or `test`."""
        if split not in SPLITS:
            raise ExportError(f"{split!r} is no split: {', '.join(SPLITS)}")
        with readable(self.folder):
            file_format = self.manifest["config"]["format"]
            for row, meta in rows_with_meta(self.folder, split, file_format):
                if "rejected" in row:
                    texts = row["prompt"], row["chosen"]
                    yield Row(meta["id"], [], [], meta, *texts, rejected=row["rejected"])
                elif "completion" in row:
                    yield Row(meta["id"], [], [], meta, row["prompt"], row["completion"])
                elif "messages" in row:
                    yield Row(meta["id"], [], [], meta, messages=tuple(row["messages"]))
                else:
                    yield Row(meta["id"], list(row["input_ids"]), list(row["labels"]), meta)

    def dropped(self) -> Iterator[dict[str, Any]]:
        """Yield what was left out, with its reason: the lines of `dropped.jsonl`.

        An export by an earlier version has none.
        """
        file = self.folder / DROPPED
        with readable(self.folder):
            if file.exists():
                with file.open("rb") as lines:
                    yield from map(json.loads, lines)

    def show(self, row: int | str = 1, split: str = "train") -> ShownRow:
        """Return a row token by token, with what each token is for.

        `row` is its number in the split, from 1, or the beginning of its id or of its commit's.
        """
        if split not in SPLITS:
            raise ExportError(f"{split!r} is no split: {', '.join(SPLITS)}")
        return load_row(self.folder, split, str(row))

    def verify(
        self, repository: str | os.PathLike[str], *, max_problems: int | None = None
    ) -> Verification:
        """Check against git alone that the data set says what the history says.

        Every target gives the new file, every excerpt stood where and when it says, no split is
        older than the one before it, the checksums hold. `problems` ends after `max_problems`.
        """
        with explained():
            found = discover(path_of(repository), is_named=True)
            return verification(self.folder, found, max_problems)

    def audit(
        self,
        repository: str | os.PathLike[str] | None = None,
        *,
        progress: Callable[[int, int], None] | None = None,
    ) -> Audit:
        """Count the rows that teach something wrong, by kind of fault.

        Some kinds take the data set's repository to see, or to see all of them. `progress` is
        called with the rows that were looked at, and all.
        """
        with explained(), ExitStack() as stack:
            git = None
            if repository is not None:
                found = discover(path_of(repository), is_named=True)
                reader = stack.enter_context(blob_reader(found, max_bytes=_MAX_BLOB_BYTES))
                git = GitView(found, reader)
            return audit(self.folder, git, progress)

    def report(
        self,
        to: str | os.PathLike[str] | None = None,
        *,
        n_samples: int = 200,
        audit: Callable[[], Audit] | None = None,
        result: "EvaluationResult | None" = None,
    ) -> Path:
        """Write a page with counts, plots and rows, beside the data set or `to` a file; return it.

        An earlier report is replaced; another file is not. It needs the extra `rsidx[report]`.
        `audit` is asked for the faults to show once all else is known to be there; by default, they
        are counted without the repository. With a `result` of answers to this data set, the page
        shows which of them compile.
        """
        from rsidx.exporters.report.page import write_report  # noqa: PLC0415  (an extra)

        with explained():
            folder = self.folder.resolve()
            beside = folder.with_name(f"{folder.name}.report.html")
            page = beside if to is None else path_of(to)
            judged = asdict(result.report_on(self.folder)) if result is not None else None
            write_report(
                self.folder,
                page,
                n_samples=n_samples,
                faults=audit or self.audit,
                judged=judged,
            )
        return page

    def recipe(
        self, model: str, *, trainer: str = "trl", to: str | os.PathLike[str] | None = None
    ) -> Path:
        """Write what trains a model on the data set, and return the file.

        That is a script for TRL or unsloth, or a configuration for axolotl, in the folder `to`, by
        default `OUT.recipe` beside the data set. `model` is a folder or a name on the hub. Raises
        ExportError where the trainer cannot read the rows, and where another file is there.
        """
        if trainer not in TRAINERS:
            raise ExportError(f"{trainer!r} is no trainer: {', '.join(TRAINERS)}")
        with explained():
            return write_recipe(self.folder, trainer, model, None if to is None else path_of(to))

    def relations(self) -> tuple[Relation, ...]:
        """Return how many edits are related across splits, by reason."""
        with readable(self.folder):
            found = self.manifest["relations"]
            left, across = found["left_out"], found["across_splits"]
            return tuple(
                Relation(
                    reason,
                    left.get(f"val/{reason}", 0),
                    left.get(f"test/{reason}", 0),
                    across.get(reason),
                )
                for reason in REASONS
            )


def verification(
    folder: Path, repository: Repository, max_problems: int | None = None
) -> Verification:
    """Verify the data set in a folder."""

    def open_repository(name: str | None) -> Repository:
        if name is not None:
            raise ExportError(
                f"{folder} is of several repositories: verify it with its corpus's configuration"
            )
        return repository

    return verification_of(folder, open_repository, max_problems)


def verification_of(
    folder: Path,
    open_repository: Callable[[str | None], Repository],
    max_problems: int | None = None,
    *,
    sample: float = 1,
) -> Verification:
    """Verify a data set of repositories by their names, or of one by None."""
    checked = Checked()
    with ExitStack() as stack:

        def open_history(name: str | None) -> GitView:
            repository = open_repository(name)
            reader = blob_reader(repository, max_bytes=_MAX_BLOB_BYTES)
            return GitView(repository, stack.enter_context(reader))

        found = verify(folder, open_history, checked, sample=sample)
        problems = tuple(islice(found, max_problems))
        n_more = sum(1 for _ in found)
    return Verification(
        n_files=checked.n_files,
        n_rows=checked.n_rows,
        n_excerpts=checked.n_excerpts,
        n_redacted=checked.n_redacted,
        problems=problems,
        n_problems=len(problems) + n_more,
    )
