"""Path resolution: what a path means in a module.

In a module count, in this order: what it declares, what it imports by name, what its globs
bring in, and in front of a `::` the crates that its manifest names. Types, values and macros
are looked up apart. A path that leads out of the workspace, or into what a macro makes, is
`OUTSIDE`: known not to be found here, so nothing less likely is tried.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rsidx.exporters.resolver.cfg import by_cfg_likelihood, likelihood
from rsidx.exporters.resolver.files import MACRO, TYPE, VALUE, Definition, ModuleNames
from rsidx.exporters.resolver.modules import Module, Modules
from rsidx.store.records import Import

_STANDARD = frozenset({"std", "core", "alloc", "proc_macro", "test"})
_STANDARD_MACROS = frozenset(
    "assert assert_eq assert_ne debug_assert debug_assert_eq debug_assert_ne format print println "
    "eprint eprintln vec write writeln panic todo unimplemented unreachable matches cfg concat "
    "stringify include include_str include_bytes env option_env line file column module_path dbg "
    "try thread_local compile_error format_args is_x86_feature_detected".split()
)
PRELUDE = _STANDARD_MACROS | frozenset(
    "Option Some None Result Ok Err Vec String Box ToString ToOwned Clone Copy Send Sync Sized "
    "Drop Fn FnMut FnOnce Iterator IntoIterator Extend DoubleEndedIterator ExactSizeIterator "
    "AsRef AsMut Into From Default PartialEq Eq PartialOrd Ord TryFrom TryInto FromIterator "
    "Unpin drop Debug Hash str char bool u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize f32 "
    "f64 std core alloc".split()
)
"""What is in scope everywhere, and in no workspace unless it is declared there."""
_MAX_DEPTH = 60


@dataclass(frozen=True, slots=True)
class Item:
    """A definition with the module that it is read in."""

    definition: Definition
    module: Module

    @property
    def kind(self) -> str:
        """The symbol's kind."""
        return self.definition.symbol.kind

    @property
    def name(self) -> str:
        """The symbol's name."""
        return self.definition.symbol.name


class Outside:
    """What is not in the workspace."""


