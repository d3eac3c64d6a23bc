"""Types as far as they are written out: fields, returns, and the members of a type.

There is no inference. A type is known where code spells it: a parameter, a field, what a
function returns, a struct literal. Of the standard library only those containers are known
through which methods are called (`Box`, `Arc`, `Option`, `Vec`, …).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from rsidx.exporters.resolver.cfg import by_cfg_likelihood
from rsidx.exporters.resolver.files import TYPE, VALUE, Definition, File, ModuleNames, modules_of
from rsidx.exporters.resolver.modules import Module
from rsidx.exporters.resolver.names import Item, Names, Outside
from rsidx.exporters.resolver.spelling import TypeText, read_generics, read_type, split
from rsidx.exporters.resolver.ty import Ty, element, standard_call, through_pointers, unwrapped

_MAX_DEPTH = 12
_MAX_STEPS = 300
"""For one type: aliases of aliases can grow without end."""


@dataclass(frozen=True, slots=True)
class TypeScope:
    """Where a type or path is read: the module, the self type, generics, a function's imports."""

    module: Module
    self_type: Ty | None = None
    generics: Mapping[str, "Ty | None"] = field(default_factory=dict)
    local: ModuleNames | None = None
    trait: Item | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """A member that was found, and where it is read."""

    definition: Definition
    place: TypeScope


