"""Proof that code is compiled at all: an attribute in front of it that no compiler knows.

Code behind a `cfg`, a feature or a target that is not built compiles whatever stands there. The
compiler resolves an attribute only after it has dropped such code, so an error that names the
attribute says that the code is compiled.
"""

import os

from tree_sitter import Node

from rsidx.indexer.rust.grammar import Syntax, parse_tree

ITEM = "rsidx_probe_of_the_item"
STATEMENT = "rsidx_probe_of_the_statement"
_NOT_ITEMS = frozenset({"line_comment", "block_comment", "inner_attribute_item", "shebang"})
_LISTS = frozenset(
    {
        "block",
        "declaration_list",
        "enum_variant_list",
        "field_declaration_list",
        "match_block",
        "source_file",
    }
)
"""Nodes whose children may have an attribute in front."""


def with_probes(source: bytes, start: int, end: int, old: bytes) -> tuple[bytes, tuple[str, ...]]:
    """Return a file with attributes in front of the code of a range, and their names.

    One stands before the first item of the range; where that first differs from `old` further
    inside, another stands before the statement, member, field or arm that does.
    """
    code = source[start:end]
    root = Syntax.of(code).tree.root_node
    item = _first_item(root)
    if item is None:
        # Nothing but comments and attributes of a module: one more of these.
        first = root.named_children[0] if root.named_children else None
        at = first.end_byte if first is not None and first.type == "shebang" else 0
        text = b"#![%s]\n" % ITEM.encode()
        return source[: start + at] + text + source[start + at :], (ITEM,)
    places = {item.start_byte: ITEM}
    inner = _around(root, _first_change(old, code))
    if inner is not None and inner.start_byte > item.start_byte:
        places[inner.start_byte] = STATEMENT
    for at, name in sorted(places.items(), reverse=True):
        code = code[:at] + b"#[%s] " % name.encode() + code[at:]
    return source[:start] + code + source[end:], tuple(places.values())


def with_probe_around(source: bytes, offset: int) -> tuple[bytes, tuple[str, ...]]:
    """Return a file with an attribute in front of the code that an offset is in, and its name.

    It stands before the innermost item, statement, member, field or arm: a hole may begin anywhere.
    """
    node = _around(parse_tree(source).tree.root_node, offset)
    at = node.start_byte if node is not None else offset
    return source[:at] + b"#[%s] " % ITEM.encode() + source[at:], (ITEM,)


def _first_item(root: Node) -> Node | None:
    return next((node for node in root.children if node.type not in _NOT_ITEMS), None)


def _first_change(old: bytes, new: bytes) -> int:
    """Return the offset of the first byte that differs and is no white space."""
    # Bytes are compared on purpose.
    same = len(os.path.commonprefix([old, new]))  # noqa: RUF071
    return same + len(new[same:]) - len(new[same:].lstrip())


def _around(root: Node, offset: int) -> Node | None:
    """Return the innermost node at an offset that may have an attribute in front."""
    node = root.descendant_for_byte_range(offset, offset)
    while node is not None and node.parent is not None:
        parent = node.parent
        if parent.type in _LISTS and node.is_named and node.type not in _NOT_ITEMS:
            return node
        node = parent
    return None
