"""Which chunks of the new files are which of the old ones, among those that are not the same.

Containers come first, by their labels and by what they hold, so that their members are compared
with those of the same container, though its generic arguments, its trait or its type has changed.
"""

import itertools
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rsidx.exporters.edits.candidates import candidates, sketch
from rsidx.exporters.edits.containers import Version
from rsidx.exporters.edits.edit import Side, name_of
from rsidx.exporters.edits.impls import Impls
from rsidx.exporters.edits.macro_calls import call_name
from rsidx.exporters.edits.similarity import MIN_SIMILARITY
from rsidx.exporters.edits.versions import Versions
from rsidx.store.addresses import HEADER, without_arguments
from rsidx.store.reader import Reader
from rsidx.store.records import CONTAINER_SEPARATOR, innermost

_MIN_SIMILARITY_OF_NAMESAKES = 0.4
"""In another file, of what has the same name in a container with the same label."""
_MIN_SIMILARITY_BUT_ARGUMENTS = 0.3
"""Of containers in one file whose labels differ in generic arguments alone."""
_MAX_COMPARISONS = 4000
"""If there are more to make, items are compared with those that are likely to be alike."""
_MIN_CANDIDATES = 4
_MAX_LIKELY = 10_000
"""So many items on each side are compared in this way, with `_MIN_CANDIDATES` each or more."""
_MAX_EQUAL = 20
"""So many of those with an equal key are looked at."""
_MIN_WORD_PAIRS = 7
"""Shorter code is alike too easily: it is paired only where one replaces the other."""
_ONE_OF_A_KIND = frozenset({"imports", "preamble", "trailer"})
"""Kinds without a name, of which a container has one, or a few in a fixed order."""
_OF_A_FILE = frozenset({"preamble", "trailer"})
"""Kinds that say something of their file, and never move to another."""


