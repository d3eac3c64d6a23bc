"""The paths and names that a chunk mentions, without those that it binds itself."""

from collections.abc import Callable

from tree_sitter import Node

from rsidx.indexer.rust.scope import Scope, hop
from rsidx.indexer.rust.token_trees import mentions_among_tokens
from rsidx.indexer.rust.types import UNKNOWN, generics, name_of
from rsidx.store.records import Reference

Seen = Callable[[str, str, int, int], None]
"""Told of every mention: kind, path, and the byte range of the path or the member's name."""

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
        "integer_literal",
        "field_identifier",
        "primitive_type",
        "self",
        "crate",
        "super",
        "mutable_specifier",
    }
)
_ITEMS = frozenset(
    {
        "function_item",
        "function_signature_item",
        "struct_item",
        "enum_item",
        "union_item",
        "trait_item",
        "const_item",
        "static_item",
        "type_item",
        "associated_type",
        "mod_item",
        "impl_item",
    }
)
_SCOPES = frozenset(
    {
        "block",
        "if_expression",
        "while_expression",
        "for_expression",
        "match_arm",
        "closure_expression",
    }
)
_PATTERNED = frozenset(
    {"parameter", "let_declaration", "let_condition", "for_expression", "match_arm"}
)
"""Nodes whose field `pattern` binds."""
_FIELD = dict.fromkeys(
    _ITEMS | {"enum_variant", "type_parameter", "const_parameter", "type_binding"}, "name"
)
"""The field of a node whose child means something else there than elsewhere."""
_FIELD |= dict.fromkeys(_PATTERNED, "pattern")
_FIELD |= {
    "match_pattern": "condition",
    "macro_invocation": "macro",
    "struct_expression": "name",
    "call_expression": "function",
    "generic_function": "function",
}
_NAMED = frozenset(kind for kind, field in _FIELD.items() if field == "name") - {
    "struct_expression"
}
_TELLING = frozenset(_FIELD) | _SCOPES | {"closure_parameters", "match_expression", "match_block"}
"""Nodes that what is below them must know of; all others share one frame."""
_SCOPED = {"scoped_identifier": "value", "scoped_type_identifier": "type"}
_FIELD_NAMES = frozenset({"field_identifier", "identifier", "shorthand_field_identifier"})
_CALLS = frozenset({"call_expression", "generic_function"})
_COMMENTS = frozenset({"line_comment", "block_comment"})
_MAX_PATTERN_NODES = 1000
_UNWRAPPING = frozenset({"Some", "Ok"})


class _Frame:
    """What a node's children must know of it.

    `child` is the id of the child in the field that `_FIELD` names. `after` runs, and what was
    bound since `mark` is undone, when the last of the children is done.
    """

    __slots__ = ("after", "child", "kind", "mark", "on_path", "scrutinee")

    def __init__(self, kind: str, node: Node | None = None) -> None:
        self.kind = kind
        self.child = -1
        self.mark: int | None = None
        self.after: Callable[[], None] | None = None
        self.on_path = False
        self.scrutinee = UNKNOWN
        if node is not None and kind in _FIELD:
            child = node.child_by_field_name(_FIELD[kind])
            self.child = child.id if child is not None else -1


_PLAIN = _Frame("")
_ON_PATH = _Frame("")
_ON_PATH.on_path = True


