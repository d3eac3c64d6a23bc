"""The pipeline of a commit: edits, filters, context, redaction, parts, rendering, metadata."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rsidx.exporters.config import ExportConfig
from rsidx.exporters.edits.fingerprint import PatchFingerprint
from rsidx.exporters.examples.draft import Draft
from rsidx.exporters.examples.example import Example
from rsidx.exporters.kinds import dialect_of
from rsidx.exporters.pipeline.examples import MAX_MESSAGE_CHARS
from rsidx.exporters.pipeline.meta import Meta, tokenized_row
from rsidx.exporters.pipeline.phases import Phases
from rsidx.exporters.pipeline.result import CommitResult, EditResult
from rsidx.exporters.pipeline.steps import Steps
from rsidx.exporters.rendering.base import Dialect
from rsidx.exporters.rendering.encoder import Encoder, load
from rsidx.exporters.rendering.renderer import IrreversibleError, Renderer, Row, TooLongError
from rsidx.store.reader import Reader
from rsidx.store.records import CommitRow

_MIN_PART_CHARS = 200
_MAX_RETRIES = 4


Tools = tuple[Encoder, Dialect, Renderer]
"""What turns examples into ids."""


def writing_tools(config: ExportConfig) -> Tools:
    """Return what turns examples into ids; raises TokenizerError."""
    encoder = Encoder(load(config.tokenizer), source=config.tokenizer)
    dialect = dialect_of(encoder, config)
    renderer = Renderer(
        encoder,
        dialect,
        max_tokens=config.max_tokens,
        context_tokens=config.context_tokens,
        labels=config.labels,
    )
    return encoder, dialect, renderer


@dataclass(frozen=True, slots=True)
class _EditExamples:
    """An edit whose texts are not encoded yet, and what it left out and referred to so far."""

    draft: Draft
    examples: list[Example]
    dropped: Counter[str]
    references: Counter[str]


class CommitPipeline:
    """Turns one commit after another into its result."""

    def __init__(self, reader: Reader, config: ExportConfig, renderer: Renderer) -> None:
        self._config = config
        self._renderer = renderer
        self._steps = Steps.of(reader, config)
        self._meta = Meta(reader, config, self._steps.licenses)

    def results(self, commits: Sequence[CommitRow], phases: Phases) -> Iterator[CommitResult]:
        """Yield the results of commits; their texts are encoded as one batch.

        `phases` gets the time of each step.
        """
        built = [(commit, *self._examples(commit, phases)) for commit in commits]
        with phases.of("tokens"):
            self._renderer.warm(
                example for _, edits, _ in built for edit in edits for example in edit.examples
            )
        for commit, edits, dropped in built:
            with phases.of("rows"):
                made = tuple(self._result(commit, edit) for edit in edits)
            yield CommitResult(made, dropped)

    def _examples(
        self, commit: CommitRow, phases: Phases
    ) -> tuple[list[_EditExamples], Counter[str]]:
        with phases.of("edits"):
            edits, dropped = self._steps.selector.edits(commit)
        with phases.of("context"):
            drafts, left_out = self._steps.drafter.of_commit(commit, edits)
        dropped += left_out
        if drafts:
            dropped["messages_cut"] += len(drafts[0].draft.message) > MAX_MESSAGE_CHARS
        with phases.of("edits"):
            built = []
            for drafted in drafts:
                draft = self._steps.builder.redacted(drafted.draft)
                examples, its_dropped = self._steps.builder.examples(draft, self._config.max_chars)
                built.append(_EditExamples(draft, examples, its_dropped, drafted.references))
        return built, dropped

    def _result(self, commit: CommitRow, built: _EditExamples) -> EditResult:
        rows, dropped = self._rows(built)
        edit = built.draft.edit
        patch = PatchFingerprint.of(
            self._steps.texts.text(edit.old), self._steps.texts.text(edit.new)
        )
        made = tuple(tokenized_row(row, self._meta.of(commit, row)) for row in rows)
        return EditResult(patch, made, dropped, built.references)

    def _rows(self, built: _EditExamples) -> tuple[list[Row], Counter[str]]:
        """Return the rows of an edit, split smaller while a part has too many tokens."""
        examples, max_chars, dropped = built.examples, self._config.max_chars, built.dropped
        for attempt in range(_MAX_RETRIES):
            rows, left_out, worst = self._rendered(examples)
            longest = max((example.code.n_chars for example in examples), default=0)
            smaller = int(min(max_chars, longest) * self._config.max_tokens / (worst or 1) * 0.8)
            if not worst or smaller < _MIN_PART_CHARS or attempt == _MAX_RETRIES - 1:
                break
            # What the larger parts left out is not left out any more.
            max_chars = smaller
            examples, dropped = self._steps.builder.examples(built.draft, max_chars)
        return rows, left_out + dropped

    def _rendered(self, examples: Sequence[Example]) -> tuple[list[Row], Counter[str], int]:
        """Return the rows of those examples that fit, what was left out, and the most tokens."""
        rows: list[Row] = []
        dropped: Counter[str] = Counter()
        worst = 0
        for example in examples:
            try:
                row, left_out = self._renderer.row(example)
            except IrreversibleError:
                dropped["examples_irreversible"] += 1
            except TooLongError as error:
                dropped["examples_over_max_tokens"] += 1
                worst = max(worst, error.n_tokens)
            else:
                rows.append(row)
                dropped += left_out
        return rows, dropped, worst
