"""From a commit to its result: its edits, with context and tokens."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from rsidx.errors import TokenizerError
from rsidx.exporters.config import Config, builder_options, fim_options
from rsidx.exporters.edits.fingerprint import PatchFingerprint
from rsidx.exporters.edits.splitting import UnsplittableError
from rsidx.exporters.examples.builder import ExampleBuilder
from rsidx.exporters.examples.example import Example
from rsidx.exporters.examples.fim import EditedText, fill_in
from rsidx.exporters.examples.sequence import file_pieces, windows
from rsidx.exporters.pipeline.meta import Meta, tokenized_row
from rsidx.exporters.pipeline.phases import Phases
from rsidx.exporters.pipeline.result import CommitResult, EditResult
from rsidx.exporters.rendering.base import Dialect
from rsidx.exporters.rendering.edit import dialect_for
from rsidx.exporters.rendering.encoder import Encoder, load
from rsidx.exporters.rendering.fim import fim_dialect_for
from rsidx.exporters.rendering.renderer import IrreversibleError, Renderer, Row, TooLongError
from rsidx.exporters.rendering.sequence import sequence_dialect_for
from rsidx.store.reader import Reader
from rsidx.store.records import CommitRow

_MIN_PART_CHARS = 200
_MAX_RETRIES = 4
_FILES_KEPT = 4


def writing_tools(config: Config) -> tuple[Encoder, Dialect, Renderer]:
    """Return what turns examples into ids; raises TokenizerError."""
    encoder = Encoder(load(config.tokenizer), source=config.tokenizer)
    dialect: Dialect
    if config.kind == "fim":
        dialect = fim_dialect_for(encoder, config.dialect)
        if not dialect.can_spm and config.fim_spm:
            raise TokenizerError(f"{dialect.name} knows no suffix in front; give --fim-spm 0")
    elif config.kind == "sequence":
        dialect = sequence_dialect_for(encoder, config.dialect)
    else:
        dialect = dialect_for(encoder, markers=config.markers, name=config.dialect)
    renderer = Renderer(
        encoder,
        dialect,
        max_tokens=config.max_tokens,
        context_tokens=config.context_tokens,
        labels=config.labels,
    )
    return encoder, dialect, renderer


@dataclass(frozen=True, slots=True)
class _Waiting:
    """An edit whose texts are not encoded yet: the whole, its parts, and what they left out."""

    whole: Example
    parts: list[Example]
    dropped: Counter[str]
    references: Counter[str]


class CommitPipeline:
    """Turns one commit after another into its result."""

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
        self._builder = ExampleBuilder(reader, builder_options(config))
        self._meta = Meta(reader, config, self._builder.license_of)
        self.phases = Phases()

    def results(self, commits: Sequence[CommitRow]) -> Iterator[CommitResult]:
        """Yield the results of commits; their texts are encoded as one batch."""
        built = [(commit, *self._built(commit)) for commit in commits]
        with self.phases.of("tokens"):
            self._renderer.warm(
                part for _, waiting, _ in built for one in waiting for part in one.parts
            )
        for commit, waiting, dropped in built:
            with self.phases.of("rows"):
                edits = tuple(self._result(commit, one) for one in waiting)
            yield CommitResult(edits, dropped)

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

    def _result(self, commit: CommitRow, waiting: _Waiting) -> EditResult:
        rows, dropped = self._rows(waiting)
        edit = waiting.whole.edit
        patch = PatchFingerprint.of(self._builder.text(edit.old), self._builder.text(edit.new))
        tokenized = tuple(tokenized_row(row, self._meta.of(commit, edit, row)) for row in rows)
        return EditResult(patch, tokenized, dropped, waiting.references)

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
