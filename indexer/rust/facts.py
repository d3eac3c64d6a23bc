"""The facts of one chunk: its symbols, imports, references and places to cut.

A chunk is parsed on its own, so its facts are a function of (kind, container, text): the
same text in another file, before or after another change, gives the same facts.
"""

import re
from collections.abc import Iterator

from tree_sitter import Node

from rsidx.indexer.rust.chunks import is_inner
from rsidx.indexer.rust.grammar import parse_tree, walk
from rsidx.indexer.rust.imports import flatten
from rsidx.indexer.rust.references import collect
from rsidx.store.facts import (
    CONTAINER_SEPARATOR,
    TEST_MARK,
    ChunkFacts,
    Import,
    Symbol,
    innermost,
)

_SYMBOL_KINDS = {
    "trait_item": "trait",
    "struct_item": "struct",
    "enum_item": "enum",
    "enum_variant": "variant",
    "union_item": "union",
    "function_item": "fn",
    "function_signature_item": "fn",
    "const_item": "const",
    "static_item": "static",
    "type_item": "type",
    "associated_type": "type",
    "macro_definition": "macro",
    "mod_item": "mod",
    "impl_item": "impl",
}
_IMPORTS = frozenset({"use_declaration", "extern_crate_declaration"})
_TRIVIA = frozenset({"line_comment", "block_comment", "attribute_item", "inner_attribute_item"})
_BREAKABLE = frozenset(
    {
        "source_file",
        "block",
        "match_block",
        "declaration_list",
        "field_declaration_list",
        "enum_variant_list",
        "array_expression",
        "token_tree",
        "arguments",
        "field_initializer_list",
        "use_list",
    }
)
_MIN_BYTES_FOR_BREAKS = 1000
_TEST_ATTRIBUTE = re.compile(r"(?:\w+::)*(?:test|bench|test_case|rstest|proptest)\b")
_CFG = re.compile(r"cfg\s*\((.*)\)\s*\Z", re.DOTALL)
_CFG_TEST = re.compile(r"(?:all\s*\(|any\s*\()?\s*test\b")
_CUTS = {"block", "field_declaration_list", "enum_variant_list", "declaration_list"}
_BLANKS = re.compile(r"\s+")


def extract(kind: str, container: str, text: bytes) -> ChunkFacts:
    """Return the facts of a chunk; never raises on bad Rust."""
    if kind.endswith("_footer") or kind in ("preamble", "trailer"):
        return ChunkFacts()
    source = text + b"}" if kind.endswith("_header") else text
    root = parse_tree(source).root_node
    symbols: list[Symbol] = []
    imports: list[Import] = []
    attributes: list[str] = []
    for node in root.children:
        if node.type == "attribute_item":
            attributes.append(_decode(source, node)[2:-1].strip())
        elif node.type not in _TRIVIA:
            item = _Item(source, container, attributes)
            symbols += item.symbols(node)
            imports += item.imports(node)
            attributes = []
    breaks = tuple(_breaks(root, text)) if len(text) > _MIN_BYTES_FOR_BREAKS else ()
    return ChunkFacts(tuple(symbols), tuple(imports), collect(root, source), breaks)


