"""The pipeline: from a commit through all steps to its result."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from rsidx.exporters.config import ExportConfig
from rsidx.exporters.edits.fingerprint import PatchFingerprint
from rsidx.exporters.edits.left_out import LeftOut
from rsidx.exporters.examples.draft import Draft
from rsidx.exporters.examples.example import Example
from rsidx.exporters.examples.kind import Limits
from rsidx.exporters.kinds import KINDS, dialect_of
from rsidx.exporters.pipeline.fitting import MAX_ATTEMPTS, Fitting, smaller_limit
from rsidx.exporters.pipeline.meta import Meta, tokenized_row
from rsidx.exporters.pipeline.needs import Needs
from rsidx.exporters.pipeline.phases import Phases
from rsidx.exporters.pipeline.result import CodeName, CommitResult, Dropped, EditResult
from rsidx.exporters.pipeline.steps import Steps
from rsidx.exporters.rendering.base import Dialect, IrreversibleError
from rsidx.exporters.rendering.encoder import Encoder, load
from rsidx.exporters.rendering.renderer import Renderer, Row, Shape, TooLongError
from rsidx.store.reader import Reader
from rsidx.store.records import CommitRow

Tools = tuple[Encoder, Dialect, Renderer]
"""Turn examples into token ids."""


def _shape(config: ExportConfig) -> Shape:
    if config.columns == "messages":
        return "conversation"
    return "sides" if KINDS[config.kind].has_prompt else "text"


def writing_tools(config: ExportConfig) -> Tools:
    """Return the encoder, dialect and renderer of a configuration; raises RsidxError."""
    encoder = Encoder(load(config.tokenizer), source=config.tokenizer)
    dialect = dialect_of(encoder, config)
    renderer = Renderer(
        encoder,
        dialect,
        max_tokens=config.max_tokens,
        context_tokens=config.context_tokens,
        labels=config.labels,
        shape=_shape(config),
    )
    return encoder, dialect, renderer


@dataclass(frozen=True, slots=True)
class _EditExamples:
    """The examples of an edit, not encoded yet, with what it left out and what it refers to."""

    draft: Draft
    limits: Limits
    examples: list[Example]
    dropped: Counter[str]
    references: Counter[str]
    needs: Needs


class CommitPipeline:
    """Turns one commit after another into its result."""

    def __init__(self, reader: Reader, config: ExportConfig, renderer: Renderer) -> None:
        self._reader = reader
        self._config = config
        self._renderer = renderer
        self._steps = Steps.of(reader, config)
        self._fitting = Fitting(self._steps.builder, renderer, config)
        self._meta = Meta(reader, config, self._steps.licenses)

    def results(self, commits: Sequence[CommitRow], phases: Phases) -> Iterator[CommitResult]:
        """Yield the results of commits; their texts are encoded as one batch.

        `phases` gets the time of each step.
        """
        examples_of = [(commit, *self._examples(commit, phases)) for commit in commits]
        with phases.of("tokens"):
            self._renderer.warm(
                example
                for _, edits, *_ in examples_of
                for edit in edits
                for example in edit.examples
            )
        for commit, edits, left_out, dropped in examples_of:
            with phases.of("rows"):
                results = tuple(self._result(commit, edit) for edit in edits)
            yield CommitResult(results, tuple(map(self._dropped, left_out)), dropped)

    def _examples(
        self, commit: CommitRow, phases: Phases
    ) -> tuple[list[_EditExamples], tuple[LeftOut, ...], Counter[str]]:
        """Return the examples of a commit's edits, the code that has none, and other counts."""
        if not self._steps.builder.wants(commit):
            return [], (LeftOut("commits_unanswered"),), Counter()
        with phases.of("edits"):
            selection = self._steps.selector.of(commit)
        with phases.of("context"):
            drafts, dropped = self._steps.drafter.of_commit(commit, selection)
        with phases.of("edits"):
            examples_of = []
            for drafted in drafts:
                draft = self._steps.builder.redacted(drafted.draft)
                limits = self._fitting.limits(draft)
                examples, counts = self._steps.builder.examples(draft, limits)
                examples_of.append(
                    _EditExamples(
                        draft, limits, examples, counts, drafted.references, drafted.needs
                    )
                )
        dropped["messages_cut"] += any(edit.draft.is_message_cut for edit in examples_of)
        return examples_of, selection.left_out, dropped

    def _dropped(self, left_out: LeftOut) -> Dropped:
        path_id = left_out.path_id
        path = (
            self._reader.path(path_id).decode("utf-8", "replace") if path_id is not None else None
        )
        return Dropped(left_out.reason, path, left_out.symbol)

    def _result(self, commit: CommitRow, edit_examples: _EditExamples) -> EditResult:
        rows, dropped = self._rows(edit_examples)
        edit = edit_examples.draft.edit
        patch = PatchFingerprint.of(
            self._steps.texts.text(edit.old), self._steps.texts.text(edit.new)
        )
        tiny = self._steps.selector.tiny(edit) if rows else None
        tokenized = tuple(
            tokenized_row(row, self._meta.of(commit, row, edit_examples.needs), tiny)
            for row in rows
        )
        name = CodeName(edit_examples.draft.path, edit.name)
        return EditResult(name, patch, tokenized, dropped, edit_examples.references)

    def _rows(self, edit_examples: _EditExamples) -> tuple[list[Row], Counter[str]]:
        """Return the rows of an edit, splitting its new code smaller while a part is too long."""
        examples, dropped = edit_examples.examples, edit_examples.dropped
        limits = edit_examples.limits
        for attempt in range(MAX_ATTEMPTS):
            rows, left_out, share = self._rendered(examples)
            smaller = smaller_limit(limits.new_chars, examples, share)
            if smaller is None or attempt == MAX_ATTEMPTS - 1:
                break
            # The counts of the larger parts no longer hold.
            limits = replace(limits, new_chars=smaller)
            examples, dropped = self._steps.builder.examples(edit_examples.draft, limits)
        return rows, left_out + dropped

    def _rendered(self, examples: Sequence[Example]) -> tuple[list[Row], Counter[str], float]:
        """Return the rows of the examples that fit, and what was left out.

        The last value is the least share of its code that would fit of one that does not, 1 if all
        fit.
        """
        rows: list[Row] = []
        dropped: Counter[str] = Counter()
        share = 1.0
        for example in examples:
            try:
                row, left_out = self._renderer.row(example)
            except IrreversibleError:
                dropped["examples_irreversible"] += 1
            except TooLongError as error:
                dropped["examples_over_max_tokens"] += 1
                share = min(share, error.share)
            else:
                rows.append(row)
                dropped += left_out
        return rows, dropped, share