class Types:
    """Finds types and their members by names."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._modules = names.modules
        self._impls_of: dict[tuple[int, int], list[tuple[File, Definition, Module]]] = {}
        self._traits: dict[tuple[int, int], Item | None] = {}
        self._steps_left = 0

    def forget(self) -> None:
        """Drop what was found; the snapshot has changed."""
        self._impls_of.clear()
        self._traits.clear()

    def parse(self, text: str, place: TypeScope, depth: int = 0) -> Ty | None:
        """Return the type that a text spells; None for one that takes too many steps."""
        if depth == 0:
            self._steps_left = _MAX_STEPS
        return self._known(read_type(text), place, depth) if text else None

    def _known(self, text: TypeText, place: TypeScope, depth: int) -> Ty | None:
        self._steps_left -= 1
        if depth > _MAX_DEPTH or self._steps_left < 0 or text.head == "?":
            return None
        if text.head == "impl":
            return self._bounds(text, place)
        arguments = tuple(self._known(one, place, depth + 1) for one in text.arguments)
        if text.head in ("(", "["):
            return Ty(outside=text.head, arguments=arguments)
        segments = text.segments
        if segments[0] == "Self":
            if len(segments) == 1:
                return place.self_type
            return self._associated_type(place, segments[1]) if len(segments) == 2 else None
        if segments[0] in place.generics:
            return place.generics[segments[0]] if len(segments) == 1 else None
        entity = self._type(place, segments)
        if isinstance(entity, Item):
            return self.of_item(entity, arguments, depth)
        if entity is None and len(segments) > 1 and segments[0] not in ("std", "core", "alloc"):
            return None
        return Ty(outside=segments[-1], arguments=arguments)

    def _type(self, place: TypeScope, segments: list[str]) -> "Item | Outside | None":
        entity = None
        n_found = 0
        for found in self._names.path(place.module, segments, TYPE, place.local):
            n_found += 1
            entity = found.entity
        if n_found < len(segments) and not isinstance(entity, Outside):
            return None
        return entity if isinstance(entity, Item | Outside) else None

    def _bounds(self, text: TypeText, place: TypeScope) -> Ty | None:
        traits = []
        for one in text.arguments:
            entity = self._type(place, one.segments)
            if isinstance(entity, Item) and entity.kind == "trait":
                traits.append(entity)
        return Ty(bounds=tuple(traits)) if traits else None

    def of_item(
        self, item: Item, arguments: tuple[Ty | None, ...] = (), depth: int = 0
    ) -> Ty | None:
        """Return the type that an item is or makes: an alias is followed, a variant is its enum."""
        if depth == 0:
            self._steps_left = _MAX_STEPS
        if item.kind == "type":
            names = read_generics(item.definition.symbol.generics)
            given = dict(zip(names, arguments, strict=False))
            return self.parse(
                item.definition.symbol.type, TypeScope(item.module, generics=given), depth + 1
            )
        if item.kind == "trait":
            return Ty(bounds=(item,))
        if item.kind == "variant":
            file = self._modules.file(item.definition.path_id)
            enum = self._enum_of(file, item.definition) if file is not None else None
            return Ty(item=Item(enum, item.module)) if enum is not None else None
        if item.kind in ("struct", "enum", "union"):
            return Ty(item=item, arguments=arguments)
        return None

    @staticmethod
    def _enum_of(file: File, variant: Definition) -> Definition | None:
        scope = file.scopes.get(modules_of(variant.chunk.container))
        for definitions in scope.items[TYPE].values() if scope else ():
            for definition in definitions:
                if definition.index == variant.index:
                    return definition
        return None

    def _associated_type(self, place: TypeScope, name: str) -> Ty | None:
        """Return `Self::Name` inside an impl that defines it."""
        if place.self_type is None or place.self_type.item is None:
            return None
        for file, header, module in self.impls(place.self_type.item):
            for found in file.members.get(header.index, {}).get(name, ()):
                if found.symbol.kind == "type" and found.symbol.type:
                    inner = TypeScope(module, place.self_type, place.generics)
                    return self.parse(found.symbol.type, inner, 1)
        return None

    def impls(self, item: Item) -> list[tuple[File, Definition, Module]]:
        """Return the impls whose self type is an item, as (file, header, module)."""
        key = (item.definition.path_id, item.definition.index)
        found = self._impls_of.get(key)
        if found is None:
            found = self._impls_of[key] = list(self._find_impls(item))
        return found

    def _find_impls(self, item: Item) -> Iterator[tuple[File, Definition, Module]]:
        index = self._modules.index(item.module.crate)
        name = item.name
        for path_id in sorted(index.impls.get(name, ()), key=self._modules.path):
            file = self._modules.file(path_id)
            for header in file.impls.get(name, ()) if file is not None else ():
                module = self._modules.module_of(item.module.crate, header)
                if file is None or module is None:
                    continue
                text = read_type(header.symbol.type)
                entity = self._type(TypeScope(module), text.segments)
                if isinstance(entity, Item) and self._is_same(entity, item):
                    yield file, header, module

    def _is_same(self, entity: Item, item: Item) -> bool:
        if _key(entity) == _key(item):
            return True
        if entity.kind == "type":
            known = self.of_item(entity)
            return known is not None and known.item is not None and _key(known.item) == _key(item)
        # The same type once for each target: `cfg` alternatives of one name.
        return entity.name == item.name and entity.definition.symbol.cfg != ""

    def trait_of(self, header: Definition, module: Module) -> Item | None:
        """Return the trait that an impl is of, if it is in the workspace."""
        if not header.symbol.trait:
            return None
        key = (header.path_id, header.index)
        if key not in self._traits:
            path = header.symbol.trait.split("<")[0].strip().lstrip("!").split("::")
            entity = self._type(TypeScope(module), path)
            is_trait = isinstance(entity, Item) and entity.kind == "trait"
            self._traits[key] = entity if is_trait and isinstance(entity, Item) else None
        return self._traits[key]

    def members(self, known: Ty, name: str) -> Iterator[Member]:
        """Yield what a member's name means on a type, the likeliest first.

        Inherent members, then those of traits that the type has impls of; of an `impl` or
        `dyn`, its traits' and their supertraits'.
        """
        if known.item is not None:
            yield from self._members_of_item(known, known.item, name)
        for bound in known.bounds:
            yield from self.trait_members(bound, name, known)

    def _members_of_item(self, known: Ty, item: Item, name: str) -> Iterator[Member]:
        impls = self.impls(item)
        homes = {
            (found.path_id, found.index): (found, header, module)
            for file, header, module in impls
            if not header.symbol.trait
            for found in file.members.get(header.index, {}).get(name, ())
        }
        own = [found for found, _, _ in homes.values()]
        for definition in by_cfg_likelihood(own, item.module.crate.package.features):
            _, header, module = homes[definition.path_id, definition.index]
            yield Member(definition, self._in_impl(known, header, module))
        for _, header, module in impls:
            trait = self.trait_of(header, module)
            if trait is not None:
                yield from self.trait_members(trait, name, known)

    def _in_impl(self, known: Ty, header: Definition, module: Module) -> TypeScope:
        """Return the place of an impl's members, its parameters bound by the type's arguments."""
        generics: dict[str, Ty | None] = {
            name: self.parse(bounds, TypeScope(module))
            for name, bounds in read_generics(header.symbol.generics).items()
        }
        for text, given in zip(
            read_type(header.symbol.type).arguments, known.arguments, strict=False
        ):
            if text.head in generics and given is not None:
                generics[text.head] = given
        return TypeScope(module, known, generics)

    def trait_members(self, trait: Item, name: str, known: Ty | None) -> Iterator[Member]:
        """Yield a trait's member, or where it has none its supertraits'."""
        waiting, seen = [trait], set()
        while waiting:
            one = waiting.pop(0)
            file = self._modules.file(one.definition.path_id)
            if file is None or _key(one) in seen:
                continue
            seen.add(_key(one))
            place = TypeScope(one.module, known or Ty(bounds=(one,)), trait=one)
            found = file.members.get(one.definition.index, {}).get(name, ())
            for definition in found:
                yield Member(definition, place)
            if not found:
                bounds = self._bounds(read_type(one.definition.symbol.type), TypeScope(one.module))
                waiting += bounds.bounds if bounds is not None else ()

    def field(self, known: Ty, name: str) -> Definition | None:
        """Return the field that a name means on a type of the workspace."""
        item = through_pointers(known).item
        return self._declared_field(item, "", name) if item is not None else None

    def _declared_field(self, item: Item, variant: str, name: str) -> Definition | None:
        file = self._modules.file(item.definition.path_id)
        fields = file.fields.get((item.definition.index, variant), {}) if file is not None else {}
        return fields.get(name)

    def _field_type(self, known: Ty, variant: str, name: str) -> Ty | None:
        """Return the type of a field of a struct or tuple, or of an enum's variant."""
        known = through_pointers(known)
        if known.outside == "(" and name.isdigit() and int(name) < len(known.arguments):
            return known.arguments[int(name)]
        item = known.item
        found = self._declared_field(item, variant, name) if item is not None else None
        if item is None or found is None:
            return None
        declared = read_generics(item.definition.symbol.generics)
        generics: dict[str, Ty | None] = {
            key: self.parse(bounds, TypeScope(item.module)) for key, bounds in declared.items()
        }
        given = dict(zip(declared, known.arguments, strict=False))
        generics.update({key: value for key, value in given.items() if value is not None})
        return self.parse(found.symbol.type, TypeScope(item.module, known, generics))

    def returned(self, member: Definition, place: TypeScope) -> Ty | None:
        """Return the type that a function returns, or that a constant has."""
        text = member.symbol.type
        is_async = text.startswith("async ")
        known = self.parse(text.removeprefix("async "), place)
        if known is not None and is_async:
            return Ty(known.item, known.arguments, known.bounds, known.outside, is_async=True)
        return known

    def expression(self, text: str, place: TypeScope) -> Ty | None:
        """Return the type of an expression, as far as it is written out."""
        atom, *hops = split(text, ".")
        if atom == "self":
            known = place.self_type
        elif atom.startswith("<"):
            known = self._typed(atom[1:-1], hops, place)
        else:
            known = self._path(atom, place)
        for hop in hops:
            known = self._hop(known, hop) if known is not None else None
        return known

    def _typed(self, text: str, hops: list[str], place: TypeScope) -> Ty | None:
        """Return a written type; a variant's field is taken from the first hop."""
        segments = read_type(text).segments
        if hops and len(segments) > 1:
            entity = self._variant(segments, place)
            if entity is not None:
                enum = self.of_item(entity)
                name = hops.pop(0)
                return self._field_type(enum, entity.name, name) if enum is not None else None
        return self.parse(text, place)

    def _variant(self, segments: list[str], place: TypeScope) -> Item | None:
        """Return the variant that a path names."""
        if segments[0] == "Self" and len(segments) == 2:
            item = place.self_type.item if place.self_type is not None else None
            file = self._modules.file(item.definition.path_id) if item is not None else None
            if item is None or file is None:
                return None
            variant = file.variants.get(item.definition.index, {}).get(segments[1])
            return Item(variant, item.module) if variant is not None else None
        entity = self._type(place, segments)
        return entity if isinstance(entity, Item) and entity.kind == "variant" else None

    def _path(self, atom: str, place: TypeScope) -> Ty | None:
        """Return the type of a call of a path, or of a constant."""
        is_call = atom.endswith("()")
        segments = atom.removesuffix("()").split("::")
        for member in self.path_members(segments, place):
            if member.definition.symbol.kind in ("fn", "method", "const", "static"):
                is_function = member.definition.symbol.kind in ("fn", "method")
                if is_function == is_call:
                    return self.returned(member.definition, member.place)
            else:
                return self.of_item(Item(member.definition, member.place.module))
        return None

    def path_members(self, segments: list[str], place: TypeScope) -> Iterator[Member]:
        """Yield what a path names as a value: an item, or a member of the type before it."""
        if segments[0] == "Self" or (segments[0] in place.generics and len(segments) > 1):
            yield from self._members_of_self(segments, place)
            return
        entity = None
        n_found = 0
        for found in self._names.path(place.module, segments, VALUE, place.local):
            entity = found.entity
            n_found += 1
        if not isinstance(entity, Item):
            return
        if n_found == len(segments):
            yield Member(entity.definition, TypeScope(entity.module))
        elif n_found == len(segments) - 1:
            known = self.of_item(entity)
            if known is not None:
                yield from self.members(known, segments[-1])

    def _members_of_self(self, segments: list[str], place: TypeScope) -> Iterator[Member]:
        """Yield what `Self`, `Self::name` or `T::name` names."""
        is_self = segments[0] == "Self"
        known = place.self_type if is_self else place.generics[segments[0]]
        if known is None:
            return
        if len(segments) == 1 and known.item is not None:
            yield Member(known.item.definition, TypeScope(known.item.module))
        elif len(segments) == 2:
            variant = self._variant(segments, place) if is_self else None
            if variant is not None:
                yield Member(variant.definition, TypeScope(variant.module))
            else:
                yield from self.members(known, segments[1])

    def _hop(self, known: Ty, hop: str) -> Ty | None:
        if hop == "await":
            if not known.is_async:
                return None
            return Ty(known.item, known.arguments, known.bounds, known.outside)
        if known.is_async:
            return None
        if hop.endswith("()"):
            return self._call(known, hop[:-2])
        if hop == "?":
            return unwrapped(known)
        if hop == "[]":
            return element(known)
        if hop == "!":
            is_result = known.outside == "Result" and len(known.arguments) > 1
            return known.arguments[1] if is_result else None
        return self._field_type(known, "", hop)

    def _call(self, known: Ty, name: str) -> Ty | None:
        for member in self.methods(known, name):
            return self.returned(member.definition, member.place)
        return standard_call(through_pointers(known), name)

    def methods(self, known: Ty, name: str) -> Iterator[Member]:
        """Yield what a method call means on a receiver, through pointers to it."""
        yield from self.members(through_pointers(known), name)


def _key(item: Item) -> tuple[int, int]:
    return item.definition.path_id, item.definition.index
