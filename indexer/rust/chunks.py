"""Cutting a file into chunks: items, members of containers, containers' headers and footers.

A chunk begins where the one before it ends, so the blank lines, comments and attributes in
front of an item belong to it, and inserting an item leaves its neighbours as they were.
A semicolon behind an item, as the one of `foo!(…);` in an impl, belongs to that item.
Runs of `use` declarations are one chunk (a single `use` line is too little to learn from).
A macro call whose braces hold items, as in `cfg_rt! { .. }`, is a container like a module.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import accumulate

from tree_sitter import Node

from rsidx.indexer.rust.code_text import front_matter_end
from rsidx.indexer.rust.grammar import Syntax, parse_items_in, type_of
from rsidx.indexer.rust.hunks import Hunk
from rsidx.indexer.rust.model import Chunk
from rsidx.store.records import CONTAINER_SEPARATOR, TEST_MARK

_ITEM_KINDS = {
    "use_declaration": "imports",
    "extern_crate_declaration": "imports",
    "mod_item": "mod",
    "trait_item": "trait",
    "struct_item": "struct",
    "enum_item": "enum",
    "union_item": "union",
    "impl_item": "impl",
    "function_item": "fn",
    "function_signature_item": "fn",
    "const_item": "const",
    "static_item": "static",
    "type_item": "type",
    "associated_type": "type",
    "macro_definition": "macro",
    "macro_invocation": "macro_call",
    "foreign_mod_item": "extern",
    "ERROR": "error",
}
_CONTAINERS = frozenset({"mod", "trait", "impl", "extern"})
_TRIVIA = frozenset({"line_comment", "block_comment", "attribute_item"})
_SEMICOLON = "empty_statement"
_MAX_CONTAINER_DEPTH = 32
_REST_OF_LINE = re.compile(rb"[ \t]*(?://[^\n]*)?(?:\r?\n|\Z)")
_CFG_TEST = re.compile(rb"#\s*\[\s*cfg\s*\(\s*(?:test\b|all\s*\(\s*test\b|any\s*\(\s*test\b)")
_BLANKS = re.compile(r"\s+")


def cut(syntax: Syntax, source: bytes, earlier: "Earlier | None" = None) -> tuple[Chunk, ...]:
    """Cut a parsed file; the chunks, concatenated, are the source.

    The chunks of an earlier version that are still the same come back as the same objects.
    """
    # A brace that the grammar had to make up leaves a footer of no bytes.
    cutter = _Cutter(source, syntax.text, earlier)
    return tuple(chunk for chunk in cutter.file(syntax.tree.root_node) if chunk.text)


class Earlier:
    """The chunks of an earlier version that no hunk touches, by where they begin now.

    Both versions are without errors. So the same text, at a place where an item of the same
    container begins, is the same item. One in front of a change is not among them, as what
    follows may decide where it ends; nor is the last item of the file, which takes in what is
    behind it.
    """

    def __init__(self, chunks: Sequence[Chunk], hunks: Sequence[Hunk]) -> None:
        self._chunks = chunks
        self._at: dict[int, int] = {}
        ends = list(accumulate([len(chunk.text) for chunk in chunks], initial=0))
        hunks = [*hunks, Hunk(ends[-1], ends[-1], 0, 0)]
        if chunks[-1:] and chunks[-1].kind == "trailer":
            del ends[-1]
        following = shift = 0
        for index, (start, end) in enumerate(zip(ends, ends[2:], strict=False)):
            while hunks[following].old_end <= start:
                shift = hunks[following].new_end - hunks[following].old_end
                following += 1
            if end <= hunks[following].start:
                self._at[start + shift] = index

    def at(self, position: int, container: str, *, in_run: bool) -> Sequence[Chunk]:
        """Return the item that begins here, all chunks of a container; empty for none.

        `in_run` says that imports go before it, which further imports would join.
        """
        first = self._at.get(position)
        if first is None:
            return ()
        chunk = self._chunks[first]
        if chunk.container != container or chunk.kind == "preamble":
            return ()
        if in_run and chunk.kind == "imports":
            return ()
        end = first + 1
        if chunk.kind.endswith("_header"):
            for end in range(first + 1, len(self._chunks)):
                position += len(self._chunks[end - 1].text)
                if self._at.get(position) != end:
                    return ()
                if self._chunks[end].container == container:
                    break
            end += 1
        return self._chunks[first:end]


def is_inner(node: Node, source: bytes) -> bool:
    """Tell whether a node documents or configures what encloses it (`//!`, `#![..]`)."""
    if node.type in ("inner_attribute_item", "shebang"):
        return True
    return node.type in ("line_comment", "block_comment") and source.startswith(
        (b"//!", b"/*!"), node.start_byte
    )


def _closed(children: Sequence[Node]) -> list[tuple[Node, Node]]:
    """Return items, each with the last semicolon behind it, or else with itself.

    One that stands in front of all items goes with what follows, as a comment does.
    """
    found: list[tuple[Node, Node]] = []
    for child in children:
        if child.type == _SEMICOLON:
            if found:
                found[-1] = found[-1][0], child
        elif child.type not in _TRIVIA:
            found.append((child, child))
    return found


class _Cutter:
    """Walks containers; `self.position` is where the next chunk begins, and never goes back."""

    def __init__(self, source: bytes, parsed: bytes, earlier: Earlier | None) -> None:
        self.source = source
        self.parsed = parsed
        self.earlier = earlier
        self.position = 0

    def file(self, root: Node) -> Iterator[Chunk]:
        children = root.children
        inner_end = max(front_matter_end(self.source), self._inner_end(children))
        if inner_end:
            yield self._take("preamble", "", inner_end)
        held: Chunk | None = None
        for chunk in self._members(children, "", 0):
            if held is not None:
                yield held
            held = chunk
        rest = self.source[self.position :]
        if held is not None and not rest.strip():
            yield Chunk(held.kind, held.container, held.text + rest)
        else:
            if held is not None:
                yield held
            if rest:
                yield self._take("trailer", "", len(self.source))

    def _take(self, kind: str, container: str, end: int) -> Chunk:
        text = self.source[self.position : end]
        self.position = end
        return Chunk(kind, container, text)

    def _members(self, children: list[Node], container: str, depth: int) -> Iterator[Chunk]:
        run_start = -1
        for child, last in _closed(children):
            if child.end_byte <= self.position:
                continue
            if self.earlier is not None:
                same = self.earlier.at(self.position, container, in_run=run_start >= 0)
                if same:
                    if run_start >= 0:
                        yield Chunk("imports", container, self.source[run_start : self.position])
                        run_start = -1
                    yield from same
                    self.position += sum([len(chunk.text) for chunk in same])
                    continue
            kind = self._kind(child)
            if kind == "imports":
                run_start = self.position if run_start < 0 else run_start
                self.position = self._line_end(last)
                continue
            if run_start >= 0:
                yield Chunk("imports", container, self.source[run_start : self.position])
                run_start = -1
            inside = self._inside(child, kind, depth)
            if not inside:
                yield self._take(kind, container, self._line_end(last))
            else:
                yield from self._container(child, kind, inside, container, self._line_end(last))
        if run_start >= 0:
            yield Chunk("imports", container, self.source[run_start : self.position])

    def _kind(self, node: Node) -> str:
        if node.type == "expression_statement":
            inner = node.children
            return "macro_call" if inner and inner[0].type == "macro_invocation" else "other"
        return _ITEM_KINDS.get(type_of(node, self.source), "other")

    def _inside(self, node: Node, kind: str, depth: int) -> list[Node]:
        """Return what stands between a container's braces; empty if the item stays whole."""
        if depth >= _MAX_CONTAINER_DEPTH:
            return []
        if kind == "macro_call":
            call = node if node.type == "macro_invocation" else node.children[0]
            body = call.children[-1]
            return parse_items_in(body, self.parsed) if body.type == "token_tree" else []
        block = node.child_by_field_name("body") if kind in _CONTAINERS else None
        if block is None or block.child_count < 2:
            return []
        members = block.children[1:-1] if block.children[-1].type == "}" else block.children[1:]
        if all(not child.is_named for child, _ in _closed(members)):
            return []
        return members

    def _container(
        self, node: Node, kind: str, inside: list[Node], container: str, end: int
    ) -> Iterator[Chunk]:
        label = self._label(node, kind)
        within = container + CONTAINER_SEPARATOR + label if container else label
        opening = self.source.rfind(b"{", self.position, inside[0].start_byte) + 1
        header_end = max(self._inner_end(inside), self._line_end_at(opening))
        yield self._take(f"{kind}_header", container, header_end)
        yield from self._members(inside, within, within.count(CONTAINER_SEPARATOR) + 1)
        yield self._take(f"{kind}_footer", container, end)

    def _label(self, node: Node, kind: str) -> str:
        """Name a container: what its members are members of, white space folded."""

        def text(field: str) -> str:
            child = node.child_by_field_name(field)
            if child is None:
                return ""
            raw = self.source[child.start_byte : child.end_byte]
            return _BLANKS.sub(" ", raw.decode("utf-8", "replace"))

        leading = self.source[self.position : node.start_byte]
        mark = TEST_MARK if _CFG_TEST.search(leading) else ""
        if kind == "impl":
            trait = text("trait")
            return "impl " + (f"{trait} for " if trait else "") + text("type") + mark
        if kind == "extern":
            return "extern" + mark
        if kind == "macro_call":
            call = self.source[node.start_byte : node.end_byte].split(b"!", 1)[0]
            return f"macro {call.decode('utf-8', 'replace').strip()}{mark}"
        return f"{kind} {text('name')}{mark}"

    def _inner_end(self, children: list[Node]) -> int:
        """Return the end of the inner attributes and inner docs that open a container, or 0."""
        end = 0
        for child in children:
            if is_inner(child, self.source):
                end = self._line_end(child)
            elif child.type not in _TRIVIA:
                break
        return end

    def _line_end(self, node: Node) -> int:
        """Return the node's end, with the rest of its line if only a comment follows."""
        end = max(node.end_byte, self.position)
        if node.type == "line_comment" and self.source[end - 1 : end] == b"\n":
            return end
        return self._line_end_at(end)

    def _line_end_at(self, end: int) -> int:
        match = _REST_OF_LINE.match(self.source, end)
        return match.end() if match else end