class _Collector:
    """Walks a chunk once, with the names that are bound at each point."""

    def __init__(self, text: bytes, seen: Seen | None) -> None:
        self.text = text
        self.scope = Scope(text)
        self.found: set[tuple[str, str]] = set()
        self.local_items: set[str] = set()
        self.seen = seen
        self.n_blocks = 0

    def result(self) -> tuple[Reference, ...]:
        """Return what was found; an item of a function's body is no reference of the chunk."""
        return tuple(
            Reference(kind, path)
            for kind, path in sorted(self.found)
            if path.split("::", 1)[0] not in self.local_items
        )

    def _add(self, kind: str, path: str, node: Node) -> None:
        self.found.add((kind, path))
        if self.seen is not None:
            self.seen(kind, path, node.start_byte, node.end_byte)

    def _decode(self, node: Node) -> str:
        return self.text[node.start_byte : node.end_byte].decode("utf-8", "replace")

    def enter(self, node: Node, above: _Frame) -> _Frame | None:
        """Record one node; return the frame of those below it, None to pass them over."""
        kind = node.type
        if kind in _SKIPPED:
            return None
        if kind in ("identifier", "type_identifier"):
            self._leaf(node, kind, above)
            return None
        if above.kind:
            if above.kind in _PATTERNED and node.id == above.child:
                return self._pattern_of_arm(node, above) if kind == "match_pattern" else None
            if above.kind == "closure_parameters" and kind != "parameter":
                self._bind(node, UNKNOWN)
                return None
            if above.kind == "match_pattern" and node.id != above.child:
                return None
        if kind in _SCOPED:
            return self._scoped(node, kind, above)
        if kind == "token_tree":
            self._token_tree(node)
            return None
        if kind == "field_expression":
            called = above.kind in _CALLS and node.id == above.child
            self._member(node, "method" if called else "field")
        return self._frame(node, kind, above) if kind in _TELLING else _PLAIN

    def _frame(self, node: Node, kind: str, above: _Frame) -> _Frame:
        frame = _Frame(kind, node)
        if kind in _SCOPES:
            frame.mark = self.scope.enter()
            self.n_blocks += kind == "block"
        if kind in ("match_block", "match_arm"):
            frame.scrutinee = above.scrutinee
        elif kind in _ITEMS:
            self._item(node, kind, frame)
        elif kind == "parameter":
            written = node.child_by_field_name("type")
            self._bind(node.child_by_field_name("pattern"), self.scope.typed(written))
        elif kind in ("let_declaration", "let_condition"):
            frame.after = self._after_let(node)
        elif kind == "for_expression":
            value = self.scope.expression(node.child_by_field_name("value"))
            self._bind(node.child_by_field_name("pattern"), hop(value, "[]"))
        elif kind == "match_expression":
            frame.scrutinee = self.scope.expression(node.child_by_field_name("value"))
        elif kind == "struct_expression":
            self._struct_literal(node)
        return frame

    def leave(self, frame: _Frame) -> None:
        """Undo what a frame began."""
        if frame.kind == "block":
            self.n_blocks -= 1
        if frame.after is not None:
            frame.after()
        if frame.mark is not None:
            self.scope.leave(frame.mark)

    def _item(self, node: Node, kind: str, frame: _Frame) -> None:
        name = node.child_by_field_name("name")
        if name is not None and self.n_blocks:
            self.local_items.add(self._decode(name))
        if kind != "mod_item":
            frame.mark = self.scope.enter()
            self.scope.declare(generics(node, self.text))

    def _after_let(self, node: Node) -> Callable[[], None]:
        pattern = node.child_by_field_name("pattern")
        written = node.child_by_field_name("type")
        if written is not None:
            expression = self.scope.typed(written)
        else:
            expression = self.scope.expression(node.child_by_field_name("value"))
        return lambda: self._bind(pattern, expression)

    def _pattern_of_arm(self, node: Node, arm: _Frame) -> _Frame:
        """Bind a match arm's pattern; its guard is still to be walked."""
        inside = node.named_children
        self._bind(inside[0] if inside else None, arm.scrutinee)
        return _Frame("match_pattern", node)

    def _leaf(self, node: Node, kind: str, above: _Frame) -> None:
        if above.on_path:
            return
        owner = above.kind
        is_child = bool(owner) and node.id == above.child
        if is_child and (owner in _PATTERNED or owner in _NAMED):
            return  # Bound where its owner says, or no reference.
        if owner == "closure_parameters":
            self._bind(node, UNKNOWN)
            return
        if owner == "match_pattern" and not is_child:
            return
        name = self._decode(node)
        if kind == "type_identifier":
            if name not in ("Self", "_") and self.scope.bounds(name) is None:
                self._add("type", name, node)
        elif is_child and owner == "macro_invocation":
            self._add("macro", name, node)
        elif is_child and owner == "struct_expression":
            self._add("type", name, node)
        elif name != "Self" and not self.scope.binds(name):
            self._add("value", name, node)

    def _scoped(self, node: Node, kind: str, above: _Frame) -> _Frame | None:
        if not above.on_path:
            in_macro = above.kind == "macro_invocation" and node.id == above.child
            self._path(node, "macro" if in_macro else _SCOPED[kind])
            if self.text.find(b"<", node.start_byte, node.end_byte) < 0:
                return None
        return _ON_PATH

    def _path(self, node: Node, kind: str) -> None:
        path = name_of(node, self.text)
        head, _, rest = path.partition("::")
        if not path:
            self._associated(node)
        elif head and (bounds := self.scope.bounds(head)) is not None:
            if bounds != UNKNOWN and rest and "::" not in rest:
                self._add("method", f"<{bounds}>.{rest}", node)
        else:
            self._add(kind, path, node)

    def _associated(self, node: Node) -> None:
        """Record `<T as Trait>::name` and `<T>::name` as a member of the trait or type."""
        head, name = node.child_by_field_name("path"), node.child_by_field_name("name")
        if head is None or name is None or head.type != "bracketed_type":
            return
        inside = head.named_children[0] if head.named_children else None
        if inside is not None and inside.type == "qualified_type":
            inside = inside.child_by_field_name("alias")
        owner = self.scope.typed(inside)
        if owner != UNKNOWN:
            self._add("method", f"{owner}.{self._decode(name)}", name)

    def _member(self, node: Node, kind: str) -> None:
        field = node.child_by_field_name("field")
        if field is None or field.type != "field_identifier":
            return
        owner = self.scope.expression(node.child_by_field_name("value"))
        self._add(kind, f"{owner}.{self._decode(field)}", field)

    def _struct_literal(self, node: Node) -> None:
        """Record the fields that a struct literal sets."""
        named = _without_arguments(node.child_by_field_name("name"))
        path = name_of(named, self.text) if named is not None else ""
        body = node.child_by_field_name("body")
        for initializer in body.named_children if body is not None else ():
            if initializer.type == "field_initializer":
                self._field_of(path, initializer.child_by_field_name("field"))
            elif initializer.type == "shorthand_field_initializer":
                self._field_of(path, initializer.named_children[-1])

    def _field_of(self, path: str, name: Node | None) -> None:
        """Record a field that a literal or pattern of a struct names.

        Not those of an enum's variant, which is shown whole, and not the numbers of a tuple.
        """
        if path and name is not None and name.type in _FIELD_NAMES and not _is_variant(path):
            self._add("field", f"<{path}>.{self._decode(name)}", name)

    def _bind(self, pattern: Node | None, expression: str) -> None:
        """Bind a pattern's names, and record the types and constants that it names."""
        stack = [(pattern, expression)]
        n_nodes = 0
        while stack and n_nodes < _MAX_PATTERN_NODES:
            node, known = stack.pop()
            n_nodes += 1
            if node is None:
                continue
            kind = node.type
            if kind in ("identifier", "shorthand_field_identifier"):
                self._bind_name(node, known)
            elif kind == "scoped_identifier":
                self._path(node, "value")
            elif kind == "tuple_struct_pattern":
                stack += self._tuple_struct(node, known)
            elif kind == "struct_pattern":
                stack += self._struct(node)
            elif kind == "tuple_pattern":
                stack += _numbered(node.named_children, known)
            elif kind == "slice_pattern":
                stack += [(child, hop(known, "[]")) for child in node.named_children]
            elif kind not in _SKIPPED:
                stack += [(child, known) for child in node.named_children]

    def _bind_name(self, node: Node, expression: str) -> None:
        name = self._decode(node)
        if name[:1].isupper():
            self._add("value", name, node)
        else:
            self.scope.bind(name, expression)

    def _pattern_type(self, node: Node, kind: str) -> str:
        named = node.child_by_field_name("type")
        named = _without_arguments(named)
        if named is None:
            return ""
        path = name_of(named, self.text)
        if (path and not path.startswith("Self::") and path != "Self") or "::" in path:
            self._add(kind, path, named)
        return path

    def _tuple_struct(self, node: Node, known: str) -> list[tuple[Node | None, str]]:
        path = self._pattern_type(node, "value")
        inside = [child for child in node.named_children[1:] if child.type not in _COMMENTS]
        if path == "Err":
            return [(child, hop(known, "!")) for child in inside]
        if path in _UNWRAPPING:
            return [(child, hop(known, "?")) for child in inside]
        return _numbered(inside, f"<{path}>" if path else UNKNOWN)

    def _struct(self, node: Node) -> list[tuple[Node | None, str]]:
        path = self._pattern_type(node, "type")
        owner = f"<{path}>" if path else UNKNOWN
        fields: list[tuple[Node | None, str]] = []
        for child in node.named_children:
            name = child.child_by_field_name("name") if child.type == "field_pattern" else None
            if name is not None:
                self._field_of(path, name)
                inner = child.child_by_field_name("pattern") or name
                fields.append((inner, hop(owner, self._decode(name))))
        return fields

    def _token_tree(self, root: Node) -> None:
        for kind, path, start, end in mentions_among_tokens(root, self.text, self.scope):
            self.found.add((kind, path))
            if self.seen is not None:
                self.seen(kind, path, start, end)


