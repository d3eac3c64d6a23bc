"""Labels for who looks at a data set: what new code needed, and whether its prompt showed it.

No prompt has anything of them.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rsidx.exporters.context.mentions import Mentions, by_container_of
from rsidx.exporters.edits.edit import Edit, Side
from rsidx.exporters.rendering.renderer import Row
from rsidx.exporters.resolver.files import Definition
from rsidx.exporters.resolver.references import CodeLocation, Resolver
from rsidx.store.reader import Reader

_WORD = re.compile(r"\w+")
_NAME = re.compile(r"\w+|\*")
"""A word, or what a glob import ends with."""

LABELS = ("shown", "not_shown", "made_shown", "made_not_shown")


@dataclass(frozen=True, slots=True)
class Needs:
    """What the new code of an edit refers to, and its old code does not.

    `defined` are definitions of the tree before the commit: their names, and where their signatures
    begin, as a blob and a byte. `made` are the names that other edits of the commit define.
    """

    defined: tuple[tuple[str, int, int], ...] = ()
    made: frozenset[str] = frozenset()


NO_NEEDS = Needs()


class NamesMade:
    """The names that the edits of a commit define, and that were not there before."""

    def __init__(self, reader: Reader, edits: Iterable[Edit]) -> None:
        self._of = {edit: _names_made(reader, edit) for edit in edits}
        self._n_edits = Counter(name for names in self._of.values() for name in names)

    def by_others(self, edit: Edit, names: Iterable[str]) -> frozenset[str]:
        """Return those of some names that another edit defines."""
        own = self._of[edit]
        return frozenset(name for name in names if self._n_edits[name] > (name in own))


def _names_made(reader: Reader, edit: Edit) -> frozenset[str]:
    new, old = (
        {one.name for chunk in side.chunks for one in reader.symbols(chunk.id)} if side else set()
        for side in (edit.new, edit.old)
    )
    return frozenset(new - old)


class NeedsFinder:
    """Finds what the new code of edits needs, in one tree after another."""

    def __init__(self, resolver: Resolver, mentions: Mentions) -> None:
        self._resolver = resolver
        self._mentions = mentions

    def of(self, edit: Edit, names: NamesMade) -> Needs:
        """Return what the new code of an edit needs, and the old did not."""
        place, new = edit.place, edit.new
        if new is None:
            return NO_NEEDS
        old = edit.old
        before = set(self._mentions.references(old.chunks)) if old is not None else set()
        found: dict[tuple[str, int, int], None] = {}
        mentioned: set[str] = set()
        for container, inside in by_container_of(new.chunks).items():
            references = [one for one in self._mentions.references(inside) if one not in before]
            imports = (
                *self._mentions.imports(inside),
                *self._mentions.new_imports(edit, place, container),
            )
            site = CodeLocation(place.old_path_id, container, tuple(imports))
            definitions, _ = self._resolver.resolve(site, references)
            for one in definitions:
                definition = one.definition
                if one.reference is not None and not _is_in(definition, old):
                    at = definition.start + definition.symbol.signature_start
                    found[definition.symbol.name, definition.blob_id, at] = None
            mentioned.update(_NAME.findall(one.path)[-1] for one in references if one.path)
        made = names.by_others(edit, mentioned - {name for name, _, _ in found})
        return Needs(tuple(found), made)


def _is_in(definition: Definition, side: Side | None) -> bool:
    if side is None or definition.blob_id != side.blob_id:
        return False
    return side.start <= definition.start < side.start + side.n_bytes


@dataclass(frozen=True, slots=True)
class _Shown:
    """A text that a row shows, as ranges of a blob."""

    blob_id: int
    ranges: Sequence[tuple[int, int]]
    text: str

    def has(self, blob_id: int, offset: int) -> bool:
        """Tell whether it shows a byte of a blob."""
        return self.blob_id == blob_id and any(a <= offset < b for a, b in self.ranges)

    def names(self, name: str, side: Side) -> bool:
        """Tell whether it shows some of a side, and has a name."""
        end = side.start + side.n_bytes
        is_of = self.blob_id == side.blob_id and any(
            a < end and side.start < b for a, b in self.ranges
        )
        return is_of and name in _WORD.findall(self.text)


def labels_of(row: Row, needs: Needs) -> dict[str, list[str]]:
    """Return which of the names that a row's new code needs it shows, and which not.

    `shown` and `not_shown` are defined in the tree before the commit, `made_shown` and
    `made_not_shown` by other edits of the commit.
    """
    example, chosen = row.example, row.chosen
    mentioned = set(_WORD.findall(example.code.target)) if example.is_part else None
    draft = example.draft
    excerpts = [draft.excerpts[index] for index in chosen.excerpts]
    every = [_Shown(one.blob_id, one.ranges, one.text) for one in excerpts]
    braces = {
        one for excerpt in excerpts for frame in excerpt.frames for one in (frame.head, frame.foot)
    }
    every += [_Shown(one.blob_id, ((one.start, one.end),), one.text) for one in braces]
    blocks = chosen.of(example.around).blocks
    every += [_Shown(block.blob_id, ((block.start, block.end),), block.text) for block in blocks]
    labels: dict[str, set[str]] = {label: set() for label in LABELS}
    for name, blob_id, offset in needs.defined:
        now = [
            new
            for old, new in draft.replaced
            if old.blob_id == blob_id and old.start <= offset < old.start + old.n_bytes
        ]
        is_shown = any(one.has(blob_id, offset) for one in every) or any(
            one.names(name, side) for side in now for one in every
        )
        labels["shown" if is_shown else "not_shown"].add(name)
    if needs.made:
        words = {word for one in every for word in _WORD.findall(one.text)}
        labels["made_shown"] = {*needs.made} & words
        labels["made_not_shown"] = {*needs.made} - words
    return {
        label: sorted(name for name in names if mentioned is None or name in mentioned)
        for label, names in labels.items()
    }
