"""Types in one canonical spelling, so that names can be resolved without the grammar.

References and lifetimes are gone, since methods are looked up through them. What is left:

    path              `a::B`, with arguments `B<C,D>`; primitives are paths, too
    impl A+B          `impl` and `dyn` alike
    (A,B) and [T]     tuples; arrays and slices
    ?                 anything else: pointers, functions, `!`, `_`, `<T as Trait>::Item`
"""

from collections.abc import Iterator

from tree_sitter import Node

UNKNOWN = "?"
_MAX_DEPTH = 8
_MAX_CHARS = 200
_BOUND_LISTS = frozenset({"trait_bounds", "where_clause", "type_parameters"})


def name_of(node: Node, text: bytes) -> str:
    """Return a path's text without blanks and generic arguments.

    Empty for a path that begins with a type in brackets.
    """
    raw = "".join(text[node.start_byte : node.end_byte].decode("utf-8", "replace").split())
    return without_generics(raw)


def without_generics(path: str) -> str:
    """Drop `<..>` from a path; empty for one that begins with it (`<T as Trait>::f`)."""
    if "<" not in path:
        return path
    if path.startswith("<"):
        return ""
    kept: list[str] = []
    depth = 0
    for index, char in enumerate(path):
        if char == "<":
            depth += 1
        elif char == ">" and path[index - 1] != "-":
            depth -= 1
        elif depth == 0:
            kept.append(char)
    return "".join(kept).replace("::::", "::").removesuffix("::")


def canonical(node: Node | None, text: bytes) -> str:
    """Return a type's canonical spelling, `UNKNOWN` for one that has none or is too long."""
    spelled = _spell(node, text, 0)
    return spelled if len(spelled) <= _MAX_CHARS else UNKNOWN


def _spell(node: Node | None, text: bytes, depth: int) -> str:
    # In a loop, for these count for no depth and nobody limits them.
    while node is not None and node.type in ("reference_type", "parenthesized_type"):
        if node.type == "reference_type":
            node = node.child_by_field_name("type")
        else:
            node = node.named_children[0] if node.named_children else None
    if node is None or depth > _MAX_DEPTH:
        return UNKNOWN
    match node.type:
        case "type_identifier" | "primitive_type" | "scoped_type_identifier" | "identifier":
            return name_of(node, text) or UNKNOWN
        case "scoped_identifier":
            return name_of(node, text) or UNKNOWN
        case "generic_type":
            return _generic(node, text, depth)
        case "array_type" | "slice_type":
            return f"[{_spell(node.child_by_field_name('element'), text, depth + 1)}]"
        case "tuple_type":
            parts = [_spell(child, text, depth + 1) for child in _types(node)]
            return f"({','.join(parts)})"
        case "dynamic_type" | "abstract_type":
            return _bounds(node.child_by_field_name("trait"), text, depth)
        case "bounded_type":
            return _bounds(node, text, depth)
        case _:
            return UNKNOWN


def _types(node: Node) -> Iterator[Node]:
    for child in node.named_children:
        if child.type not in ("lifetime", "line_comment", "block_comment", "attribute_item"):
            yield child


def _generic(node: Node, text: bytes, depth: int) -> str:
    head = _spell(node.child_by_field_name("type"), text, depth)
    arguments = node.child_by_field_name("type_arguments")
    if head == UNKNOWN or arguments is None:
        return head
    parts = [
        _spell(child, text, depth + 1)
        for child in _types(arguments)
        if child.type not in ("type_binding", "block")
    ]
    return f"{head}<{','.join(parts)}>" if parts else head


def _bounds(node: Node | None, text: bytes, depth: int) -> str:
    """Spell bounds as `impl A+B`; `?Sized` and lifetimes are no traits that have methods."""
    traits = [part for part in _bound_parts(node, text, depth) if part != UNKNOWN]
    return f"impl {'+'.join(traits)}" if traits else UNKNOWN


def _bound_parts(node: Node | None, text: bytes, depth: int) -> Iterator[str]:
    if node is None or depth > _MAX_DEPTH:
        return
    if node.type in ("bounded_type", "trait_bounds"):
        for child in _types(node):
            yield from _bound_parts(child, text, depth + 1)
    elif node.type == "higher_ranked_trait_bound":
        yield from _bound_parts(node.child_by_field_name("type"), text, depth + 1)
    elif node.type not in ("removed_trait_bound", "for_lifetimes"):
        spelled = _spell(node, text, depth)
        yield from spelled.removeprefix("impl ").split("+") if spelled != UNKNOWN else ()


def generics(node: Node, text: bytes) -> dict[str, str]:
    """Return the generic parameters that an item declares, each with its bounds.

    Bounds are spelled as a type is, `impl A+B`; `UNKNOWN` for a parameter that has none.
    """
    found: dict[str, list[str]] = {}
    parameters = node.child_by_field_name("type_parameters")
    for child in parameters.named_children if parameters else ():
        if child.type in ("type_parameter", "const_parameter"):
            name = child.child_by_field_name("name")
            if name is not None:
                bounds = child.child_by_field_name("bounds")
                found[name_of(name, text)] = list(_bound_parts(bounds, text, 0))
    for clause in node.children:
        if clause.type != "where_clause":
            continue
        for predicate in clause.named_children:
            left = predicate.child_by_field_name("left")
            name_text = name_of(left, text) if left is not None else ""
            bounds = predicate.child_by_field_name("bounds")
            found.setdefault(name_text, []).extend(_bound_parts(bounds, text, 0))
    return {
        name: f"impl {'+'.join(traits)}" if traits else UNKNOWN
        for name, traits in found.items()
        if name and "::" not in name
    }


def supertraits(node: Node, text: bytes) -> str:
    """Return what a trait is bounded by, as a type."""
    return _bounds(node.child_by_field_name("bounds"), text, 0)
