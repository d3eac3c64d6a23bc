"""The paths and names that a chunk mentions, without those that it binds itself."""

from collections import Counter
from dataclasses import dataclass

from tree_sitter import Node

from rsidx.store.facts import Reference

_SKIPPED = frozenset(
    {
        "use_declaration",
        "extern_crate_declaration",
        "macro_definition",
        "attribute_item",
        "inner_attribute_item",
        "lifetime",
        "label",
        "visibility_modifier",
        "line_comment",
        "block_comment",
        "string_literal",
        "raw_string_literal",
    }
)
_DEFINING = frozenset(
    {
        "function_item",
        "function_signature_item",
        "struct_item",
        "enum_item",
        "enum_variant",
        "union_item",
        "trait_item",
        "const_item",
        "static_item",
        "type_item",
        "associated_type",
        "mod_item",
        "type_parameter",
        "const_parameter",
        "type_binding",
    }
)
_SCOPED = {"scoped_identifier": "value", "scoped_type_identifier": "type"}
_LEAVES = {
    "identifier": "value",
    "type_identifier": "type",
    "shorthand_field_identifier": "value",
}
_BINDABLE = frozenset({"value", "type"})
_OUT_OF_PATTERN = frozenset({"type", "condition", "type_arguments"})


@dataclass(slots=True)
class _Frame:
    """What a child must know of the node above it."""

    kind: str
    field: str | None
    in_pattern: bool
    in_path: bool
    on_self: bool = False


class _Collector:
    """Gathers counts and bound names; `result` leaves the bound names out.

    A lower-case name bound anywhere in the chunk is not a reference anywhere in it: an
    unresolved name is better than a wrong one.
    """

    def __init__(self, text: bytes) -> None:
        self.text = text
        self.found: Counter[tuple[str, str]] = Counter()
        self.bound: set[str] = set()

    def result(self) -> tuple[Reference, ...]:
        return tuple(
            Reference(kind, path, count)
            for (kind, path), count in sorted(self.found.items())
            if path and path != "Self" and not (kind in _BINDABLE and path in self.bound)
        )

    def enter(self, node: Node, field: str | None, above: _Frame) -> _Frame | None:
        """Record one node; return its frame to go below it, None to pass it over."""
        kind = node.type
        if kind in _SKIPPED:
            return None
        if kind in _LEAVES:
            self._leaf(node, kind, field, above)
            return None
        if kind == "field_identifier":
            self._member(node, above)
            return None
        if kind == "self" and above.kind == "field_expression" and field == "value":
            above.on_self = True
            return None
        if kind == "token_tree":
            self._token_tree(node)
            return None
        in_path = above.in_path and field != "type_arguments" and kind != "bracketed_type"
        if kind in _SCOPED:
            if not in_path:
                name = "macro" if above.kind == "macro_invocation" else _SCOPED[kind]
                self._path(node, name)
            in_path = True
        in_pattern = kind == "closure_parameters" or _in_pattern(field, above)
        return _Frame(kind, field, in_pattern, in_path)

    def _decode(self, node: Node) -> str:
        return self.text[node.start_byte : node.end_byte].decode("utf-8", "replace")

    def _leaf(self, node: Node, kind: str, field: str | None, above: _Frame) -> None:
        name = self._decode(node)
        if field == "name" and above.kind in _DEFINING:
            if above.kind != "type_binding":
                self.bound.add(name)
        elif above.in_path:
            return
        elif above.kind == "macro_invocation" and field == "macro":
            self.found["macro", name] += 1
        elif not name[:1].isupper() and _in_pattern(field, above):
            self.bound.add(name)
        else:
            self.found[_LEAVES[kind], name] += 1

    def _member(self, node: Node, above: _Frame) -> None:
        if above.kind != "field_expression":
            return
        if above.field == "function":
            self.found["self_method" if above.on_self else "method", self._decode(node)] += 1
        elif above.on_self:
            self.found["field", self._decode(node)] += 1

    def _path(self, node: Node, kind: str) -> None:
        path = _without_generics("".join(self._decode(node).split()))
        if path and not path.startswith("::<"):
            self.found[kind, path] += 1

    def _token_tree(self, root: Node) -> None:
        """Read a macro's bare tokens: paths, calls, and names that begin upper-case."""
        stack = [root]
        while stack:
            tokens = stack.pop().children
            index = 0
            while index < len(tokens):
                token = tokens[index]
                if token.type == "token_tree":
                    stack.append(token)
                elif token.type in ("identifier", "crate", "self", "super"):
                    index = self._token_path(tokens, index)
                    continue
                index += 1

    def _token_path(self, tokens: list[Node], first: int) -> int:
        """Record the path that starts at a token; return the index after it."""
        parts = [self._decode(tokens[first])]
        index = first + 1
        while (
            index + 1 < len(tokens)
            and tokens[index].type == "::"
            and tokens[index + 1].type in ("identifier", "self", "super", "crate")
        ):
            parts.append(self._decode(tokens[index + 1]))
            index += 2
        following = self._decode(tokens[index])[:1] if index < len(tokens) else ""
        preceding = tokens[first - 1].type if first else ""
        path = "::".join(parts)
        called = following == "("
        if preceding == ".":
            if called:
                on_self = first > 1 and tokens[first - 2].type == "self"
                self.found["self_method" if on_self else "method", path] += 1
        elif following == "!" and index + 1 < len(tokens):
            self.found["macro", path] += 1
        elif (
            len(parts) > 1
            or (path not in ("self", "crate", "super") and called)
            or path[:1].isupper()
        ):
            self.found["value", path] += 1
        return index


def _in_pattern(field: str | None, above: _Frame) -> bool:
    return field == "pattern" or (above.in_pattern and field not in _OUT_OF_PATTERN)


def _without_generics(path: str) -> str:
    """Drop `<..>` from a path; a path that begins with one (`<T as Trait>::f`) is dropped."""
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


def collect(root: Node, text: bytes) -> tuple[Reference, ...]:
    """Collect the references below `root`, each once with its count, in a fixed order."""
    collector = _Collector(text)
    cursor = root.walk()
    frames = [_Frame("source_file", None, in_pattern=False, in_path=False)]
    if not cursor.goto_first_child():
        return ()
    while True:
        node = cursor.node
        assert node is not None
        frame = collector.enter(node, cursor.field_name, frames[-1]) if node.is_named else None
        if frame is not None and cursor.goto_first_child():
            frames.append(frame)
            continue
        while not cursor.goto_next_sibling():
            frames.pop()
            if not frames or not cursor.goto_parent():
                return collector.result()