@dataclass(frozen=True, slots=True)
class Change:
    """A changed file, and the positions of the chunks that differ.

    `removed` are those of the old ones. `gaps` maps those of the new ones to the old chunks, from
    the first to the one behind the last, whose place they take.
    """

    old: Version
    new: Version
    removed: tuple[int, ...]
    gaps: Mapping[int, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Pair:
    """A chunk before and after.

    `is_same` says that its text is the same but for white space around it, `is_moved` that it has
    come from another file or container.
    """

    old: Side
    new: Side
    is_same: bool
    is_moved: bool


@dataclass(frozen=True, slots=True)
class _Item:
    """A side, with the path and the container that it was in before the commit.

    `label` is that of the container that a header opens.
    """

    side: Side
    path_id: int
    container: str
    name: str
    label: str

    @property
    def kind(self) -> str:
        return self.side.kind


_Key = Callable[[_Item], Hashable]
_Sides = tuple[list[_Item], list[_Item]]
"""What is removed, and what is added."""


def matched(
    reader: Reader, changes: Sequence[Change], removed: Sequence[Side], added: Sequence[Side]
) -> tuple[list[Pair], tuple[Side, ...]]:
    """Return the pairs among the chunks that differ.

    Also return the new chunks that have no counterpart, and were not compared with all that might
    be it: there were too many. Footers must not be among the chunks: they are never paired by
    themselves.
    """
    matching = _Matching(reader, changes, removed, added)
    pairs = matching.pairs(removed, added)
    return pairs, matching.not_compared(pairs)


class _Matching:
    """Pairs sides; `_homes` says which old container a new one was, by path and label."""

    def __init__(
        self,
        reader: Reader,
        changes: Sequence[Change],
        removed: Sequence[Side],
        added: Sequence[Side],
    ) -> None:
        self._reader = reader
        self._changes = {change.new.path_id: change for change in changes}
        self._homes: dict[tuple[int, str], tuple[int, str]] = {}
        self._pairs: dict[Side, Side] = {}
        self._not_compared: dict[Side, None] = {}
        self._versions = Versions(reader, (v for c in changes for v in (c.old, c.new)))
        self._impls = Impls(reader, self._versions, self._pairs, removed, added)

    def pairs(self, removed: Sequence[Side], added: Sequence[Side]) -> list[Pair]:
        old_headers = [self._old(side) for side in removed if side.kind.endswith(HEADER)]
        new_headers = [side for side in added if side.kind.endswith(HEADER)]
        for depth in sorted({_depth(side) for side in new_headers}):
            # Those around them are paired by now, which says where they were.
            here = [self._new(side) for side in new_headers if _depth(side) == depth]
            old_headers = self._pair_containers(old_headers, here)
        self._pair_items(
            [self._old(side) for side in removed if not side.kind.endswith(HEADER)],
            [self._new(side) for side in added if not side.kind.endswith(HEADER)],
        )
        self._pair_by_members(removed, new_headers)
        return [self._pair(old, new) for new, old in self._pairs.items()]

    def not_compared(self, pairs: Sequence[Pair]) -> tuple[Side, ...]:
        """Return what is in no pair, and was compared with a part of what it may have been."""
        paired = {pair.new for pair in pairs}
        return tuple(side for side in self._not_compared if side not in paired)

    def _old(self, side: Side) -> _Item:
        return self._item(side, side.path_id, side.container)

    def _new(self, side: Side) -> _Item:
        return self._item(side, *self._home(side.path_id, side.container))

    def _item(self, side: Side, path_id: int, container: str) -> _Item:
        opened = self._versions.opened(side)
        label = innermost(opened.label) if opened is not None else ""
        name = name_of(self._reader, side)
        if not name and side.kind == "macro_call":
            name = call_name(self._versions.text(side))
        return _Item(side, path_id, container, name, label)

    def _home(self, path_id: int, container: str) -> tuple[int, str]:
        """Return the path and the container that a new file's container was."""
        known = self._homes.get((path_id, container))
        if known is not None:
            return known
        if not container:
            return self._changes[path_id].old.path_id, ""
        outer, _, label = container.rpartition(CONTAINER_SEPARATOR)
        old_path_id, old_outer = self._home(path_id, outer)
        return old_path_id, f"{old_outer}{CONTAINER_SEPARATOR}{label}" if old_outer else label

    def _pair_containers(self, removed: list[_Item], added: list[_Item]) -> list[_Item]:
        """Pair headers of one depth; return those removed that are left."""

        def in_place(item: _Item) -> Hashable:
            return item.kind, item.path_id, item.container

        def labelled(item: _Item) -> Hashable:
            return item.kind, item.label

        sides = removed, added
        sides = self._similar(sides, lambda i: (in_place(i), i.label), 0)
        sides = self._similar(
            sides,
            lambda i: (in_place(i), without_arguments(i.label)),
            _MIN_SIMILARITY_BUT_ARGUMENTS,
        )
        sides = self._similar(sides, in_place, MIN_SIMILARITY)
        sides = self._similar(sides, labelled, MIN_SIMILARITY)
        removed, _ = self._similar(sides, lambda i: i.kind, MIN_SIMILARITY)
        return removed

    def _pair_items(self, removed: list[_Item], added: list[_Item]) -> None:
        def text(item: _Item) -> Hashable:
            return self._versions.text(item.side).strip()

        def named(item: _Item, *more: object) -> Hashable:
            if not item.name and item.kind not in _ONE_OF_A_KIND:
                return None
            return (item.kind, item.name, *more)

        def namesake(item: _Item) -> Hashable:
            label = without_arguments(innermost(item.container))
            return (item.kind, item.name, label) if item.name else None

        def in_place(item: _Item) -> Hashable:
            return named(item, item.path_id, item.container)

        sides = removed, added
        sides = self._equal(sides, lambda i: (text(i), i.path_id, i.container))
        # What stays where it was is that, whatever has its old text elsewhere now.
        sides = self._alone(sides, in_place)
        sides = self._similar(sides, in_place, MIN_SIMILARITY)
        sides = self._equal(sides, text)
        sides = self._equal(sides, in_place)
        sides = self._equal(sides, lambda i: named(i, i.path_id, innermost(i.container)))
        sides = self._similar(sides, namesake, _MIN_SIMILARITY_OF_NAMESAKES)
        sides = self._similar(sides, lambda i: (i.kind, i.path_id), MIN_SIMILARITY)
        self._similar(sides, lambda i: i.kind if i.kind not in _OF_A_FILE else None, MIN_SIMILARITY)

    def _equal(self, sides: _Sides, key: _Key) -> _Sides:
        """Pair items with equal keys in their order; a key of None matches nothing."""
        removed, added = sides
        waiting: dict[Hashable, deque[_Item]] = defaultdict(deque)
        for item in removed:
            waiting[key(item)].append(item)
        waiting.pop(None, None)
        found = []
        for item in added:
            olds = waiting.get(key(item), deque())
            first = itertools.islice(olds, _MAX_EQUAL)
            old = next((old for old in first if self._impls.are_related(old.side, item.side)), None)
            if old is not None:
                olds.remove(old)
                found.append((old, item))
        return self._without(sides, found)

    def _alone(self, sides: _Sides, key: _Key) -> _Sides:
        """Pair items where one old and one new have a key; a key of None matches nothing."""
        n_old, n_new = (Counter(map(key, items)) for items in sides)
        once = {one for one, n in n_old.items() if n == n_new[one] == 1} - {None}
        return self._equal(sides, lambda item: found if (found := key(item)) in once else None)

    def _similar(self, sides: _Sides, key: _Key, least: float) -> _Sides:
        """Pair items with equal keys, the most similar first; a key of None matches nothing.

        Of keys with many items, those alone are compared that are likely to be alike.
        """
        removed, added = sides
        groups: dict[Hashable, _Sides] = defaultdict(lambda: ([], []))
        for item in removed:
            groups[key(item)][0].append(item)
        for item in added:
            groups[key(item)][1].append(item)
        groups.pop(None, None)
        scored = [
            (score, old, new)
            for old, new in self._worthwhile(groups.values())
            if (score := self._similarity(old, new)) >= least
        ]
        scored.sort(key=lambda entry: (-entry[0], entry[1].side.position, entry[2].side.position))
        used: set[Side] = set()
        found = []
        for _, old, new in scored:
            if old.side not in used and new.side not in used:
                used.update((old.side, new.side))
                found.append((old, new))
        return self._without(sides, found)

    def _worthwhile(self, groups: Iterable[_Sides]) -> list[tuple[_Item, _Item]]:
        """Return the old and new items of groups that are to be compared."""
        found: list[tuple[_Item, _Item]] = []
        n_left = _MAX_LIKELY
        for olds, news in sorted(groups, key=lambda group: len(group[0]) * len(group[1])):
            if len(found) + len(olds) * len(news) <= _MAX_COMPARISONS:
                found += itertools.product(olds, news)
                continue
            self._not_compared |= dict.fromkeys(item.side for item in news)
            found += self._likely(olds[:n_left], news[:n_left])
            n_left = max(0, n_left - max(len(olds), len(news)))
        return found

    def _likely(self, olds: list[_Item], news: list[_Item]) -> Iterator[tuple[_Item, _Item]]:
        """Yield old and new items that are likely to be alike."""
        if not olds or not news:
            return
        before, after = (
            [sketch(self._versions.profile(item.side)) for item in items] for items in (olds, news)
        )
        n_each = max(_MIN_CANDIDATES, _MAX_COMPARISONS // len(news))
        for old, new in candidates(before, after, n_each):
            yield olds[old], news[new]

    def _without(self, sides: _Sides, found: list[tuple[_Item, _Item]]) -> _Sides:
        """Take in pairs; return what is left."""
        for old, new in found:
            self._join(old.side, new.side)
        paired = {item.side for pair in found for item in pair}
        removed, added = ([i for i in items if i.side not in paired] for items in sides)
        return removed, added

    def _join(self, old: Side, new: Side) -> None:
        self._pairs[new] = old
        was, opened = self._versions.opened(old), self._versions.opened(new)
        if was is not None and opened is not None:
            self._homes[new.path_id, opened.label] = old.path_id, was.label

    def _pair_by_members(self, removed: Sequence[Side], headers: Sequence[Side]) -> None:
        """Pair headers of which most members are paired with those of one container."""
        paired = frozenset(self._pairs.values())
        headers_left = {(s.blob_id, s.position): s for s in removed if s not in paired}
        for header in headers:
            opened = self._versions.opened(header)
            if header in self._pairs or opened is None:
                continue
            members = self._versions.of(header).members(opened)
            n_bytes: Counter[tuple[int, int]] = Counter()
            for member in members:
                old = self._pairs.get(member)
                around = self._versions.around(old) if old is not None else None
                if around is not None:
                    n_bytes[around.blob_id, around.position] += member.n_bytes
            for where, n_common in n_bytes.most_common(1):
                n_all = sum(member.n_bytes for member in members)
                if where not in headers_left or 2 * n_common < n_all:
                    continue
                if self._impls.are_related(headers_left[where], header):
                    self._join(headers_left.pop(where), header)

    def _pair(self, old: Side, new: Side) -> Pair:
        is_same = self._versions.text(old).strip() == self._versions.text(new).strip()
        was = self._home(new.path_id, new.container)
        is_moved = old.path_id != new.path_id or was != (old.path_id, old.container)
        return Pair(old, new, is_same, is_moved)

    def _similarity(self, old: _Item, new: _Item) -> float:
        """Return how similar two items are, containers with what they hold; 0 for too little."""
        one, other = self._versions.profile(old.side), self._versions.profile(new.side)
        n_words = min(one.pairs.total(), other.pairs.total())
        if n_words < _MIN_WORD_PAIRS and old.name != new.name and not self._replaces(old, new):
            return 0.0
        similarity = one.similarity(other)
        return similarity if similarity and self._impls.are_related(old.side, new.side) else 0.0

    def _replaces(self, old: _Item, new: _Item) -> bool:
        """Tell whether new code stands in the place of old code."""
        change = self._changes[new.side.path_id]
        first, end = change.gaps[new.side.position]
        return change.old.blob_id == old.side.blob_id and first <= old.side.position < end


def _depth(side: Side) -> int:
    return side.container.count(CONTAINER_SEPARATOR) + bool(side.container)