class _Item:
    """An item with the attributes in front of it."""

    def __init__(self, source: bytes, container: str, attributes: list[str]) -> None:
        self.source = source
        self.container = container
        cfgs = [match.group(1).strip() for a in attributes if (match := _CFG.match(a))]
        self.cfg = _BLANKS.sub(" ", ", ".join(cfgs))
        self.is_test = (
            TEST_MARK in container
            or any(_TEST_ATTRIBUTE.match(attribute) for attribute in attributes)
            or any(_CFG_TEST.match(cfg) for cfg in cfgs)
        )
        self.in_type = innermost(container).startswith(("impl ", "trait "))

    def symbols(self, node: Node) -> Iterator[Symbol]:
        kind = _SYMBOL_KINDS.get(node.type)
        if kind is not None:
            symbol = self._symbol(node, kind)
            if symbol is not None:
                yield symbol
        if kind == "enum":
            yield from self._variants(node)

    def _variants(self, node: Node) -> Iterator[Symbol]:
        body, name = node.child_by_field_name("body"), node.child_by_field_name("name")
        if body is None or name is None:
            return
        enum = _decode(self.source, name)
        inside = f"{self.container}{CONTAINER_SEPARATOR}{enum}" if self.container else enum
        for child in body.named_children:
            variant = child.child_by_field_name("name")
            if child.type == "enum_variant" and variant is not None:
                yield Symbol(
                    kind="variant",
                    name=_decode(self.source, variant),
                    container=inside,
                    visibility="",
                    is_test=self.is_test,
                    cfg=self.cfg,
                    start=child.start_byte,
                    end=child.end_byte,
                    signature_start=child.start_byte,
                    signature_end=child.end_byte,
                )

    def _symbol(self, node: Node, kind: str) -> Symbol | None:
        name_node = node.child_by_field_name("type" if kind == "impl" else "name")
        if name_node is None:
            return None
        name = _decode(self.source, name_node)
        trait = node.child_by_field_name("trait") if kind == "impl" else None
        return Symbol(
            kind="method" if kind == "fn" and self.in_type else kind,
            name=_self_type_name(name) if kind == "impl" else name,
            container=self.container,
            visibility=_visibility(node, self.source),
            is_test=self.is_test,
            cfg=self.cfg,
            start=node.start_byte,
            end=min(node.end_byte, len(self.source)),
            signature_start=node.start_byte,
            signature_end=_signature_end(node, self.source),
            trait=_BLANKS.sub(" ", _decode(self.source, trait)) if trait is not None else "",
        )

    def imports(self, node: Node) -> Iterator[Import]:
        """Yield the imports of a declaration, and those inside a function's body."""
        if node.type in _IMPORTS:
            uses = [node]
        elif b"use " in self.source[node.start_byte : node.end_byte]:
            uses = [found for found, _ in walk(node) if found.type in _IMPORTS]
        else:
            return
        for use in uses:
            visibility = _visibility(use, self.source)
            for path, alias in flatten(use, self.source):
                yield Import(path, alias, visibility, self.is_test, self.cfg)


def _decode(source: bytes, node: Node) -> str:
    return source[node.start_byte : node.end_byte].decode("utf-8", "replace")


def _visibility(node: Node, source: bytes) -> str:
    for child in node.children[:1]:
        if child.type == "visibility_modifier":
            return "".join(_decode(source, child).split())
    return ""


def _self_type_name(type_text: str) -> str:
    """Return the last segment of a self type's path, without references and generics."""
    name = type_text.removeprefix("&").removeprefix("mut ").removeprefix("dyn ")
    name = name.split("<", 1)[0].rstrip(":")
    return _BLANKS.sub(" ", name.rsplit("::", 1)[-1].strip()) or type_text


def _signature_end(node: Node, source: bytes) -> int:
    """Return where the signature ends: before the body or the value, white space trimmed."""
    end = node.end_byte
    for field in ("body", "value"):
        child = node.child_by_field_name(field)
        if child is not None and (field == "value" or child.type in _CUTS):
            end = child.start_byte
    signature = source[node.start_byte : end].rstrip()
    return node.start_byte + len(signature.removesuffix(b"=").rstrip())


def _breaks(root: Node, text: bytes) -> Iterator[tuple[int, int]]:
    """Yield the line starts at which a statement, arm, field, variant or argument begins.

    Comments in front of a statement go with it. Offsets ascend; the depth is that of the
    enclosing blocks, so that a cut at a smaller depth is the better one.
    """
    seen = 0
    stack: list[tuple[int, bool]] = []
    leading: int | None = None
    for node, depth in walk(root):
        del stack[depth:]
        inside = bool(stack) and stack[-1][1]
        blocks = stack[-1][0] if stack else 0
        if inside and node.is_named:
            line = text.rfind(b"\n", 0, node.start_byte) + 1
            starts_line = not text[line : node.start_byte].strip()
            if node.type in _TRIVIA and not is_inner(node, text):
                if starts_line and leading is None:
                    leading = line
            else:
                begin = leading if leading is not None else line
                leading = None
                if starts_line and seen < begin < len(text):
                    seen = begin
                    yield begin, blocks
        breakable = node.type in _BREAKABLE
        stack.append((blocks + breakable, breakable))
