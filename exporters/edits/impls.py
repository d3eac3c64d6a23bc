"""Which impls may be the same, by the types that they are for.

Any two impls of a trait have much in common, all of it where they are short.
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from rsidx.exporters.edits.edit import Side, name_of
from rsidx.exporters.edits.similarity import MIN_SIMILARITY
from rsidx.exporters.edits.versions import Versions
from rsidx.store.addresses import HEADER
from rsidx.store.reader import Reader
from rsidx.store.records import Symbol

_IMPL = "impl"
_TYPES = frozenset({"struct", "enum", "union", "type", "trait"})
_MIN_COMMON = 20
"""Pairs of words that impls for other types have in common at least, and members of such impls of
traits: of fewer, nearly all are what any impl of the trait has (`docs/rows.md`)."""
_BEFORE_A_TYPE = re.compile(r"&|'\w+\s*|\b(?:mut|dyn)\s+")


class Impls:
    """Compares the types of impls; `pairs` are the sides that are paired so far, new to old.

    `_types_gone` and `_types_come` are the definitions of types that differ, by their names.
    """

    def __init__(
        self,
        reader: Reader,
        versions: Versions,
        pairs: Mapping[Side, Side],
        removed: Sequence[Side],
        added: Sequence[Side],
    ) -> None:
        self._reader = reader
        self._versions = versions
        self._pairs = pairs
        self._types_gone, self._types_come = self._types(removed), self._types(added)
        self._impl = lru_cache(maxsize=None)(self._impl_of)

    def _types(self, sides: Sequence[Side]) -> dict[str, Side]:
        of_types = (side for side in sides if side.kind.removesuffix(HEADER) in _TYPES)
        return {name_of(self._reader, side): side for side in of_types}

    def are_related(self, old: Side, new: Side) -> bool:
        """Tell whether two sides may be the same code, as far as the types of their impls say.

        Impls for other types, and members of such impls of traits, are not, unless the commit
        renames the type or they have more in common than any impl of a trait has.
        """
        was, now = self._impl(old), self._impl(new)
        if was is None or now is None or self._is_same_type(was, now):
            return True
        before, after = self._around(old), self._around(new)
        if before is not None and after is not None:
            is_of_traits = was.trait and now.trait
            if not is_of_traits or self._pairs.get(after) == before:
                return True
        common = self._versions.profile(old).pairs & self._versions.profile(new).pairs
        return common.total() >= _MIN_COMMON

    def _impl_of(self, side: Side) -> Symbol | None:
        """Return what a side is an impl of, or a member of an impl; None where it is neither."""
        outer = side if _is_impl(side) else self._around(side)
        symbols = self._reader.symbols(outer.chunks[0].id) if outer is not None else ()
        return symbols[0] if symbols and symbols[0].kind == _IMPL else None

    def _around(self, side: Side) -> Side | None:
        """Return the header of the container that a member is in; an impl is none's."""
        return None if _is_impl(side) else self._versions.around(side)

    def _is_same_type(self, was: Symbol, now: Symbol) -> bool:
        """Tell whether two impls are for one type, or for one that the commit renames."""
        before, after = _self_type(was), _self_type(now)
        if before == after or not (before and after):
            return True
        if before in self._types_come or after in self._types_gone:
            return False
        old, new = self._types_gone.get(before), self._types_come.get(after)
        if old is None or new is None or old.kind != new.kind:
            return False
        profiles = self._versions.profile(old), self._versions.profile(new)
        return profiles[0].similarity(profiles[1]) >= MIN_SIMILARITY


def _is_impl(side: Side) -> bool:
    return side.kind.removesuffix(HEADER) == _IMPL


def _self_type(impl: Symbol) -> str:
    """Return the name of the type that an impl is for; empty where it is for any."""
    name = _BEFORE_A_TYPE.sub("", impl.name)
    parameters = {one.partition("=")[0] for one in impl.generics.split(";")}
    return "" if name in parameters else name
