"""How much of an edit an example can show."""

from collections.abc import Sequence
from dataclasses import replace

from rsidx.exporters.config import ExportConfig
from rsidx.exporters.examples.draft import Draft
from rsidx.exporters.examples.edit import EditCode
from rsidx.exporters.examples.example import Example
from rsidx.exporters.examples.kind import Limits
from rsidx.exporters.kinds import KINDS
from rsidx.exporters.pipeline.examples import ExampleBuilder
from rsidx.exporters.rendering.base import IrreversibleError
from rsidx.exporters.rendering.renderer import GROWTH_TOKENS, Renderer

_MIN_CHARS = 200
_SAFETY = 0.95
_SHARE_TRIED = 0.8
_MAX_OTHER_TOKENS = 256
"""Of paths, module and markers."""


MAX_ATTEMPTS = 4


def smaller_limit(limit: int, examples: Sequence[Example], share: float) -> int | None:
    """Return the limit to try next where only a share of the examples' code fits; None for none.

    Of a hole that follows from what is around it, which a prompt shows, too.
    """
    longest = max((example.code.n_chars for example in examples), default=0)
    smaller = int(min(limit, longest) * share * _SHARE_TRIED)
    return smaller if share < 1 and smaller >= _MIN_CHARS else None


class Fitting:
    """Finds how long the windows of an edit's old code may be.

    That follows from what is known before the edit is made, so that a prompt shows the same code
    as a row: the old code must fit with an answer that is a little longer.
    """

    def __init__(self, builder: ExampleBuilder, renderer: Renderer, config: ExportConfig) -> None:
        self._builder = builder
        self._renderer = renderer
        self._max_chars = config.max_chars
        self._divides = KINDS[config.kind].divides

    def limits(self, draft: Draft) -> Limits:
        """Return the limits of a redacted draft."""
        if draft.place.old is None or not self._divides:
            return Limits(self._max_chars, self._max_chars)
        return Limits(self._old_chars(draft), self._max_chars + self._max_chars // 2)

    def questions(self, draft: Draft) -> list[Example]:
        """Return what a redacted draft can be asked about, in examples that fit."""
        return self._builder.questions(_unmade(draft), self.limits(draft).old_chars)

    def _old_chars(self, draft: Draft) -> int:
        max_chars = self._max_chars
        if self._is_short(draft):
            return max_chars
        draft = replace(
            _unmade(draft), surroundings=None, excerpts=(), excerpt_paths=(), earlier=()
        )
        for _ in range(MAX_ATTEMPTS):
            examples = self._builder.questions(draft, max_chars)
            smaller = min(map(self._fitting_chars, examples), default=max_chars)
            if smaller >= max_chars or smaller < _MIN_CHARS:
                break
            max_chars = smaller
        return max_chars

    def _is_short(self, draft: Draft) -> bool:
        """Tell whether code is so short that its tokens need not be counted."""
        assert draft.place.old is not None
        n_bytes = 2 * draft.place.old.n_bytes + len(draft.message.encode())
        return n_bytes + _MAX_OTHER_TOKENS <= self._renderer.max_tokens

    def _fitting_chars(self, example: Example) -> int:
        """Return how much of an example's old code fits; more than that if all of it does."""
        assert isinstance(example.code, EditCode)
        try:
            n_tokens = self._renderer.bare_tokens(replace(example, code=example.code.as_no_op()))
        except IrreversibleError:
            return self._max_chars
        n_old = n_tokens["old"]
        room = self._renderer.max_tokens - GROWTH_TOKENS - n_tokens.total()
        if room >= 0:
            return self._max_chars
        # Half of what is too much, since the answer becomes shorter by as much.
        n_fitting = n_old + room / 2
        return int(len(example.code.old) * _SAFETY * n_fitting / n_old) if n_old else 0


def _unmade(draft: Draft) -> Draft:
    """Return the draft of an edit that is still to be made."""
    return replace(draft, edit=replace(draft.edit, new=None))