def _without_arguments(named: Node | None) -> Node | None:
    """Return the name of a type that is written with generic arguments."""
    if named is not None and named.type in ("generic_type", "generic_type_with_turbofish"):
        return named.child_by_field_name("type") or named
    return named


def _is_variant(path: str) -> bool:
    """Tell by its case whether a path goes through an enum."""
    return any(segment[:1].isupper() for segment in path.split("::")[:-1])


def _numbered(patterns: list[Node], owner: str) -> list[tuple[Node | None, str]]:
    """Pair the patterns of a tuple with its fields; what follows a `..` has no known number."""
    pairs: list[tuple[Node | None, str]] = []
    for index, pattern in enumerate(patterns):
        if pattern.type == "remaining_field_pattern":
            owner = UNKNOWN
        pairs.append((pattern, hop(owner, str(index))))
    return pairs


def collect(root: Node, text: bytes, seen: Seen | None = None) -> tuple[Reference, ...]:
    """Collect the references below `root`, each once, in a fixed order."""
    collector = _Collector(text, seen)
    # Nodes still to visit, the next one last, each with its parent's frame. A frame without a
    # node is done.
    stack: list[tuple[Node | None, _Frame]] = [
        (child, _PLAIN) for child in reversed(root.named_children)
    ]
    while stack:
        node, above = stack.pop()
        if node is None:
            collector.leave(above)
            continue
        frame = collector.enter(node, above)
        if frame is None:
            continue
        if frame.after is not None or frame.mark is not None:
            stack.append((None, frame))
        stack += [(child, frame) for child in reversed(node.named_children)]
    return collector.result()
