"""Code with a known fault in it, in the place of a commit's own: what the gate must refuse."""

from collections.abc import Iterator

from tree_sitter import Node

from rsidx.indexer.rust.grammar import Syntax

FAULTS = {
    "syntax": (b"let = ;", "syntax"),
    "imports": (b"use crate::rsidx_no_such_module::Thing as _;", "names"),
    "names": (b"let _ = rsidx_no_such_name;", "names"),
    "members": (b"let _ = 1u8.rsidx_no_such_method();", "members"),
    "types": (b'let _: u8 = "rsidx";', "types"),
    "traits": (
        b"{ struct RsidxThing; fn rsidx_needs<T: Clone>(_: T) {} rsidx_needs(RsidxThing); }",
        "traits",
    ),
    "borrows": (
        b"{ let mut rsidx = 0u8; let a = &mut rsidx; let b = &mut rsidx; *a = 1; *b = 2; }",
        "borrows",
    ),
}
"""What is planted in front of a function's first statement, and the class of the error."""


def with_fault(code: bytes, name: str) -> bytes | None:
    """Return a function with a fault; None where the code is no function with a body."""
    body = _body(code)
    if body is None:
        return None
    at = body.start_byte + 1
    for child in body.children[1:]:
        # An attribute of the function itself stays in front.
        if child.type == "inner_attribute_item":
            at = child.end_byte
        elif child.type not in ("line_comment", "block_comment"):
            break
    return code[:at] + b" " + FAULTS[name][0] + code[at:]


def with_other_body(code: bytes, others: Iterator[bytes]) -> bytes | None:
    """Return a function with another body, the first of some functions' that differs; else None."""
    body = _body(code)
    if body is None:
        return None
    own = code[body.start_byte : body.end_byte]
    for other in others:
        found = _body(other)
        if found is not None:
            text = other[found.start_byte : found.end_byte]
            if text != own and found.named_child_count:
                return code[: body.start_byte] + text + code[body.end_byte :]
    return None


def _body(code: bytes) -> Node | None:
    """Return the body of the one function that a piece of code is."""
    root = Syntax.of(code).tree.root_node
    if root.has_error:
        return None
    functions = [node for node in root.children if node.type == "function_item"]
    others = {"line_comment", "block_comment", "attribute_item", "function_item"}
    if len(functions) != 1 or any(node.type not in others for node in root.children):
        return None
    return functions[0].child_by_field_name("body")
