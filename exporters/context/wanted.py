"""From what references mean to the definitions to be shown, each once."""

from collections import Counter
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field, replace

from rsidx.exporters.context.likely import Likely
from rsidx.exporters.resolver.files import Definition, definition_at
from rsidx.exporters.resolver.references import CodeLocation, Resolved, Resolver
from rsidx.store.reader import Reader
from rsidx.store.records import Reference

Key = tuple[int, int, int]
"""A definition by its path, blob and chunk."""


@dataclass(slots=True)
class Wanted:
    """A definition to be shown, with its best rule and the members that the code uses.

    If the code only imports it, its signature is shown, and no more. `names` are the words that
    mean it. `asked` are the chunks that are meant, by blob and position: it, or members of it.
    """

    definition: Definition
    rule: str
    members: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    is_only_imported: bool = True
    worth: float = 0.0
    asked: set[tuple[int, int]] = field(default_factory=set)

    @property
    def key(self) -> Key:
        """What it is found by."""
        return _key(self.definition)

    def use(self, resolved: Resolved, member: str) -> None:
        """Note that code refers to it, or to a member of it."""
        self.members.update(name for name in (member, resolved.member) if name)
        is_import = resolved.reference is not None and resolved.reference.kind == "import"
        self.is_only_imported = self.is_only_imported and is_import
        self.asked.add((resolved.definition.blob_id, resolved.definition.index))


class Definitions:
    """Finds the definitions to be shown; of a member, it is its owner, which is shown with it."""

    def __init__(self, reader: Reader, resolver: Resolver, rules: Sequence[str]) -> None:
        self._reader = reader
        self._resolver = resolver
        self._ranks = {rule: rank for rank, rule in enumerate(rules)}

    def named(
        self, mentions: Sequence[tuple[CodeLocation, Sequence[Reference]]], *, guess: bool
    ) -> tuple[dict[Key, Wanted], Counter[str]]:
        """Return what references mean.

        Counts how many were resolved, as `Resolver.resolve` does, which `guess` is for.
        """
        found: dict[Key, Wanted] = {}
        outcomes: Counter[str] = Counter()
        every: list[Resolved] = []
        for location, references in mentions:
            definitions, counted = self._resolver.resolve(location, references, guess=guess)
            every += definitions
            outcomes.update(counted)
        for resolved in every:
            definition, member = self._owner(resolved)
            one = found.setdefault(_key(definition), Wanted(definition, resolved.rule))
            one.use(resolved, member)
            one.names.add(resolved.name)
            if self._ranks[resolved.rule] < self._ranks[one.rule]:
                one.rule = resolved.rule
        return found, outcomes

    def likely(
        self, likely: Iterable[Likely], known: Container[Key], least: float
    ) -> dict[Key, Wanted]:
        """Return what is likely to be needed and not known, with its worth, `least` or more."""
        found: dict[Key, Wanted] = {}
        for source in likely:
            for resolved in source.definitions:
                definition, member = self._owner(resolved)
                key = _key(definition)
                if key in known:
                    continue
                one = found.setdefault(key, Wanted(definition, source.rule, names={""}))
                one.use(resolved, member)
                one.worth += source.weight
        return {key: one for key, one in found.items() if one.worth >= least}

    def _owner(self, resolved: Resolved) -> tuple[Definition, str]:
        """Return the definition that is shown for one, and the member of it that is meant."""
        definition = resolved.definition
        file = self._resolver.modules.file(definition.path_id)
        symbol = definition.symbol
        if symbol.kind in ("variant", "field"):
            first = self._reader.symbols(definition.chunk.id)[0]
            return replace(definition, symbol=first), symbol.name
        owner = file.owner.get(definition.index) if file is not None else None
        if file is None or owner is None or owner == definition.index:
            return definition, ""
        return definition_at(self._reader, file, owner), symbol.name


def _key(definition: Definition) -> Key:
    return definition.path_id, definition.blob_id, definition.index
