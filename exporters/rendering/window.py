"""How much of the file around a place a row shows."""

from collections.abc import Callable, Sequence

from rsidx.exporters.context.around import Around, Block

_SHARE_BEFORE = 0.7
"""Of the file around the place, for what stands before it, where there is so much."""

NTokens = Callable[[str], int | None]
"""Returns the tokens of a text, None for what cannot be shown."""


class _Half:
    """The blocks on one side of the place: `n_shown` are shown, which take `n_tokens`.

    `weight` times its tokens is the same for both sides that have their share.
    """

    def __init__(self, blocks: Sequence[Block], n_tokens_of: NTokens, weight: float) -> None:
        self._blocks = blocks
        self._n_tokens_of = n_tokens_of
        self._weight = weight
        self.n_shown = self.n_tokens = 0

    @property
    def fullness(self) -> float:
        """How much of its share is shown."""
        return self.n_tokens * self._weight

    def grow(self, room: int) -> bool:
        """Show the next block if it fits; tell whether it does."""
        if self.n_shown == len(self._blocks):
            return False
        n_tokens = self._n_tokens_of(self._blocks[self.n_shown].text)
        if n_tokens is None or n_tokens > room:
            return False
        self.n_shown += 1
        self.n_tokens += n_tokens
        return True


class Window:
    """The file around a place, ever more of it, the nearest blocks first.

    `n_frame` are the tokens that headings and marks take.
    """

    def __init__(self, around: Around, n_tokens_of: NTokens, n_frame: int) -> None:
        self._before = _Half(around.before, n_tokens_of, 1 - _SHARE_BEFORE)
        self._behind = _Half(around.behind, n_tokens_of, _SHARE_BEFORE)
        self._n_frame = n_frame

    @property
    def n_before(self) -> int:
        """How many blocks before the place are shown."""
        return self._before.n_shown

    @property
    def n_behind(self) -> int:
        """How many blocks behind the place are shown."""
        return self._behind.n_shown

    def widen(self, room: int) -> int:
        """Show as many blocks as fit into so many tokens; return what all of it takes."""
        growing = [self._before, self._behind]
        while growing:
            half = min(growing, key=lambda half: half.fullness)
            if not half.grow(room - self._n_frame - self._n_tokens):
                growing.remove(half)
        return self._n_tokens + self._n_frame if self._n_tokens else 0

    @property
    def _n_tokens(self) -> int:
        return self._before.n_tokens + self._behind.n_tokens
