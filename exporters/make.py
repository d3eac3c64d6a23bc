"""Making entries: a commit's edits, with context and tokens."""

import hashlib
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from platform import python_version
from typing import Any

import orjson

from rsidx.errors import ExportError, TokenizerError
from rsidx.exporters.build import FILTERS, Builder
from rsidx.exporters.config import LEVELS, Config, builder_options, fim_options
from rsidx.exporters.dialects import Dialect, choose, choose_sequence
from rsidx.exporters.earlier import EarlierEdit
from rsidx.exporters.edits import Edit, Side
from rsidx.exporters.entries import Entry, MadeEdit, MadeRow
from rsidx.exporters.examples import Example
from rsidx.exporters.fim import EditedText, fill_in
from rsidx.exporters.fim_dialects import choose_fim
from rsidx.exporters.parts import Part, UnsplittableError
from rsidx.exporters.phases import Phases
from rsidx.exporters.relations import Patch
from rsidx.exporters.render import IrreversibleError, Renderer, Row, TooLongError
from rsidx.exporters.secrets import RULES, scanner_version
from rsidx.exporters.sequence import file_pieces, windows
from rsidx.exporters.tokens import Encoder, load
from rsidx.store.dates import spelled
from rsidx.store.reader import Reader
from rsidx.store.records import CommitRow

_MIN_PART_CHARS = 200
_MAX_RETRIES = 4
_FILES_KEPT = 4
_NOT_IN_AN_ENTRY = frozenset(
    {
        "tokenizer",
        "name",
        "revisions",
        "split",
        "embargo",
        "boundaries",
        "new_commits",
        "format",
        "columns",
        "pack",
        "pad",
        "order",
        "half_life",
    }
)
_LIBRARIES = ("license-expression", "rensa")
"""Those that decide what an entry is, besides the tokenizer's and that of secrets."""
_FILTERS_OF_ENTRIES = frozenset(FILTERS) - {
    "merges",
    "bots",
    "duplicates",
    "near_duplicates",
    "related",
}


def writing_tools(config: Config) -> tuple[Encoder, Dialect, Renderer]:
    """Return what turns examples into ids; raises TokenizerError or ExportError."""
    if config.kind != "edit" and (config.level != LEVELS[0] or config.no_edit or config.earlier):
        raise ExportError(
            "--level, --no-edit and --earlier are for edits, not for holes and sequences"
        )
    if config.level != LEVELS[0] and config.no_edit:
        raise ExportError("--no-edit is for items; of a file, something always changed")
    if config.kind == "sequence" and config.columns != "ids":
        raise ExportError(
            f"--columns {config.columns} is for what has a prompt; a sequence has none"
        )
    encoder = Encoder(load(config.tokenizer), source=config.tokenizer)
    dialect: Dialect
    if config.kind == "fim":
        dialect = choose_fim(encoder, config.dialect)
        if not dialect.can_spm and config.fim_spm:
            raise TokenizerError(f"{dialect.name} knows no suffix in front; give --fim-spm 0")
    elif config.kind == "sequence":
        dialect = choose_sequence(encoder, config.dialect)
    else:
        dialect = choose(encoder, markers=config.markers, name=config.dialect)
    renderer = Renderer(
        encoder,
        dialect,
        max_tokens=config.max_tokens,
        context_tokens=config.context_tokens,
        labels=config.labels,
    )
    return encoder, dialect, renderer


def build_of(config: Config, encoder: Encoder, dialect: Dialect, reader: Reader) -> bytes:
    """Return the part of an entry's cache key that all commits share.

    It covers the code, the libraries, the configuration, the tokenizer, the repository's name, and
    what of its history may yet be repaired.
    """
    asked = {
        field.name: getattr(config, field.name)
        for field in fields(config)
        if field.name not in _NOT_IN_AN_ENTRY
    }
    asked["licenses"] = sorted(config.licenses)
    asked["keep"] = sorted(_FILTERS_OF_ENTRIES.intersection(config.keep))
    digest = hashlib.blake2b(digest_size=16)
    folder = Path(__file__).parent
    for file in sorted([*folder.rglob("*.py"), RULES, *(folder.parent / "store").glob("*.py")]):
        digest.update(file.read_bytes())
    versions = [python_version(), scanner_version(), *map(version, _LIBRARIES)]
    for part in (asked, versions, encoder.identity, encoder.end_token, dialect.name):
        digest.update(repr(part).encode())
    digest.update(repr((reader.repository_name(), reader.unsettled())).encode())
    return digest.digest()


@dataclass(frozen=True, slots=True)
class _Waiting:
    """An edit whose texts are not encoded yet: the whole, its parts, and what they left out."""

    whole: Example
    parts: list[Example]
    dropped: Counter[str]
    references: Counter[str]


