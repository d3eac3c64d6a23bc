"""Reading a data set: its configuration, its rows, and one row for a person to look at."""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from itertools import islice
from pathlib import Path
from typing import Any

from rsidx import __version__
from rsidx.errors import ExportError
from rsidx.exporters.config import ExportConfig
from rsidx.exporters.dataset.format import read_manifest
from rsidx.exporters.dataset.layout import META, split_files
from rsidx.exporters.formats import jsonl
from rsidx.exporters.formats.registry import FORMATS
from rsidx.exporters.rendering.base import REJECTED
from rsidx.exporters.rendering.encoder import Encoder, load
from rsidx.exporters.rendering.renderer import LEARNED_ROLES
from rsidx.exporters.splits.split import SPLITS
from rsidx.removed import REMOVED
from rsidx.setting import declared

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_MAX_BYTES_OF_A_CHARACTER = 4


@dataclass(frozen=True, slots=True)
class ShownToken:
    """A token, or a few that spell one character together; without ids, a whole text.

    `role` is that of the piece it is from (`rsidx.exporters.rendering.base.Piece`), or `padding`.
    """

    text: str
    ids: tuple[int, ...]
    role: str
    is_control: bool
    has_loss: bool


@dataclass(frozen=True, slots=True)
class ShownRow:
    """A row with what is known of it."""

    split: str
    number: int
    meta: dict[str, Any]
    tokens: tuple[ShownToken, ...]

    @property
    def n_with_loss(self) -> int:
        """How many tokens have loss; of texts alone, those that a trainer puts it on."""
        if any(token.ids for token in self.tokens):
            return sum(len(token.ids) for token in self.tokens if token.has_loss)
        return sum(n for role, n in self.meta["roles"] if role in LEARNED_ROLES)


@contextmanager
def readable(out: Path) -> Iterator[None]:
    """Raise ExportError in place of what reading a folder that is no export, or damaged, raises."""
    try:
        yield
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        reason: object = error
        if isinstance(error, OSError) and error.strerror:
            reason = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
        elif isinstance(error, LookupError):
            reason = f"it has no {error}"
        raise ExportError(f"{out} is no export that can be read: {reason}") from error


def config_of(out: Path) -> ExportConfig:
    """Return the configuration of an export, with the tokenizer that it saved.

    Raises ExportError where `out` is no export that this release can read.
    """
    manifest = read_manifest(out)
    with readable(out):
        gone = {one.name.replace("-", "_") for one in REMOVED if not one.now}
        given = {key: value for key, value in manifest["config"].items() if key not in gone}
        unknown = sorted(given.keys() - {field.name for field in fields(ExportConfig)})
        if unknown:
            raise ExportError(
                f"{out} was exported by rsidx {manifest['rsidx_version']} with options that rsidx "
                f"{__version__} does not know: {', '.join(unknown)}; upgrade rsidx"
            )
        options = declared(ExportConfig)
        given = {
            key: options[key].current(value) if key in options else value
            for key, value in given.items()
        }
        given = {key: tuple(v) if isinstance(v, list) else v for key, v in given.items()}
        return ExportConfig(**{**given, "tokenizer": str(out / "tokenizer"), "pad": False})


def read_rows(folder: Path, split: str, file_format: str) -> Iterator[dict[str, Any]]:
    """Yield the rows of a split; raises OSError or ValueError where they cannot be read."""
    read = FORMATS[file_format].read if file_format in FORMATS else jsonl.read
    for file in split_files(folder, split, file_format):
        yield from read(file)


def read_metas(folder: Path, split: str) -> Iterator[dict[str, Any]]:
    """Yield the meta lines of a split; raises OSError or ValueError where they cannot be read."""
    for file in split_files(folder, split, META):
        with file.open("rb") as lines:
            yield from map(json.loads, lines)


