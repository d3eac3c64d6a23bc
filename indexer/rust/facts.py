"""The facts of one chunk: its symbols, imports, references and places to cut.

A chunk is parsed on its own, so its facts are a function of (kind, container, text): the
same text in another file, before or after another change, gives the same facts.
"""

import re
from collections.abc import Iterator

from tree_sitter import Node

from rsidx.indexer.rust.chunks import is_inner
from rsidx.indexer.rust.grammar import parse_tree, type_of
from rsidx.indexer.rust.imports import flatten
from rsidx.indexer.rust.references import Seen, collect
from rsidx.indexer.rust.types import UNKNOWN, canonical, generics, supertraits
from rsidx.store.records import (
    CONTAINER_SEPARATOR,
    IN_STATEMENT,
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
_BLOCKS = frozenset(
    {
        "source_file",
        "block",
        "match_block",
        "declaration_list",
        "field_declaration_list",
        "enum_variant_list",
        "macro_definition",
    }
)
"""What holds statements, arms, members, or the rules of a macro."""
_LISTS = frozenset({"array_expression", "field_initializer_list", "use_list"})
"""Lists inside of a statement."""
_LINKS = frozenset({"field_expression", "await_expression"})
"""The links of a chain of calls; each has those in front of it as its first child."""
_NESTED = _BLOCKS | _LISTS | {"arguments", "token_tree"}
_GENERIC = frozenset({"struct", "enum", "union", "trait", "impl", "type"})
_MIN_BYTES_FOR_BREAKS = 200
_TEST_ATTRIBUTE = re.compile(r"(?:\w+::)*(?:test|bench|test_case|rstest|proptest)\b")
_CFG = re.compile(r"cfg\s*\((.*)\)\s*\Z", re.DOTALL)
_CFG_TEST = re.compile(r"(?:all\s*\(|any\s*\()?\s*test\b")
_CUTS = {"block", "field_declaration_list", "enum_variant_list", "declaration_list"}
_PATH = re.compile(r'path\s*=\s*"([^"]*)"')
_BLANKS = re.compile(r"\s+")
_FENCE = re.compile(rb"[ \t]*+(?:/[/*]++!?|\*)?[ \t]*+(?P<fence>`{3,}+|~{3,}+)(?P<rest>[^\n]*+)")
_USE = re.compile(rb"\b(?:use|crate)\s")


def extract(kind: str, container: str, text: bytes, seen: Seen | None = None) -> ChunkFacts:
    """Return the facts of a chunk; never raises on bad Rust.

    `seen` is told of each mention where it stands in the text.
    """
    is_short = len(text) <= _MIN_BYTES_FOR_BREAKS
    is_comment = kind in ("preamble", "trailer")
    if kind.endswith("_footer") or (is_comment and is_short):
        return ChunkFacts()
    source = text + b"}" if kind.endswith("_header") else text
    syntax = parse_tree(source)
    root = syntax.tree.root_node
    breaks = () if is_short else tuple(_breaks(root, text))
    if is_comment:
        return ChunkFacts(breaks=breaks)
    symbols: list[Symbol] = []
    imports: list[Import] = []
    attributes: list[str] = []
    for node in root.children:
        if node.type == "attribute_item":
            attributes.append(_decode(source, node)[2:-1].strip())
        elif node.type not in _TRIVIA:
            item = _Item(source, syntax.text, container, attributes)
            symbols += item.symbols(node)
            imports += item.imports(node)
            attributes = []
    return ChunkFacts(tuple(symbols), tuple(imports), collect(root, source, seen), breaks)


class _Item:
    """An item with the attributes in front of it."""

    def __init__(self, source: bytes, parsed: bytes, container: str, attributes: list[str]) -> None:
        self.source = source
        self.parsed = parsed
        self.container = container
        cfgs = [match.group(1).strip() for a in attributes if (match := _CFG.match(a))]
        self.cfg = _BLANKS.sub(" ", ", ".join(cfgs))
        paths = [match.group(1) for a in attributes if (match := _PATH.match(a))]
        self.path = paths[0] if paths else ""
        self.is_exported = any(a.startswith("macro_export") for a in attributes)
        self.is_test = (
            TEST_MARK in container
            or any(_TEST_ATTRIBUTE.match(attribute) for attribute in attributes)
            or any(_CFG_TEST.match(cfg) for cfg in cfgs)
        )
        self.in_type = innermost(container).startswith(("impl ", "trait "))

    def symbols(self, node: Node) -> Iterator[Symbol]:
        kind = _SYMBOL_KINDS.get(type_of(node, self.source))
        if kind is not None:
            symbol = self._symbol(node, kind)
            if symbol is not None:
                yield symbol
        if kind == "enum":
            yield from self._variants(node)
        elif kind in ("struct", "union"):
            name = node.child_by_field_name("name")
            yield from self._fields(node, self._inside(self.container, name))

    def _inside(self, container: str, name: Node | None) -> str:
        text = _decode(self.source, name) if name is not None else ""
        return f"{container}{CONTAINER_SEPARATOR}{text}" if container else text

    def _variants(self, node: Node) -> Iterator[Symbol]:
        body, name = node.child_by_field_name("body"), node.child_by_field_name("name")
        if body is None or name is None:
            return
        inside = self._inside(self.container, name)
        for child in body.named_children:
            variant = child.child_by_field_name("name")
            if child.type == "enum_variant" and variant is not None:
                yield self._member("variant", _decode(self.source, variant), inside, child)
                yield from self._fields(child, self._inside(inside, variant))

    def _fields(self, node: Node, inside: str) -> Iterator[Symbol]:
        """Yield the fields of a struct, a union or a variant; those of a tuple by number."""
        body = node.child_by_field_name("body")
        if body is None:
            return
        if body.type == "ordered_field_declaration_list":
            for number, child in enumerate(body.children_by_field_name("type")):
                yield self._member("field", str(number), inside, child, child)
            return
        for child in body.named_children:
            name = child.child_by_field_name("name")
            if child.type == "field_declaration" and name is not None:
                written = child.child_by_field_name("type")
                yield self._member("field", _decode(self.source, name), inside, child, written)

    def _member(
        self, kind: str, name: str, inside: str, node: Node, written: Node | None = None
    ) -> Symbol:
        return Symbol(
            kind=kind,
            name=name,
            container=inside,
            visibility=_visibility(node, self.source),
            is_test=self.is_test,
            cfg=self.cfg,
            start=node.start_byte,
            end=node.end_byte,
            signature_start=node.start_byte,
            signature_end=node.end_byte,
            type=_known(canonical(written, self.source)) if written is not None else "",
        )

    def _symbol(self, node: Node, kind: str) -> Symbol | None:
        name_node = node.child_by_field_name("type" if kind == "impl" else "name")
        if name_node is None:
            return None
        name = _decode(self.source, name_node)
        trait = node.child_by_field_name("trait") if kind == "impl" else None
        start = self._start(node)
        return Symbol(
            kind="method" if kind == "fn" and self.in_type else kind,
            name=_self_type_name(name) if kind == "impl" else name,
            container=self.container,
            visibility="pub" if self.is_exported else _visibility(node, self.source),
            is_test=self.is_test,
            cfg=self.cfg,
            start=start,
            end=min(node.end_byte, len(self.source)),
            signature_start=start,
            signature_end=_signature_end(node, self.source),
            trait=_BLANKS.sub(" ", _decode(self.source, trait)) if trait is not None else "",
            type=self._type(node, kind),
            generics=";".join(f"{k}={v}" for k, v in generics(node, self.source).items())
            if kind in _GENERIC
            else "",
        )

    def _start(self, node: Node) -> int:
        """Return where an item begins, with keywords in front that the parser did not see."""
        start = node.start_byte
        if self.parsed is self.source:
            return start
        before = len(self.parsed[:start].rstrip())
        written = self.source[before:start]
        return start - len(written.lstrip()) if written.strip() else start

    def _type(self, node: Node, kind: str) -> str:
        """Return the type that goes with a symbol, as `rsidx.store.records.Symbol` says."""
        if kind == "mod":
            return self.path
        if kind == "trait":
            return _known(supertraits(node, self.source))
        if kind != "fn":
            return _known(canonical(node.child_by_field_name("type"), self.source))
        returned = node.child_by_field_name("return_type")
        spelled = _known(canonical(returned, self.source)) if returned is not None else ""
        is_async = any(
            child.type == "function_modifiers" and b"async" in self._slice(child).split()
            for child in node.children[:3]
        )
        return f"async {spelled}" if is_async and spelled else spelled

    def _slice(self, node: Node) -> bytes:
        return self.source[node.start_byte : node.end_byte]

    def imports(self, node: Node) -> Iterator[Import]:
        """Yield the imports of a declaration, and those inside a function's body."""
        for use in self._uses(node):
            visibility = _visibility(use, self.source)
            for path, alias in flatten(use, self.source):
                yield Import(path, alias, visibility, self.is_test, self.cfg)

    def _uses(self, node: Node) -> Iterator[Node]:
        stack = [node]
        while stack:
            inner = stack.pop()
            if inner.type in _IMPORTS:
                yield inner
            elif _USE.search(self.source, inner.start_byte, inner.end_byte):
                stack += reversed(inner.named_children)


def _known(spelled: str) -> str:
    return "" if spelled == UNKNOWN else spelled


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
    """Yield the line starts at which a statement, an arm, a member or an element of a list begins.

    Comments in front of a statement go with it. Offsets ascend; the depth is that of the
    enclosing blocks, so that a cut at a smaller depth is the better one. Where the elements of a
    list inside of a statement begin, the links of a chain of calls, or the paragraphs of a comment,
    it is more by `IN_STATEMENT`.
    """
    seen = 0
    leading: int | None = None
    comment = _Comment()
    # Nodes still to visit, the next one last, with the depth of blocks, and what cuts in the node
    # that they are in add to it; None where it must not be cut.
    stack: list[tuple[Node, int, int | None]] = [(root, 0, None)]
    while stack:
        node, blocks, added = stack.pop()
        kind, start = node.type, node.start_byte
        if added is not None:
            line = text.rfind(b"\n", 0, start) + 1
            starts_line = not text[line:start].strip()
            goes_on = comment.take_in(node, text, line if starts_line else None)
            if kind in _TRIVIA and not is_inner(node, text):
                if starts_line and leading is None:
                    leading = line
            elif not goes_on:
                begin = leading if leading is not None else line
                leading = None
                if starts_line and seen < begin < len(text):
                    seen = begin
                    yield begin, blocks + added
            if leading is None:
                for paragraph in comment.paragraphs():
                    if seen < paragraph < len(text):
                        seen = paragraph
                        yield paragraph, blocks + IN_STATEMENT
        # What stands on one line has no line start in it.
        if text.find(b"\n", start, node.end_byte) >= 0:
            below = blocks + (kind in _NESTED)
            inside = 0 if kind in _BLOCKS else IN_STATEMENT if kind in _LISTS else None
            if kind in _LINKS:
                first, *link = node.children
                stack += [(child, below, IN_STATEMENT) for child in reversed(link)]
                stack.append((first, below, None))
            else:
                stack += [(child, below, inside) for child in reversed(node.named_children)]


class _Comment:
    """The comment that a walk is in: lines that follow each other, or a block.

    An example between fences is no place for a paragraph to begin; `_fence` is the one that is
    open, empty for none.
    """

    def __init__(self) -> None:
        self._end = -1
        self._is_blank = False
        self._fence = b""
        self._paragraphs: list[int] = []

    def take_in(self, node: Node, text: bytes, line: int | None) -> bool:
        """Go on to a node; tell whether it is part of the same comment as the one before.

        `line` is where its line begins, None if the node does not begin it.
        """
        if node.type not in ("line_comment", "block_comment"):
            self._end = -1
            return False
        content = text[node.start_byte : node.end_byte]
        goes_on = line is not None and self._end >= 0 and not text[self._end : line].strip()
        if not goes_on:
            self._fence = b""
        if goes_on and line is not None and self._is_blank and not self._fence:
            self._paragraphs.append(line)
        if node.type == "block_comment":
            self._take_in_block(content, node.start_byte)
        else:
            self._take_in_line(content)
        self._is_blank = not content.strip(b"/! \t\r\n")
        self._end = node.end_byte
        return goes_on

    def _take_in_block(self, content: bytes, start: int) -> None:
        at = 0
        is_blank = False
        for text_line in content.splitlines(keepends=True):
            is_empty = not text_line.strip(b"*/ \t\r\n")
            if is_blank and not is_empty and not self._fence:
                self._paragraphs.append(start + at)
            is_blank = is_empty and at > 0
            self._take_in_line(text_line)
            at += len(text_line)

    def _take_in_line(self, text_line: bytes) -> None:
        """Open or close a fence where a line of a comment is one."""
        fence = _FENCE.match(text_line)
        if fence is None:
            return
        if not self._fence:
            self._fence = fence["fence"]
        elif fence["fence"].startswith(self._fence) and not fence["rest"].strip():
            self._fence = b""

    def paragraphs(self) -> list[int]:
        """Return where paragraphs begin that were not returned before, but for the first."""
        found, self._paragraphs = self._paragraphs, []
        return found
