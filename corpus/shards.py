"""Writing the rows of the shards, each a task that reads the results that it needs."""

import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson

from rsidx.corpus.configuration import CorpusConfig
from rsidx.corpus.decision import SUMMARY, PlacedRow, shard_name
from rsidx.corpus.repositories import Listed
from rsidx.corpus.results import Results
from rsidx.corpus.step import TaskStep
from rsidx.corpus.workspace import Workspace
from rsidx.exporters.dataset.dropped import DroppedLines
from rsidx.exporters.dataset.order import Weights
from rsidx.exporters.dataset.output import NO_TEXT, rows_to, sidecars_to
from rsidx.exporters.pipeline.commit import writing_tools
from rsidx.exporters.pipeline.result import CommitResult, Dropped, TokenizedRow, unpack
from rsidx.exporters.pipeline.statistics import Statistics
from rsidx.exporters.rendering.encoder import Encoder
from rsidx.exporters.splits.split import SPLITS

DATA, COUNTS = "data", "counts"
_RESULTS_KEPT = 256


def shards_of(out: Workspace) -> list[tuple[str, str]]:
    """Return split and name of each shard that was decided on; a split without rows has one."""
    n_shards: Mapping[str, int] = out.read_json(SUMMARY)["shards"]
    return [
        (split, shard_name(split, number))
        for split in SPLITS
        for number in range(max(1, n_shards[split]))
    ]


class WriteShards(TaskStep):
    """Writes the files of shards; the task of a shard is its number."""

    name = "write"

    def __init__(self, out: Workspace, listed: Sequence[Listed], config: CorpusConfig) -> None:
        super().__init__()
        self.out = out
        self.listed = listed
        self.config = config

    def task(self, rank: int, world_size: int) -> Counter[str]:
        """Write some shards; return how many rows they have."""
        encoder, *_ = writing_tools(self.config.export)
        n_rows: Counter[str] = Counter()
        with closing(Results(self.out, [one.slug for one in self.listed])) as results:
            for split, name in shards_of(self.out)[rank::world_size]:
                with tempfile.TemporaryDirectory(prefix="rsidx-") as folder:
                    shard = _Shard(self, encoder, results, Path(folder))
                    n_rows["rows"] += shard.write(split, name)
                    self._put(Path(folder))
        return n_rows

    def _put(self, folder: Path) -> None:
        """Move the files of a shard to the others."""
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                name = f"{DATA}/{file.relative_to(folder).as_posix()}"
                self.out.folder.makedirs(name.rpartition("/")[0], exist_ok=True)
                self.out.folder.put_file(str(file), name)


class _Shard:
    """The files of one shard, and what is counted of them by repository."""

    def __init__(self, step: WriteShards, encoder: Encoder, results: Results, folder: Path) -> None:
        self._step = step
        self._encoder = encoder
        self._results = results
        self._folder = folder
        export = step.config.export
        newest = step.out.read_json(SUMMARY)["newest"]
        self._weights = Weights(export.half_life, newest) if export.half_life else None
        self._result = lru_cache(_RESULTS_KEPT)(self._unpacked)
        self._lines = DroppedLines(hides_secrets="secrets" not in export.keep)
        self._dropped: list[dict[str, Any]] = []
        self._statistics: dict[str, Statistics] = {}

    def write(self, split: str, name: str) -> int:
        """Write the shard of a name; return how many rows it has."""
        export = self._step.config.export
        n_rows = 0
        with (
            closing(rows_to(self._folder, self._encoder, export, (name,))) as rows,
            closing(sidecars_to(self._folder, self._encoder, export, (name,))) as sidecars,
        ):
            for placed in self._placed(name):
                row = self._row(placed, split)
                statistics = self._of(placed.repository)
                is_written = rows.write(name, row)
                if not (is_written and sidecars.write(name, row)):
                    self._drop(placed, row)
                if is_written:
                    n_rows += 1
                    statistics.count(split, row)
        packed = Counter({split: sidecars.n_packed[name]})
        counts = {key: one.as_dict() for key, one in sorted(self._statistics.items())}
        self._step.out.write_json(
            f"{COUNTS}/{name}.json", {"repositories": counts, "packed": packed, "rows": n_rows}
        )
        self._step.out.write_lines(f"{COUNTS}/{name}.dropped.jsonl", self._dropped)
        return n_rows

    def _placed(self, name: str) -> Iterator[PlacedRow]:
        file = f"shards/{name}.jsonl"
        if self._step.out.folder.isfile(file):
            for value in self._step.out.read_lines(file):
                yield PlacedRow(*value)

    def _row(self, placed: PlacedRow, split: str) -> TokenizedRow:
        """Return a row with its repository, and in train with its weight."""
        row = self._result(placed.repository, placed.commit).edits[placed.edit].rows[placed.row]
        name = orjson.dumps(self._step.listed[placed.repository].name)
        row = replace(row, meta=row.meta[:-1] + b',"repository":%b}' % name)
        if split == SPLITS[0] and self._weights is not None:
            return self._weights.with_weight(row, placed.date)
        return row

    def _unpacked(self, repository: int, commit: str) -> CommitResult:
        return unpack(self._results.read(repository, bytes.fromhex(commit)))

    def _drop(self, placed: PlacedRow, row: TokenizedRow) -> None:
        self._of(placed.repository).dropped[NO_TEXT] += 1
        meta = orjson.loads(row.meta)
        left_out = [Dropped(NO_TEXT, meta["path"], meta["symbol"])]
        name = self._step.listed[placed.repository].name
        self._dropped += (
            {"repository": name, **line} for line in self._lines.of(placed.commit, left_out)
        )

    def _of(self, repository: int) -> Statistics:
        return self._statistics.setdefault(self._step.listed[repository].name, Statistics())
