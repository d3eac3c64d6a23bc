"""From the references of a piece of code to the definitions that they mean."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from rsidx.exporters.resolver.files import (
    MACRO,
    TYPE,
    VALUE,
    Definition,
    ModuleNames,
    modules_of,
)
from rsidx.exporters.resolver.modules import Modules
from rsidx.exporters.resolver.names import PRELUDE, Item, Names, Outside, Resolution
from rsidx.exporters.resolver.spelling import read_generics, split
from rsidx.exporters.resolver.ty import Ty, through_pointers
from rsidx.exporters.resolver.types import Types, TypeScope
from rsidx.store.reader import Reader
from rsidx.store.records import Import, Reference, innermost

EXACT_RULES = ("module", "path", "import", "extern", "glob", "self", "member")
"""Rules that follow the language's own; the other ones read types off what is written."""
RECEIVER_RULES = ("receiver", "field", "returned")
NAME_RULE = "name"


@dataclass(frozen=True, slots=True)
class Resolved:
    """A definition with the rule that found it.

    `segment` is the number of the path's segment that means it, `member` what the path named
    inside it.
    """

    definition: Definition
    rule: str
    member: str = ""
    reference: Reference | None = None
    segment: int = 0

    @property
    def name(self) -> str:
        """The word of the code that means the definition; empty where none does."""
        if self.reference is None:
            return ""
        if self.reference.kind in ("method", "field"):
            return split(self.reference.path, ".")[-1]
        return self.reference.path.split("::")[self.segment]


@dataclass(frozen=True, slots=True)
class CodeLocation:
    """Where code stands: a path of the snapshot, the containers in its file, and its own imports.

    `imports` are those of a function's body.
    """

    path_id: int
    container: str
    imports: tuple[Import, ...] = ()

    @property
    def modules(self) -> tuple[str, ...]:
        """The inline modules around the code, outermost first."""
        return modules_of(self.container)


_Answer = tuple[list[Resolved], str]


@dataclass(frozen=True, slots=True)
class _Site:
    """Where code is read, the containers around it, and what its references were found to mean."""

    place: TypeScope | None
    enclosing: tuple[Resolved, ...] = ()
    answers: dict[Reference, _Answer] = field(default_factory=dict)