def rows_with_meta(
    folder: Path, split: str, file_format: str
) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield the rows of a split, each with its meta line; raises ExportError where that fails."""
    for _, rows in files_with_meta(folder, split, file_format):
        yield from rows


def files_with_meta(
    folder: Path, split: str, file_format: str
) -> Iterator[tuple[str, Iterator[tuple[dict[str, Any], dict[str, Any]]]]]:
    """Yield the files of a split by their names without the ending, with rows and meta lines.

    Raises ExportError where one cannot be read.
    """
    for file in split_files(folder, split, file_format):
        yield (
            file.name.removesuffix(f".{file_format}"),
            _with_meta(file, file_format),
        )


def _with_meta(file: Path, file_format: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    metas = file.with_name(file.name.removesuffix(file_format) + META)
    try:
        with metas.open("rb") as lines:
            rows = FORMATS[file_format].read(file)
            yield from zip(rows, map(json.loads, lines), strict=True)
    except (OSError, ValueError) as error:
        raise ExportError(f"{file.name} and its meta file cannot be read: {error}") from error


def load_row(out: Path, split: str, which: str) -> ShownRow:
    """Return a row by its number in a split, from 1, or by the beginning of its id or commit.

    Raises ExportError where there is no such row.
    """
    manifest = read_manifest(out)
    splits = (split,) if which.isdecimal() and len(which) < 7 else (split, *SPLITS)
    with readable(out):
        ending = manifest["config"]["format"]
        for name in dict.fromkeys(splits if which else ()):
            found = _find(read_metas(out, name), which)
            if found is not None:
                number, meta = found
                row = next(islice(read_rows(out, name, ending), number - 1, None), None)
                if row is None:
                    raise ValueError(f"{name}.{ending} has fewer rows than its meta file")
                folder = out / "tokenizer"
                encoder = Encoder(load(str(folder)), source=str(folder))
                return ShownRow(name, number, meta, tuple(_tokens(row, meta, encoder)))
    raise ExportError(f"{out} has no row {which} in {split}, and no id or commit that begins so")


def _find(metas: Iterable[dict[str, Any]], which: str) -> tuple[int, dict[str, Any]] | None:
    is_number = which.isdecimal() and len(which) < 7
    for number, meta in enumerate(metas, 1):
        if number == int(which) if is_number else _is_named(meta, which):
            return number, meta
    return None


def _is_named(meta: dict[str, Any], which: str) -> bool:
    return bool(meta["id"].startswith(which) or meta["commit"].startswith(which))


def _tokens(row: dict[str, Any], meta: dict[str, Any], encoder: Encoder) -> Iterator[ShownToken]:
    if "rejected" in row:
        yield ShownToken(row["prompt"], (), "prompt", is_control=False, has_loss=False)
        yield ShownToken(row["chosen"], (), "new", is_control=False, has_loss=True)
        yield ShownToken(row["rejected"], (), REJECTED, is_control=False, has_loss=False)
        return
    if "completion" in row:
        yield ShownToken(row["prompt"], (), "prompt", is_control=False, has_loss=False)
        yield ShownToken(row["completion"], (), "new", is_control=False, has_loss=True)
        return
    if "messages" in row:
        question, answer = (message["content"] for message in row["messages"])
        yield ShownToken(f"{question}\n\n", (), "prompt", is_control=False, has_loss=False)
        yield ShownToken(f"{answer}\n", (), "new", is_control=False, has_loss=True)
        return
    control = set(encoder.control_tokens().values())
    roles = [role for role, n in meta["roles"] for _ in range(n)]
    ids, labels = row["input_ids"], row["labels"]
    roles += ["padding"] * (len(ids) - len(roles))
    start = 0
    while start < len(ids):
        end = start + _spelled(ids, start, encoder)
        yield ShownToken(
            text=encoder.decode(ids[start:end]),
            ids=tuple(ids[start:end]),
            role=roles[start],
            is_control=ids[start] in control,
            has_loss=labels[start] >= 0,
        )
        start = end


def _spelled(ids: Sequence[int], start: int, encoder: Encoder) -> int:
    """Return how many tokens from here on spell whole characters."""
    for n in range(1, _MAX_BYTES_OF_A_CHARACTER + 1):
        if _REPLACEMENT not in encoder.decode(ids[start : start + n]):
            return n
    return 1
