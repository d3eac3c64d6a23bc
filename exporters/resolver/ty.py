"""A type as far as it is known, and what the standard library's containers pass on."""

from dataclasses import dataclass

from rsidx.exporters.resolver.names import Item

_MAX_POINTERS = 12
_POINTERS = frozenset(
    "Box Rc Arc Pin Ref RefMut MutexGuard RwLockReadGuard RwLockWriteGuard ManuallyDrop Cow".split()
)
_WRAPPERS = frozenset({"Option", "Result", "LockResult", "Poll"})
_SEQUENCES = frozenset({"Vec", "VecDeque", "[", "SmallVec", "BinaryHeap", "LinkedList"})
_MAPS = frozenset({"HashMap", "BTreeMap", "IndexMap"})
_SETS = frozenset({"HashSet", "BTreeSet", "IndexSet"})
_UNWRAP = frozenset(
    "unwrap expect unwrap_or unwrap_or_else unwrap_or_default unwrap_unchecked ?".split()
)
_SAME = frozenset(
    "as_ref as_mut as_deref as_deref_mut take ok cloned copied or or_else filter replace".split()
)
_ITERATE = frozenset("iter iter_mut into_iter drain".split())
_STILL_ITERATES = frozenset(
    "rev skip take filter peekable by_ref fuse step_by chain skip_while take_while cloned copied "
    "inspect".split()
)
_ELEMENT_OPTIONS = frozenset(
    "get get_mut first first_mut last last_mut pop pop_front pop_back front front_mut back "
    "back_mut next peek next_back nth find".split()
)
_ALIKE = frozenset("clone to_owned borrow borrow_mut as_ref as_mut deref deref_mut iter".split())
_LOCKS = frozenset({"Mutex", "RwLock"})


@dataclass(frozen=True, slots=True)
class Ty:
    """A type: an item of the workspace with its arguments, or a named one from outside.

    `bounds` are the traits of an `impl`, `dyn` or generic parameter; `outside` is the last
    segment of an outside type's path, `(` or `[`.
    """

    item: Item | None = None
    arguments: tuple["Ty | None", ...] = ()
    bounds: tuple[Item, ...] = ()
    outside: str = ""
    is_async: bool = False


def through_pointers(known: Ty) -> Ty:
    """Return what a `Box`, an `Arc` and their like point at."""
    for _ in range(_MAX_POINTERS):
        inner = _first(known)
        if known.outside not in _POINTERS or inner is None:
            break
        known = inner
    return known


def _first(known: Ty) -> Ty | None:
    return known.arguments[0] if known.arguments else None


def unwrapped(known: Ty) -> Ty | None:
    """Return what is inside an Option or Result."""
    return _first(known) if known.outside in _WRAPPERS else None


def element(known: Ty) -> Ty | None:
    """Return what iterating or indexing gives."""
    if known.outside in _SEQUENCES or known.outside in _SETS or known.outside == "Iterator":
        return _first(known)
    if known.outside in _POINTERS:
        inner = _first(known)
        return element(inner) if inner is not None else None
    return None


def standard_call(known: Ty, name: str) -> Ty | None:
    """Return what a method of the standard library gives, for those that pass a type on."""
    outside = known.outside
    inner = _first(known)
    if outside in _WRAPPERS:
        if name in _UNWRAP:
            return inner
        return known if name in _SAME else None
    if outside in _SEQUENCES or outside in _SETS or outside == "Iterator":
        iterates = name in _ITERATE or (outside == "Iterator" and name in _STILL_ITERATES)
        if iterates:
            return Ty(outside="Iterator", arguments=(inner,))
        if name in _ELEMENT_OPTIONS:
            return Ty(outside="Option", arguments=(inner,))
        return known if name == "clone" else None
    if outside in _MAPS and len(known.arguments) > 1:
        value = known.arguments[1]
        if name in ("get", "get_mut", "remove"):
            return Ty(outside="Option", arguments=(value,))
        if name in ("values", "values_mut", "into_values"):
            return Ty(outside="Iterator", arguments=(value,))
        return None
    if outside in _LOCKS and name in ("lock", "read", "write"):
        return Ty(outside="LockResult", arguments=(inner,))
    if outside in ("RefCell", "Cell") and name in ("borrow", "borrow_mut", "get"):
        return inner
    return known if known.item is not None and name in _ALIKE - {"iter"} else None