OUTSIDE = Outside()
Entity = Item | Module | Outside


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a name means, and the rule that found it."""

    entity: Entity
    rule: str


_NOT_HERE = Resolution(OUTSIDE, "outside")
_Key = tuple[str, tuple[str, ...], str, str]
_Trail = dict[_Key, Resolution | None]


class Names:
    """Resolves names in one snapshot; `forget` when that moves on."""

    def __init__(self, modules: Modules) -> None:
        self.modules = modules
        self._known: dict[_Key, Resolution | None] = {}
        self._depth = 0

    def forget(self) -> None:
        """Drop what was found; the snapshot has changed."""
        self._known.clear()

    def path(
        self,
        module: Module,
        segments: Sequence[str],
        namespace: str,
        local: ModuleNames | None = None,
    ) -> Iterator[Resolution]:
        """Yield what each segment of a path means; ends early where one is unknown.

        `local` has the imports of the function that the path stands in. What comes after a
        type is left to the caller.
        """
        last = len(segments) - 1
        position = 0
        if segments[0] == "" and last:
            yield _NOT_HERE  # The root of all crates is nobody's definition.
            position = 1
            space = namespace if position == last else TYPE
            found = self._of_crates(module, segments[1], space, {})
        else:
            found = self._first(module, segments, namespace if last == 0 else TYPE, local)
        rule = ""
        while found is not None:
            rule = rule or found.rule
            yield Resolution(found.entity, rule)
            if position == last:
                return
            position += 1
            space = namespace if position == last else TYPE
            found = self._next(found.entity, segments[position], space, {})

    def _of_crates(
        self, module: Module, name: str, namespace: str, trail: _Trail
    ) -> Resolution | None:
        """Return what `::name` means: a crate, or before 2018 a name of the crate's root."""
        found = self.extern(module, name)
        if found is None and module.crate.is_2015:
            root = self.modules.root(module.crate)
            found = self.lookup(root, name, namespace, trail) if root is not None else None
            return Resolution(found.entity, "path") if found is not None else None
        return found

    def _next(self, entity: Entity, name: str, namespace: str, trail: _Trail) -> Resolution | None:
        """Return what a name means behind `entity::`."""
        if not isinstance(entity, Module):
            return self._variant(entity, name)
        if name == "super":
            parent = self.modules.parent(entity)
            return Resolution(parent, "path") if parent is not None else None
        return self.lookup(entity, name, namespace, trail)

    def _first(
        self, module: Module, segments: Sequence[str], namespace: str, local: ModuleNames | None
    ) -> Resolution | None:
        head = segments[0]
        if head == "crate":
            root = self.modules.root(module.crate)
            return Resolution(root, "path") if root is not None else None
        if head == "self":
            return Resolution(module, "path")
        if head == "super":
            parent = self.modules.parent(module)
            return Resolution(parent, "path") if parent is not None else None
        if local is not None:
            found = self._explicit(module, local, head, namespace, {})
            found = found or self._by_glob(module, local, head, namespace, {})
            if found is not None:
                return found
        found = self.lookup(module, head, namespace, {})
        if found is None and namespace == TYPE:
            return self.extern(module, head)
        if found is not None and isinstance(found.entity, Module) and found.rule == "module":
            return Resolution(found.entity, "path")
        return found

    def extern(self, module: Module, name: str) -> Resolution | None:
        """Return the root of a crate that a module's package knows by a name."""
        externs = module.crate.package.externs
        if name in externs:
            library = self.modules.packages().library(externs[name]) if externs[name] else None
            root = self.modules.root(library) if library is not None else None
            return Resolution(root, "extern") if root is not None else _NOT_HERE
        return _NOT_HERE if name in _STANDARD else None

    def _variant(self, entity: Entity, name: str) -> Resolution | None:
        if not isinstance(entity, Item):
            return _NOT_HERE if isinstance(entity, Outside) else None
        file = self.modules.file(entity.definition.path_id)
        variant = file.variants.get(entity.definition.index, {}).get(name) if file else None
        return Resolution(Item(variant, entity.module), "member") if variant is not None else None

    def lookup(self, module: Module, name: str, namespace: str, trail: _Trail) -> Resolution | None:
        """Return what a module has under a name, imports and globs included.

        `trail` has what was looked up on the way, None while it is: so a cycle of imports ends,
        and each module is asked once.
        """
        key = (module.crate.root, module.names, name, namespace)
        if key in self._known:
            return self._known[key]
        if key in trail:
            return trail[key]
        if self._depth > _MAX_DEPTH:
            return None
        is_first = not trail
        trail[key] = None
        self._depth += 1
        found = trail[key] = self._lookup(module, name, namespace, trail)
        self._depth -= 1
        if is_first:
            self._known[key] = found
        return found

    def _lookup(
        self, module: Module, name: str, namespace: str, trail: _Trail
    ) -> Resolution | None:
        scope = self.modules.scope(module)
        if namespace == MACRO and not module.names:
            exported = self.exported_macro(module, name)
            if exported is not None:
                return exported
        return self._explicit(module, scope, name, namespace, trail) or self._by_glob(
            module, scope, name, namespace, trail
        )

    def _explicit(
        self, module: Module, scope: ModuleNames, name: str, namespace: str, trail: _Trail
    ) -> Resolution | None:
        """Return what a scope declares or imports by name, the likeliest by its `cfg`.

        Where that leads outside, it is outside: what is less likely is not tried.
        """
        features = module.crate.package.features
        declared = self._declared(module, scope, name, namespace)
        modules = scope.modules.get(name, ()) if namespace == TYPE else ()
        candidates: list[tuple[float, Definition | Import]] = [
            (-likelihood(one.symbol.cfg, features), one) for one in (*declared, *modules)
        ]
        candidates += [(-likelihood(one.cfg, features), one) for one in scope.imports.get(name, ())]
        for _, one in sorted(candidates, key=lambda pair: pair[0]):
            if isinstance(one, Import):
                found = self._used(module, one.path.split("::"), namespace, trail)
                if found is not None and not isinstance(found.entity, Outside):
                    return Resolution(found.entity, "import")
                if not self._means_another(module, one, namespace, trail):
                    return _NOT_HERE
            elif one.symbol.kind == "mod":
                child = self.modules.child(module, name)
                return Resolution(child, "module") if child is not None else _NOT_HERE
            else:
                return Resolution(Item(one, module), "module")
        return None

    def _declared(
        self, module: Module, scope: ModuleNames, name: str, namespace: str
    ) -> Sequence[Definition]:
        definitions: Sequence[Definition] = scope.items[namespace].get(name, ())
        if not definitions and namespace == VALUE:
            file = self.modules.file(module.path_id)
            structs = scope.items[TYPE].get(name, ())
            definitions = [d for d in structs if file is not None and file.is_constructor(d)]
        return definitions

    def _by_glob(
        self, module: Module, scope: ModuleNames, name: str, namespace: str, trail: _Trail
    ) -> Resolution | None:
        for item in scope.globs:
            found = self._globbed(module, item, name, namespace, trail)
            if found is not None:
                return Resolution(found.entity, "glob")
        return None

    def _means_another(self, module: Module, item: Import, namespace: str, trail: _Trail) -> bool:
        """Tell whether an import names something of the workspace in another namespace."""
        for other in (TYPE, VALUE, MACRO):
            if other != namespace:
                found = self._used(module, item.path.split("::"), other, trail)
                if found is not None and not isinstance(found.entity, Outside):
                    return True
        return False

    def _globbed(
        self, module: Module, item: Import, name: str, namespace: str, trail: _Trail
    ) -> Resolution | None:
        prefix = item.path.split("::")[:-1]
        target = self._used(module, prefix, TYPE, trail) if prefix else None
        if target is None or isinstance(target.entity, Outside):
            return None
        if isinstance(target.entity, Item):
            return self._variant(target.entity, name)
        found = self.lookup(target.entity, name, namespace, trail)
        if found is None or isinstance(found.entity, Outside):
            return None
        if self._is_visible(target.entity, name, found, module):
            return found
        return None

    def _is_visible(self, owner: Module, name: str, found: Resolution, module: Module) -> bool:
        """Tell whether a glob in `module` brings in a name of `owner`."""
        if _is_inside(module, owner):
            return True
        if found.rule == "module" and isinstance(found.entity, Item):
            return found.entity.definition.symbol.visibility not in ("", "pub(self)")
        scope = self.modules.scope(owner)
        if found.rule == "module":
            return any(d.symbol.visibility for d in scope.modules.get(name, ()))
        named = scope.imports.get(name, ())
        return any(item.visibility for item in named or scope.globs)

    def used(self, module: Module, path: str, namespace: str) -> Resolution | None:
        """Return what the path of a `use` in a module means."""
        segments = path.split("::")
        return self._used(module, segments, namespace, {})

    def _used(
        self,
        module: Module,
        segments: Sequence[str],
        namespace: str,
        trail: _Trail,
    ) -> Resolution | None:
        """Return what the path of a `use` in a module means."""
        is_absolute = segments[0] == ""
        head, *rest = segments[1:] if is_absolute and len(segments) > 1 else segments
        space = TYPE if rest else namespace
        found = self._used_first(module, head, space, trail, is_absolute=is_absolute)
        for position, segment in enumerate(rest, 1):
            if found is None:
                return None
            space = namespace if position == len(rest) else TYPE
            if segment != "self":
                found = self._next(found.entity, segment, space, trail)
        return found

    def _used_first(
        self,
        module: Module,
        head: str,
        namespace: str,
        trail: _Trail,
        *,
        is_absolute: bool,
    ) -> Resolution | None:
        """Return what the first name of a `use` means: of this module, the root, or a crate."""
        if head in ("crate", "self", "super"):
            return self._first(module, [head], TYPE, None)
        if is_absolute:
            return self._of_crates(module, head, namespace, trail)
        found: Resolution | None = None
        if module.crate.is_2015:
            root = self.modules.root(module.crate)
            found = self.lookup(root, head, namespace, trail) if root is not None else None
        if found is None:
            found = self.lookup(module, head, namespace, trail)
        if found is None and namespace == MACRO:
            found = self.macro(module, head)
        if found is None and namespace == TYPE:
            found = self.extern(module, head)
        return found

    def macro(self, module: Module, name: str) -> Resolution | None:
        """Return a `macro_rules!` by its textual scope, or the only one of the crate.

        The scope is taken to be the module around and those around that. A name that the
        standard library has is not looked for elsewhere.
        """
        around: Module | None = module
        while around is not None:
            definitions = self.modules.scope(around).items[MACRO].get(name, ())
            chosen = by_cfg_likelihood(definitions, module.crate.package.features)
            if chosen:
                return Resolution(Item(chosen[0], around), "macro")
            around = self.modules.parent(around)
        return self._only_macro(module, name)

    def _only_macro(self, module: Module, name: str) -> Resolution | None:
        places = self.modules.index(module.crate).macros.get(name, set())
        if len(places) != 1 or name in _STANDARD_MACROS:
            return None
        return self._macro_in(module, next(iter(places)), name)

    def exported_macro(self, root: Module, name: str) -> Resolution | None:
        """Return a `#[macro_export]` macro, which stands at its crate's root wherever it is."""
        places = self.modules.index(root.crate).macros.get(name, set())
        for path_id in sorted(places, key=self.modules.path):
            found = self._macro_in(root, path_id, name)
            item = found.entity if found is not None else None
            if isinstance(item, Item) and item.definition.symbol.visibility == "pub":
                return found
        return None

    def _macro_in(self, module: Module, path_id: int, name: str) -> Resolution | None:
        file = self.modules.file(path_id)
        definitions = file.macros.get(name, ()) if file is not None else ()
        for definition in by_cfg_likelihood(definitions, module.crate.package.features):
            home = self.modules.module_of(module.crate, definition)
            if home is not None:
                return Resolution(Item(definition, home), "macro")
        return None


def _is_inside(module: Module, owner: Module) -> bool:
    """Tell whether a module is another one, or below it."""
    return module.crate.root == owner.crate.root and module.names[: len(owner.names)] == owner.names