class Maker:
    """Makes the entries of one commit after another."""

    def __init__(
        self,
        reader: Reader,
        config: Config,
        renderer: Renderer,
    ) -> None:
        self._reader = reader
        self._config = config
        # Many edits are of one file.
        self._file_text = lru_cache(_FILES_KEPT)(reader.blob_text)
        self._renderer = renderer
        self._builder = Builder(reader, builder_options(config))
        self.phases = Phases()

    def entries(self, commits: Sequence[CommitRow]) -> Iterator[Entry]:
        """Yield the entries of commits, whose texts are encoded as one batch."""
        built = [(commit, *self._built(commit)) for commit in commits]
        with self.phases.of("tokens"):
            self._renderer.warm(
                part for _, waiting, _ in built for one in waiting for part in one.parts
            )
        for commit, waiting, dropped in built:
            with self.phases.of("rows"):
                edits = tuple(self._made(commit, one) for one in waiting)
            yield Entry(edits, dropped)

    def _built(self, commit: CommitRow) -> tuple[list[_Waiting], Counter[str]]:
        builder = self._builder
        builder.dropped = Counter()
        with self.phases.of("edits"):
            edits = builder.edits(commit)
        waiting = []
        examples = builder.examples(commit, edits)
        for _ in edits:
            builder.resolver.outcomes.clear()
            with self.phases.of("context"):
                whole = next(examples)
            dropped: Counter[str] = Counter()
            with self.phases.of("edits"):
                parts = self._parts(whole, self._config.max_chars, dropped)
            waiting.append(_Waiting(whole, parts, dropped, Counter(builder.resolver.outcomes)))
        return waiting, builder.dropped

    def _made(self, commit: CommitRow, waiting: _Waiting) -> MadeEdit:
        rows, dropped = self._rows(waiting)
        edit = waiting.whole.edit
        patch = Patch.of(self._builder.text(edit.old), self._builder.text(edit.new))
        made = tuple(made_row(row, self._meta(commit, edit, row)) for row in rows)
        return MadeEdit(patch, made, dropped, waiting.references)

    def _rows(self, waiting: _Waiting) -> tuple[list[Row], Counter[str]]:
        """Return the rows of an edit, split smaller while a part has too many tokens."""
        parts, max_chars, dropped = waiting.parts, self._config.max_chars, waiting.dropped
        for attempt in range(_MAX_RETRIES):
            rows, left_out, worst = self._rendered(parts)
            longest = max((part.n_chars for part in parts), default=0)
            smaller = int(min(max_chars, longest) * self._config.max_tokens / (worst or 1) * 0.8)
            if not worst or smaller < _MIN_PART_CHARS or attempt == _MAX_RETRIES - 1:
                break
            # What the larger parts left out is not left out any more.
            max_chars, dropped = smaller, Counter()
            parts = self._parts(waiting.whole, max_chars, dropped)
        return rows, left_out + dropped

    def _parts(self, whole: Example, max_chars: int, dropped: Counter[str]) -> list[Example]:
        """Return the parts of an edit, or the hole in it, without secrets."""
        if self._config.kind == "fim":
            holes = self._builder.without_secrets(self._hole(whole, max_chars, dropped), dropped)
            return [hole.without_shown() for hole in holes]
        if self._config.kind == "sequence":
            return self._builder.without_secrets(self._windows(whole, max_chars, dropped), dropped)
        return self._builder.parts(whole, max_chars, dropped)

    def _windows(self, whole: Example, max_chars: int, dropped: Counter[str]) -> list[Example]:
        """Return the windows over a file's new version, none where it is gone."""
        edit = whole.edit
        if edit.new is None:
            return []
        old = edit.old.chunks if edit.old is not None else ()
        try:
            pieces = file_pieces(self._reader, old, edit.new.chunks, max_chars)
        except UnsplittableError:
            dropped["examples_unsplittable"] += 1
            return []
        return windows(whole, pieces, max_chars=max_chars, stride=self._config.stride)

    def _hole(self, whole: Example, room: int, dropped: Counter[str]) -> list[Example]:
        """Return an example of a hole in the new code, none where nothing can be cut out."""
        edit = whole.edit
        if edit.new is None:
            return []
        text = EditedText(
            self._builder.text(edit.old),
            self._builder.text(edit.new),
            self._file_text(edit.new.blob_id),
            edit.new.start,
            self._builder.breaks(edit.new),
        )
        blob = self._reader.blob(edit.new.blob_id).oid.hex()
        where = f"{whole.path}\0{blob}\0{edit.new.start}"
        max_chars = self._config.max_chars
        found = fill_in(whole, text, where, fim_options(self._config), max_chars, room)
        if found is None or found.around is None:
            dropped["edits_without_middle"] += 1
            return []
        around, start = found.around, edit.new.start
        bounds = (
            around.start,
            start + found.part.new_start,
            start + found.part.new_end,
            around.end,
        )
        if self._builder.cuts_secret(edit.new.blob_id, bounds):
            dropped["edits_cutting_a_secret"] += 1
            return []
        return [found]

    def _rendered(self, parts: Sequence[Example]) -> tuple[list[Row], Counter[str], int]:
        """Return the rows of those parts that fit, what was left out, and the most tokens."""
        rows: list[Row] = []
        dropped: Counter[str] = Counter()
        worst = 0
        for part in parts:
            try:
                rows.append(self._renderer.row(part, dropped))
            except IrreversibleError:
                dropped["examples_irreversible"] += 1
            except TooLongError as error:
                dropped["examples_over_max_tokens"] += 1
                worst = max(worst, error.n_tokens)
        return rows, dropped, worst

    def _meta(self, commit: CommitRow, edit: Edit, row: Row) -> dict[str, Any]:
        example = row.example
        part = example.part
        around = example.around
        has_old = around is None and not example.window
        old = self._range(edit.old, part.old_start, part.old_end) if has_old else None
        new = self._range(edit.new, part.new_start, part.new_end)
        where = f"{commit.oid.hex()}\0{example.old_path}\0{old}\0{example.path}\0{new}"
        meta: dict[str, Any] = {
            "id": hashlib.blake2b(where.encode("utf-8", "replace"), digest_size=12).hexdigest(),
            "commit": commit.oid.hex(),
            "parent": commit.parents[0].hex() if commit.parents else None,
            "time": spelled(commit.committer_time),
            "path": example.path,
            "old_path": example.old_path or None,
            "symbol": edit.name,
            "container": edit.container,
            "kind": edit.kind,
            "change": "none" if edit.is_unchanged else edit.change,
            "is_test": edit.is_test,
            "license": self._builder.license_of(commit, edit),
            "part": [example.part_number + 1, example.n_parts],
            "old": old,
            "new": new,
            "context": [
                {
                    "path": example.excerpt_paths[index],
                    "blob": self._reader.blob(example.excerpts[index].blob_id).oid.hex(),
                    "ranges": example.excerpts[index].ranges,
                    "section": example.excerpts[index].section,
                    "symbol": example.excerpts[index].symbol,
                    "rule": example.excerpts[index].rule,
                    "form": example.excerpts[index].form,
                    "n_tokens": n_tokens,
                }
                for index, n_tokens in zip(row.shown, row.excerpt_tokens, strict=True)
            ],
            "n_excerpts_left_out": len(example.excerpts) - len(row.shown),
            "n_tokens": row.n_tokens,
            "roles": row.roles,
            "is_redacted": example.is_redacted,
        }
        if around is not None:
            assert edit.new is not None
            meta["around"] = {
                "start": around.start,
                "end": around.end,
                "is_suffix_first": around.is_suffix_first,
                "middle": around.middle,
            }
        if example.window:
            meta["learned"] = example.learned
        if not has_old or example.n_parts > 1 or not _is_whole(edit, part):
            sides = {"old": edit.old, "new": edit.new}
            meta["edit"] = {
                name: self._range(side, 0, side.n_bytes) if side is not None else None
                for name, side in sides.items()
            }
        if self._config.earlier:
            meta["earlier"] = [self._earlier(example.earlier[index]) for index in row.edits]
        if self._config.text:
            meta["text"] = {"message": example.message, "old": example.old, "new": example.new}
        return meta

    def _earlier(self, one: EarlierEdit) -> dict[str, Any]:
        return {
            "commit": one.commit.hex(),
            "path": one.path,
            "old_path": one.old_path,
            "old": self._range(one.old, 0, one.old.n_bytes) if one.old is not None else None,
            "new": self._range(one.new, 0, one.new.n_bytes) if one.new is not None else None,
        }

    def _range(self, side: Side | None, start: int, end: int) -> dict[str, Any] | None:
        if side is None:
            return None
        blob = self._reader.blob(side.blob_id).oid.hex()
        return {"blob": blob, "start": side.start + start, "end": side.start + end}


def _is_whole(edit: Edit, part: Part) -> bool:
    """Tell whether a part is all of its edit; the others may have been left out."""
    n_old, n_new = (side.n_bytes if side is not None else 0 for side in (edit.old, edit.new))
    return (part.old_start, part.old_end, part.new_start, part.new_end) == (0, n_old, 0, n_new)


def made_row(row: Row, meta: dict[str, Any]) -> MadeRow:
    """Return a row as it is kept."""
    brief = {key: meta[key] for key in ("id", "change", "kind", "is_test", "n_tokens")}
    brief["license"] = meta["license"]
    brief["sections"] = [shown["section"] for shown in meta["context"]]
    brief |= {"year": meta["time"][:4], "path": meta["path"]}
    brief["n_earlier"] = len(row.edits)
    brief["rules"] = [shown["rule"] for shown in meta["context"]]
    return MadeRow(array("I", row.input_ids), row.learned, brief, orjson.dumps(meta))
