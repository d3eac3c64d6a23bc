"""The export: one way out of the index."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rsidx.errors import ExportError
from rsidx.exporters import card
from rsidx.exporters.build import Builder
from rsidx.exporters.config import Config, builder_options
from rsidx.exporters.dialects import Dialect, choose
from rsidx.exporters.examples import Example
from rsidx.exporters.manifest import Statistics, boundaries, manifest_of
from rsidx.exporters.plan import Split, reachable, select, split_commits
from rsidx.exporters.relations import Leaks
from rsidx.exporters.render import IrreversibleError, Renderer, Row, TooLongError
from rsidx.exporters.tokens import Encoder, load
from rsidx.exporters.writer import MANIFEST, RowWriter, staging, write_checksums, write_json
from rsidx.store import queries
from rsidx.store.database import Database
from rsidx.store.reader import CommitRow, Reader

_WINDOW_EXAMPLES = 256
_MIN_PART_CHARS = 200
_MAX_RETRIES = 4

Progress = Callable[[int, int], None]


def export(
    database: Database, out: Path, config: Config, *, progress: Progress | None = None
) -> dict[str, Any]:
    """Write a data set and return its manifest.

    The output takes its place only when it is whole. Raises ExportError or TokenizerError for
    a request that cannot be met.
    """
    statistics = Statistics()
    with statistics.phase("validate"):
        encoder, dialect, renderer = writing_tools(config)
    with database.reading() as connection, staging(out) as folder:
        repository_id = queries.repository_id(connection, config.name)
        if repository_id is None:
            raise ExportError("the index is empty; run `rsidx backfill` first")
        reader = Reader(connection, repository_id)
        with statistics.phase("history"):
            commits = reader.commits()
            by_oid = {commit.oid: commit for commit in commits}
            tips = _tips(queries.ref_tips(connection, repository_id), config.revisions, by_oid)
            chosen, dropped = select(
                commits, reachable(by_oid, list(tips.values())), frozenset(config.keep)
            )
            statistics.dropped.update({f"commits_{reason}": n for reason, n in dropped.items()})
            split = split_commits(chosen, config.split)
        run = _Run(reader, by_oid, config, renderer, statistics)
        writer = RowWriter(folder)
        try:
            run.write(chosen, split, writer, progress)
        finally:
            writer.close()
        with statistics.phase("data set"):
            encoder.save(folder / "tokenizer", max_tokens=config.max_tokens)
            manifest = manifest_of(config, encoder, dialect.name, reader, tips, statistics)
            manifest["splits"] = boundaries(chosen, split)
            (folder / "README.md").write_text(card.render(manifest), "utf-8")
            write_checksums(folder)
        manifest["phases_s"] = {
            name: round(seconds, 3) for name, seconds in statistics.phases.items()
        }
        write_json(folder / MANIFEST, manifest)
    return manifest


def writing_tools(config: Config) -> tuple[Encoder, Dialect, Renderer]:
    """Return what turns examples into ids; raises TokenizerError for what cannot be met."""
    encoder = Encoder(load(config.tokenizer), source=config.tokenizer)
    dialect = choose(encoder, markers=config.markers, name=config.dialect)
    renderer = Renderer(
        encoder,
        dialect,
        max_tokens=config.max_tokens,
        context_tokens=config.context_tokens,
        labels=config.labels,
        pad=config.pad,
    )
    return encoder, dialect, renderer


def _tips(
    refs: dict[bytes, bytes], revisions: Sequence[str], commits: dict[bytes, CommitRow]
) -> dict[str, bytes]:
    """Return the tips that were asked for by ref or commit id; HEAD if none was."""
    by_name = {name.decode("utf-8", "replace"): tip for name, tip in refs.items()}
    tips = {}
    for revision in revisions or ("HEAD",):
        usual = (revision, f"refs/heads/{revision}", f"refs/tags/{revision}", f"refs/{revision}")
        found = next((by_name[name] for name in usual if name in by_name), None)
        if found is None:
            matching = [oid for oid in commits if oid.hex().startswith(revision.lower())]
            found = matching[0] if len(matching) == 1 and len(revision) >= 4 else None
        if found is None or found not in commits:
            raise ExportError(
                f"{revision!r} names no commit of the index; run `rsidx backfill` for it first"
            )
        tips[revision] = found
    return tips


@dataclass(frozen=True, slots=True)
class _Waiting:
    """An edit whose texts are not encoded yet: the whole, its parts, and what they left out."""

    split: str
    commit: CommitRow
    whole: Example
    parts: list[Example]
    dropped: Counter[str]


class _Run:
    """One pass over the chosen commits, in windows that are encoded as batches."""

    def __init__(
        self,
        reader: Reader,
        commits: dict[bytes, CommitRow],
        config: Config,
        renderer: Renderer,
        statistics: Statistics,
    ) -> None:
        self._reader = reader
        self._config = config
        self._renderer = renderer
        self._statistics = statistics
        self._commits = commits
        self._builder = Builder(reader, commits, builder_options(config))

    def _leaks(self, chosen: Sequence[CommitRow], split: Split) -> Leaks | None:
        """Return what knows the relations of later splits; None where they are kept."""
        if "related" in self._config.keep:
            return None
        options = builder_options(self._config)
        # A duplicate among val's and test's edits may be the first of all that are shown.
        options = replace(options, keep=options.keep | {"duplicates"})
        with self._statistics.phase("relations"):
            builder = Builder(self._reader, self._commits, options)
            return Leaks(builder, self._reader, chosen, split)

    def write(
        self,
        chosen: Sequence[CommitRow],
        split: Split,
        writer: RowWriter,
        progress: Progress | None,
    ) -> None:
        """Write the rows of all commits in order."""
        window: list[_Waiting] = []
        n_examples = 0
        leaks = self._leaks(chosen, split)
        for position, commit in enumerate(chosen):
            with self._statistics.phase("edits"):
                edits = self._builder.edits(commit)
            if leaks is not None:
                with self._statistics.phase("relations"):
                    edits = leaks.kept(self._builder, commit, edits)
            with self._statistics.phase("context"):
                examples = list(self._builder.examples(commit, edits))
            with self._statistics.phase("edits"):
                for whole in examples:
                    dropped: Counter[str] = Counter()
                    parts = self._builder.parts(whole, self._config.max_chars, dropped)
                    window.append(_Waiting(split.name(position), commit, whole, parts, dropped))
                    n_examples += len(parts)
            if n_examples >= _WINDOW_EXAMPLES:
                self._flush(window, writer)
                window, n_examples = [], 0
            if progress is not None:
                progress(position + 1, len(chosen))
        self._flush(window, writer)
        self._statistics.dropped.update(self._builder.dropped)
        if leaks is not None:
            self._statistics.dropped.update(leaks.dropped)
        self._statistics.references.update(self._builder.resolver.outcomes)

    def _flush(self, window: list["_Waiting"], writer: RowWriter) -> None:
        with self._statistics.phase("tokens"):
            self._renderer.warm(part for waiting in window for part in waiting.parts)
        with self._statistics.phase("data set"):
            for waiting in window:
                for row in self._rows(waiting):
                    writer.write(waiting.split, row, self._meta(waiting.commit, row))
                    self._statistics.count(waiting.split, row)

    def _rows(self, waiting: "_Waiting") -> Iterator[Row]:
        """Yield the rows of an edit, split smaller while a part has too many tokens."""
        parts, max_chars, dropped = waiting.parts, self._config.max_chars, waiting.dropped
        for attempt in range(_MAX_RETRIES):
            rows, left_out, worst = self._rendered(parts)
            longest = max((max(len(part.old), len(part.new)) for part in parts), default=0)
            smaller = int(min(max_chars, longest) * self._config.max_tokens / (worst or 1) * 0.8)
            if not worst or smaller < _MIN_PART_CHARS or attempt == _MAX_RETRIES - 1:
                break
            # What the larger parts left out is not left out any more.
            max_chars, dropped = smaller, Counter()
            parts = self._builder.parts(waiting.whole, max_chars, dropped)
        self._statistics.dropped.update(left_out + dropped)
        yield from rows

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

    def _meta(self, commit: CommitRow, row: Row) -> dict[str, Any]:
        example, edit = row.example, row.example.edit
        part = example.part
        old = self._range(edit.old, part.old_start, part.old_end)
        new = self._range(edit.new, part.new_start, part.new_end)
        where = f"{commit.oid.hex()}\0{example.old_path}\0{old}\0{example.path}\0{new}"
        meta: dict[str, Any] = {
            "id": hashlib.blake2b(where.encode("utf-8", "replace"), digest_size=12).hexdigest(),
            "commit": commit.oid.hex(),
            "parent": commit.parents[0].hex() if commit.parents else None,
            "time": datetime.fromtimestamp(commit.committer_time, UTC).isoformat(),
            "path": example.path,
            "old_path": example.old_path or None,
            "symbol": edit.name,
            "container": edit.container,
            "kind": edit.kind,
            "change": edit.change,
            "is_test": edit.is_test,
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
        }
        if self._config.text:
            meta["text"] = {"message": example.message, "old": example.old, "new": example.new}
        return meta

    def _range(self, side: Any, start: int, end: int) -> dict[str, Any] | None:
        if side is None:
            return None
        blob = self._reader.blob(side.blob_id).oid.hex()
        return {"blob": blob, "start": side.start + start, "end": side.start + end}
