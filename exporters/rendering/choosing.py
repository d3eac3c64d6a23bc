"""What of its context a row shows: the best of it within a room in tokens."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache

from rsidx.exporters.context.excerpts import Excerpt, largest
from rsidx.exporters.context.made import EARLIER_SECTION
from rsidx.exporters.examples.example import Example
from rsidx.exporters.rendering.base import Chosen, Dialect, IrreversibleError, Piece, text
from rsidx.exporters.rendering.window import Window

_Ranges = Mapping[int, Sequence[tuple[int, int]]]
_N_SECTION_MARKERS = 2
_SHARE_AROUND = 0.5
"""Of the room for context, for the file around the place before anything else is chosen."""
_MAX_COUNTED = 8_000
_SHARE_COMMIT = 0.5
"""Of the rest, for what the commit's earlier edits made elsewhere."""


def context_text(content: str) -> Piece:
    """Return a text of the context as a piece."""
    return text(content, "context")


class Chooser:
    """Chooses for examples of one dialect; `n_ids` counts the tokens of a piece.

    It raises IrreversibleError for what the tokenizer cannot give back.
    """

    def __init__(self, dialect: Dialect, n_ids: Callable[[Piece], int]) -> None:
        self._dialect = dialect
        self._n_ids = n_ids
        self._n_of = lru_cache(_MAX_COUNTED)(lambda content: n_ids(context_text(content)))

    def choose(self, example: Example, room: int) -> tuple[Chosen, Counter[str]]:
        """Choose what of its context an example is shown with, within a room in tokens.

        Counts what is left out: `context_over_budget`, `outline_over_budget`,
        `earlier_over_budget`, and `context_irreversible`.
        """
        frame = self._dialect.around_pieces(example, Chosen())
        window = Window(example.around, self._n_block, sum(map(self._n_ids, frame)))
        used = window.widen(int(room * _SHARE_AROUND))
        known = _known(example, window.n_before, window.n_behind)
        room -= used
        edits, n_needed, dropped = self._fitting_edits(example, room // 2)
        room -= n_needed
        excerpts = example.draft.excerpts
        made = [index for index, one in enumerate(excerpts) if one.section == EARLIER_SECTION]
        others = [index for index, one in enumerate(excerpts) if one.section != EARLIER_SECTION]
        shown: list[int] = []
        for indices, share in ((made, _SHARE_COMMIT), (others, 1)):
            kept = int(room * (1 - share))
            found, room, left_out = self._fitting(example, indices, room - kept, known)
            room += kept
            shown += found
            dropped += left_out
        shown = self._widened(example, window, used + room, shown)
        return Chosen(sorted(shown), edits, window.n_before, window.n_behind), dropped

    def _widened(self, example: Example, window: Window, room: int, shown: list[int]) -> list[int]:
        """Show more of the file around, in the room of excerpts that it covers, too.

        Return those of the excerpts that it does not cover.
        """
        excerpts = example.draft.excerpts
        while True:
            window.widen(room)
            known = _known(example, window.n_before, window.n_behind)
            covered = {index for index in shown if _is_known(excerpts[index], known)}
            if not covered:
                return shown
            shown = [index for index in shown if index not in covered]
            room += sum(self._n_of(excerpts[index].shown) for index in covered)

    def _n_block(self, content: str) -> int | None:
        """Return how many tokens a block has, None if the tokenizer cannot give it back."""
        try:
            return self._n_of(content)
        except IrreversibleError:
            return None

    def _fitting_edits(self, example: Example, room: int) -> tuple[list[int], int, Counter[str]]:
        """Choose earlier edits in descending value; return what they take of the room, too."""
        dropped: Counter[str] = Counter()
        edits: list[int] = []
        n_needed = _N_SECTION_MARKERS
        for index, earlier in enumerate(example.draft.earlier):
            try:
                n_ids = sum(self._n_ids(piece) for piece in self._dialect.edit_pieces(earlier))
            except IrreversibleError:
                dropped["context_irreversible"] += 1
                continue
            if n_needed + n_ids > room:
                dropped["earlier_over_budget"] += 1
                continue
            edits.append(index)
            n_needed += n_ids
        return edits, n_needed if edits else 0, dropped

    def _fitting(
        self,
        example: Example,
        indices: Iterable[int],
        room: int,
        known: _Ranges,
    ) -> tuple[list[int], int, Counter[str]]:
        """Choose some of the excerpts in descending value while they fit; return the room left.

        Each section is charged with two markers, each file in it with a marker and its path, each
        container with its braces: no dialect writes more of them, so none can go over a budget.
        One that shows more of a definition takes the place of one that shows less. Nothing is shown
        that is in the ranges that are `known`, by blob.
        """
        dropped: Counter[str] = Counter()
        over_budget: dict[tuple[object, ...], str] = {}
        shown: dict[tuple[object, ...], tuple[int, int]] = {}
        charged: set[str] = set()
        for index in indices:
            excerpt = example.draft.excerpts[index]
            if excerpt.key in over_budget or _is_known(excerpt, known):
                continue
            try:
                n_ids = self._n_of(excerpt.shown)
                headings = {excerpt.section: _N_SECTION_MARKERS}
                heading = self._dialect.file_heading(example.draft, index)
                headings[f"{excerpt.section} {excerpt.path_id}"] = 1 + self._n_of(heading)
                for frame in excerpt.frames:
                    n_braces = self._n_of(frame.head.text) + self._n_of(frame.closing)
                    headings[frame.key] = n_braces
            except IrreversibleError:
                dropped["context_irreversible"] += 1
                continue
            _, n_smaller = shown.get(excerpt.key, (0, 0))
            needed = n_ids - n_smaller
            needed += sum(n for key, n in headings.items() if key not in charged)
            if needed > room:
                over_budget[excerpt.key] = excerpt.section
                continue
            shown[excerpt.key] = (index, n_ids)
            charged.update(headings)
            room -= needed
        for section in over_budget.values():
            name = "outline" if section == "outline" else "context"
            dropped[f"{name}_over_budget"] += 1
        return [index for index, _ in shown.values()], room, dropped


def n_left_out(example: Example, chosen: Chosen) -> int:
    """Count the definitions of which not all is shown that was found."""
    excerpts = example.draft.excerpts
    all_shown = {excerpts[index].key: excerpts[index].ranges for index in chosen.excerpts}
    known = _known(example, chosen.n_before, chosen.n_behind)
    return sum(
        all_shown.get(one.key) != one.ranges and not _is_known(one, known)
        for one in largest(excerpts)
    )


def _known(example: Example, n_before: int, n_behind: int) -> _Ranges:
    """Return what the nearest blocks around a place show, as ranges of bytes by blob."""
    shown = example.around.first(n_before, n_behind).blocks
    found: dict[int, list[tuple[int, int]]] = {}
    for block in sorted(shown, key=lambda block: (block.blob_id, block.start)):
        ranges = found.setdefault(block.blob_id, [])
        first = ranges.pop()[0] if ranges and ranges[-1][1] == block.start else block.start
        ranges.append((first, block.end))
    return found


def _is_known(excerpt: Excerpt, known: _Ranges) -> bool:
    """Tell whether all of an excerpt is within ranges that are shown, by blob."""
    ranges = known.get(excerpt.blob_id, ())
    return all(
        any(start <= first and last <= end for start, end in ranges)
        for first, last in excerpt.ranges
    )