class Resolver:
    """Resolves references in one snapshot after another.

    What a file says is kept by its blob, trees while they hold; so a move costs what it changes.
    """

    def __init__(self, reader: Reader) -> None:
        self.modules = Modules(reader)
        self._names = Names(self.modules)
        self._types = Types(self._names)
        self._sites: dict[CodeLocation, _Site] = {}

    def move(self, files: Mapping[int, int], touched: Mapping[int, int | None] | None) -> None:
        """Go to a snapshot, as `Modules.move` says."""
        if touched is None or touched:
            self.modules.move(files, touched)
            self._names.forget()
            self._types.forget()
            self._sites.clear()

    def resolve(
        self, site: CodeLocation, references: Sequence[Reference], *, guess: bool = False
    ) -> tuple[list[Resolved], Counter[str]]:
        """Return the containers around the code, then what each reference means.

        A definition may come more than once. With `guess`, a name that nothing else finds
        and that one definition of the crate has is found by the rule `name`. Counts the
        references by kind and by what came of them: `resolved`, `outside` (known to be defined
        elsewhere), `generic` (a parameter) and `unresolved`.
        """
        outcomes: Counter[str] = Counter()
        known = self._sites.get(site)
        if known is None:
            known = self._sites[site] = self._site(site)
        if known.place is None:
            return [], outcomes
        resolved = list(known.enclosing)
        for reference in references:
            if reference not in known.answers:
                known.answers[reference] = self._named(known.place, reference)
            definitions, outcome = known.answers[reference]
            outcomes[outcome] += 1
            if not definitions and guess:
                definitions = list(self._guess(known.place, reference))
            resolved += definitions
        return resolved, outcomes

    def _site(self, site: CodeLocation) -> "_Site":
        place, header = self.place(site)
        if place is None or header is None:
            return _Site(place)
        return _Site(place, tuple(self._enclosing(header, place)))

    def _named(self, place: TypeScope, reference: Reference) -> _Answer:
        """Return what a reference means, and the name of what came of it."""
        found, outcome = self._answer(place, reference)
        definitions = [replace(one, reference=reference) for one in found]
        return definitions, f"{reference.kind}/{outcome}"

    def place(self, site: CodeLocation) -> tuple[TypeScope | None, Definition | None]:
        """Return where code is read, and the header of the impl or trait that it is a member of."""
        home = self.modules.expected_module(site.path_id)
        file = self.modules.file(site.path_id)
        if home is None:
            return None, None
        local = ModuleNames()
        for item in site.imports:
            local.add_import(item)
        module = self.modules.inner(home, site.modules)
        place = TypeScope(module, local=local if site.imports else None)
        headers = file.headers.get(site.container, ()) if file is not None else ()
        if not headers:
            return self._at_new_impl(place, site.container), None
        return self._in(place, headers[0]), headers[0]

    def _in(self, place: TypeScope, header: Definition) -> TypeScope:
        symbol = header.symbol
        generics = {
            name: self._types.parse(bounds, place)
            for name, bounds in read_generics(symbol.generics).items()
        }
        place = replace(place, generics=generics)
        if symbol.kind == "trait":
            trait = Item(header, place.module)
            return replace(place, self_type=Ty(bounds=(trait,)), trait=trait)
        known = self._types.parse(symbol.type, place)
        return replace(place, self_type=known, trait=self._types.trait_of(header, place.module))

    def _at_new_impl(self, place: TypeScope, container: str) -> TypeScope:
        """Return the place of a member whose impl the snapshot does not have yet."""
        label = innermost(container)
        if not label.startswith("impl "):
            return place
        name = label.removeprefix("impl ").split(" for ")[-1].split("<")[0]
        return replace(place, self_type=self._types.parse(name.strip("& "), place))

    def _enclosing(self, header: Definition, place: TypeScope) -> Iterator[Resolved]:
        yield Resolved(header, "enclosing")
        if header.symbol.kind == "trait":
            return
        if place.self_type is not None and place.self_type.item is not None:
            yield Resolved(place.self_type.item.definition, "self_type")
        if place.trait is not None:
            yield Resolved(place.trait.definition, "self_type")

    def reference(self, place: TypeScope, reference: Reference) -> Iterator[Resolved]:
        """Yield what the segments of a reference's path mean, modules left out."""
        found, _ = self._answer(place, reference)
        yield from (replace(one, reference=reference) for one in found)

    def _answer(self, place: TypeScope, reference: Reference) -> _Answer:
        if reference.kind in ("method", "field"):
            return self._of_receiver(place, reference)
        if reference.kind == "import":
            return self._import(place, reference.path)
        return self._path(place, reference.kind, reference.path.split("::"))

    def _path(self, place: TypeScope, kind: str, segments: list[str]) -> _Answer:
        if segments[0] == "Self" or segments[0] in place.generics:
            return self._of_self(place, segments)
        steps = self._steps(place, kind, segments)
        rest = segments[len(steps) :]
        found = [
            one
            for number, step in enumerate(steps)
            for one in _resolved(step, number, rest[0] if rest else "")
        ]
        if not rest:
            is_outside = bool(steps) and isinstance(steps[-1].entity, Outside)
            return found, "outside" if is_outside else "resolved"
        last = steps[-1].entity if steps else None
        known = self._types.of_item(last) if isinstance(last, Item) else None
        members: list[Resolved] = []
        if known is not None and len(rest) == 1:
            members = list(self._members(known, rest[0], "member", len(steps)))
        if members:
            return found + members, "resolved"
        is_outside = isinstance(last, Outside) or (not steps and segments[0] in PRELUDE)
        is_outside = is_outside or (known is not None and known.outside != "")
        return found, "outside" if is_outside else "unresolved"

    def _steps(self, place: TypeScope, kind: str, segments: list[str]) -> list[Resolution]:
        """Return what the segments of a path mean, as far as they are known."""
        space = kind if kind in (TYPE, MACRO) else VALUE
        steps = list(self._names.path(place.module, segments, space, place.local))
        if kind == "token" and len(steps) < len(segments):
            as_type = list(self._names.path(place.module, segments, TYPE, place.local))
            return as_type if len(as_type) > len(steps) else steps
        if kind == MACRO and not steps and len(segments) == 1:
            found = self._names.macro(place.module, segments[0])
            return [found] if found is not None else []
        return steps

    def _of_self(self, place: TypeScope, segments: list[str]) -> _Answer:
        """Return what `Self::name` or `T::name` means."""
        if len(segments) == 1:
            return [], "generic"
        rule = "self" if segments[0] == "Self" else "member"
        if len(segments) == 2:
            for member in self._types.path_members(segments, place):
                return [Resolved(member.definition, rule, segment=1)], "resolved"
        return [], "unresolved"

    def _import(self, place: TypeScope, path: str) -> _Answer:
        last = path.count("::")
        found = [
            one
            for namespace in (TYPE, VALUE, MACRO)
            if (step := self._names.used(place.module, path, namespace)) is not None
            for one in _resolved(replace(step, rule="import"), last, "")
        ]
        return found, "resolved" if found else "outside"

    def _of_receiver(self, place: TypeScope, reference: Reference) -> _Answer:
        *before, name = split(reference.path, ".")
        owner = ".".join(before)
        known = self._types.expression(owner, place) if owner != "?" else None
        if known is None or known.is_async:
            return [], "unresolved"
        rule = _receiver_rule(owner)
        if reference.kind == "method":
            found = list(self._members(known, name, rule, 0, through=True))
        else:
            item = through_pointers(known).item
            is_field = item is not None and self._types.field(known, name) is not None
            found = [Resolved(item.definition, rule, name)] if item and is_field else []
        if found:
            return found, "resolved"
        return found, "outside" if through_pointers(known).outside else "unresolved"

    def _members(
        self, known: Ty, name: str, rule: str, segment: int, *, through: bool = False
    ) -> Iterator[Resolved]:
        members = self._types.methods if through else self._types.members
        for member in members(known, name):
            yield Resolved(member.definition, rule, segment=segment)
            return

    def _guess(self, place: TypeScope, reference: Reference) -> Iterator[Resolved]:
        """Yield the only definition in the crate that has the name."""
        name = split(reference.path, ".")[-1].split("::")[-1]
        kinds = _KINDS_GUESSED.get(reference.kind)
        if kinds is None:
            return
        found = []
        for file in self.modules.files_of(place.module.crate):
            found += [d for d in file.named(name) if d.symbol.kind in kinds]
        if len(found) == 1:
            yield Resolved(found[0], NAME_RULE, reference=reference)


_KINDS_GUESSED = {
    "method": frozenset({"method"}),
    "type": frozenset({"struct", "enum", "union", "trait", "type"}),
    "value": frozenset({"fn", "const", "static"}),
    "token": frozenset({"fn", "const", "static", "struct", "enum"}),
}


def _resolved(found: Resolution, segment: int, member: str) -> Iterator[Resolved]:
    if isinstance(found.entity, Item):
        yield Resolved(found.entity.definition, found.rule, member, segment=segment)


def _receiver_rule(owner: str) -> str:
    if owner == "self":
        return "self"
    hops = split(owner, ".")
    if any(part.endswith("()") for part in hops):
        return "returned"
    return "receiver" if len(hops) == 1 else "field"
