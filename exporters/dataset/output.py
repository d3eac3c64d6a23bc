"""Where the rows of an export go, and what is counted of them."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import orjson

from rsidx.exporters.config import ExportConfig
from rsidx.exporters.dataset.dropped import DroppedFile
from rsidx.exporters.dataset.message_columns import Messages
from rsidx.exporters.dataset.moved import MovedRows
from rsidx.exporters.dataset.order import Sorter, Weights, newest, sort_key
from rsidx.exporters.dataset.place_columns import PlacedTexts
from rsidx.exporters.dataset.preference_columns import Preferences
from rsidx.exporters.dataset.sidecars import Sidecars
from rsidx.exporters.dataset.text_columns import PromptCompletion
from rsidx.exporters.dataset.writer import (
    ColumnsOf,
    Padding,
    RowWriter,
    columns,
    masks_of,
)
from rsidx.exporters.kinds import KINDS
from rsidx.exporters.pipeline.result import Dropped, TokenizedRow
from rsidx.exporters.pipeline.statistics import Statistics
from rsidx.exporters.rendering.encoder import Encoder
from rsidx.exporters.splits.split import SPLITS, Plan

NO_TEXT = "text_rows_with_control_tokens"
"""Why a row cannot be written as text."""


@dataclass(frozen=True, slots=True)
class Files:
    """Where an export writes: to `folder`, None for nowhere.

    `out` is what it replaces; `scratch` takes files without a name, by default the folder does.
    """

    folder: Path | None
    out: Path
    scratch: Path | None = None

    @property
    def spill(self) -> Path:
        """Where files without a name go."""
        folder = self.scratch or self.folder
        assert folder is not None
        return folder


class Output:
    """Writes rows to their files, those of train in the order that was asked for, and counts them.

    Without a folder it only counts.
    """

    def __init__(
        self,
        files: Files,
        encoder: Encoder,
        config: ExportConfig,
        plan: Plan,
        statistics: Statistics,
    ) -> None:
        self._statistics = statistics
        self._weights = _weights(config, plan)
        with ExitStack() as stack:
            self._rows = stack.enter_context(closing(rows_to(files.folder, encoder, config)))
            self._sidecars = stack.enter_context(
                closing(sidecars_to(files.folder, encoder, config))
            )
            hides_secrets = "secrets" not in config.keep
            dropped = DroppedFile(files.folder, hides_secrets=hides_secrets)
            self._dropped = stack.enter_context(closing(dropped))
            self._moved = stack.enter_context(closing(MovedRows(files.out, files.spill)))
            # Without files, no order matters.
            key = sort_key(config.order, config.seed) if files.folder is not None else None
            self._sorter: Sorter | None = None
            if key is not None:
                self._sorter = stack.enter_context(closing(Sorter(files.spill, key)))
            self._stack = stack.pop_all()

    def put(self, split: str, row: TokenizedRow, time: int) -> None:
        """Take in a row of a commit made at a time."""
        if split == SPLITS[0] and self._weights is not None:
            row = self._weights.with_weight(row, time)
        if split == SPLITS[0] and self._sorter is not None:
            self._sorter.add(row)
        else:
            self._write(split, row)

    def drop(self, commit: str, left_out: Iterable[Dropped]) -> None:
        """Take in what was left out of a commit."""
        self._dropped.write(commit, left_out)

    def _write(self, split: str, row: TokenizedRow) -> None:
        is_written = self._rows.write(split, row)
        if not (is_written and self._sidecars.write(split, row)):
            self._statistics.dropped[NO_TEXT] += 1
            meta = orjson.loads(row.meta)
            self.drop(meta["commit"], [Dropped(NO_TEXT, meta["path"], meta["symbol"])])
        if not is_written:
            return
        self._statistics.count(split, row)
        before = self._moved.split_before(row.brief["id"]) if split == SPLITS[0] else None
        if before is not None:
            self._statistics.now_train[before] += 1

    def finish(self) -> None:
        """Write what waited to be sorted."""
        for row in self._sorter.rows() if self._sorter is not None else ():
            self._write(SPLITS[0], row)

    def close(self) -> None:
        """Close the files."""
        self._stack.close()
        self._statistics.packed.update(self._sidecars.n_packed)


def _weights(config: ExportConfig, plan: Plan) -> Weights | None:
    if config.half_life is None:
        return None
    train = [plan.commits[n] for n in plan.positions() if not plan.split.number(n)]
    return Weights(config.half_life, newest(commit.date for commit in train))


_TEXTS: Mapping[str, type[PromptCompletion] | type[Messages] | type[PlacedTexts]] = {
    "text": PromptCompletion,
    "messages": Messages,
    "rl": PlacedTexts,
}
"""What spells rows out that are written as text alone."""


def _columns_of(encoder: Encoder, config: ExportConfig) -> ColumnsOf:
    """Return what makes the columns of rows."""
    if KINDS[config.kind].has_rejected:
        return Preferences(encoder).row
    if config.columns in _TEXTS:
        return _TEXTS[config.columns](encoder).row
    padding = None
    if config.pad:
        padding = Padding(encoder.control(encoder.pad_token), config.max_tokens)

    def made(row: TokenizedRow) -> dict[str, list[int]]:
        found = columns(row, padding)
        return found | masks_of(found, config.masks)

    return made


def rows_to(
    folder: Path | None, encoder: Encoder, config: ExportConfig, names: Sequence[str] = SPLITS
) -> RowWriter:
    """Return what writes rows, and their meta lines, to the files of splits or shards."""
    return RowWriter(folder, names, config.format, encoder.n_tokens, _columns_of(encoder, config))


def sidecars_to(
    folder: Path | None, encoder: Encoder, config: ExportConfig, names: Sequence[str] = SPLITS
) -> Sidecars:
    """Return what writes rows in the other shapes that are asked for."""
    text = config.columns == "both"
    return Sidecars(folder, names, encoder, text=text, pack=config.pack)
