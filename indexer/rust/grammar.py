"""tree-sitter and its Rust grammar: the only module that runs them; others read its trees.

Trees are walked with a cursor or a stack, never by recursion: queries overflow the C stack on
sources nested 200,000 deep, these do not.
"""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import tree_sitter_rust
from tree_sitter import Language, Node, Parser, Range, Tree

from rsidx.indexer.rust import gaps
from rsidx.indexer.rust.code_text import code_of, opened
from rsidx.indexer.rust.hunks import Hunk, hunks

_MAX_GUESSED_BYTES = 2_000_000


@cache
def _language() -> Language:
    return Language(tree_sitter_rust.language())


@dataclass(frozen=True, slots=True)
class _Parsers:
    """The parsers of a thread, since each is used by one at a time; ranges are set of `inside`."""

    whole: Parser
    inside: Parser


_of_thread = threading.local()


def _parsers() -> _Parsers:
    found: _Parsers | None = getattr(_of_thread, "parsers", None)
    if found is None:
        found = _of_thread.parsers = _Parsers(Parser(_language()), Parser(_language()))
    return found


_MACRO_DEFINITIONS = frozenset(
    {
        "use_declaration",
        "mod_item",
        "trait_item",
        "struct_item",
        "enum_item",
        "union_item",
        "impl_item",
        "function_item",
        "const_item",
        "static_item",
        "type_item",
        "macro_definition",
    }
)
_MACRO_ITEMS = _MACRO_DEFINITIONS | {
    "line_comment",
    "block_comment",
    "attribute_item",
    "macro_invocation",
}


@dataclass(frozen=True, slots=True)
class Syntax:
    """A syntax tree, and the text that it is of: the file's, with what the grammar lacks replaced.

    Both have the same length.
    """

    tree: Tree
    text: bytes

    @property
    def has_error(self) -> bool:
        """Whether something in the text could not be parsed."""
        return self.tree.root_node.has_error

    @classmethod
    def of(cls, text: bytes) -> "Syntax":
        """Parse a text as it is."""
        return cls(_parsers().whole.parse(text), text)


def parse_tree(source: bytes) -> Syntax:
    """Parse with the grammar's gaps worked around; never raises on bad Rust.

    Substitutions are tried only where the plain parse has an error, and kept only where they
    leave fewer bytes in error.
    """
    plain = Syntax.of(opened(source))
    if not plain.has_error:
        return plain
    masked = gaps.masked(plain.text)
    return _best(plain, Syntax.of(masked) if masked != plain.text else plain)


def _best(plain: Syntax, masked: Syntax) -> Syntax:
    """Return what parses best, of two syntaxes made from scratch or what is guessed from one."""
    if masked is plain or not masked.has_error:
        return _guessed(masked)
    return _guessed(masked if _error_bytes(masked) <= _error_bytes(plain) else plain)


def _guessed(best: Syntax) -> Syntax:
    """Return what a text parses to with more of it replaced, as far as that leaves fewer errors.

    Of a large text fewer guesses are tried, as errors make parsing slow.
    """
    if not best.has_error:
        return best
    n_bytes, code = _error_bytes(best), code_of(best.text)
    left = _MAX_GUESSED_BYTES
    for guess in gaps.GUESSES:
        text = gaps.guessed(guess, best.text, code, list(error_ranges(best.tree)))
        left -= len(best.text) if text is not None else 0
        if text is None or left < 0:
            continue
        retried = Syntax.of(text)
        if _error_bytes(retried) < n_bytes:
            best, n_bytes, code = retried, _error_bytes(retried), code_of(text)
        if not n_bytes:
            break
    return best


@dataclass(frozen=True, slots=True)
class Version:
    """A parsed version of a file, from which the next one can be parsed.

    `syntax` is what `parse_tree` gives for `source`: that of the text as it is (`plain`), or of
    the text with substitutions (`masked`), or one of both made from scratch.
    """

    source: bytes
    syntax: Syntax
    plain: Syntax
    masked: Syntax | None = None


def parse_version(source: bytes, before: Version | None) -> tuple[Version, Sequence[Hunk] | None]:
    """Parse a version of a file by what changed since the one before.

    Its syntax is that of `parse_tree`: a tree that has errors depends on how it was come by, so it
    is made from scratch. The hunks are None where outside of them the syntax may differ, too.
    """
    text = opened(source)
    if before is None or text != source or before.plain.text != before.source:
        before = None
        plain, found = Syntax.of(text), None
    else:
        found = hunks(before.source, source)
        plain = _reparse(before.plain, source, found)
    if not plain.has_error:
        # What was cut from a tree with errors is cut in another way from one without.
        is_alike = (
            before is not None and before.syntax is before.plain and not before.plain.has_error
        )
        return Version(source, plain, plain), found if is_alike else None
    masked = gaps.masked(text)
    if masked == text:
        best = _best(plain, plain) if before is None else parse_tree(source)
        return Version(source, best, plain), None
    if before is None or before.masked is None:
        retried, found = Syntax.of(masked), None
    else:
        masked_hunks = hunks(before.masked.text, masked)
        retried = _reparse(before.masked, masked, masked_hunks)
        # Where a substitution came or went, more than the substituted text differs.
        is_alike = before.syntax is before.masked and masked_hunks == found
        found = found if is_alike else None
    if retried.has_error:
        best = _best(plain, retried) if before is None else parse_tree(source)
        return Version(source, best, plain, retried), None
    return Version(source, retried, plain, retried), found


def _reparse(old: Syntax, new: bytes, found: Sequence[Hunk]) -> Syntax:
    if not found:
        return old
    edited = old.tree.copy()
    _edit(edited, found, old.text, new)
    return Syntax(_parsers().whole.parse(new, edited), new)


def _edit(tree: Tree, found: Sequence[Hunk], old: bytes, new: bytes) -> None:
    rows = []
    row = position = 0
    for hunk in found:
        row += old.count(b"\n", position, hunk.start)
        position = hunk.start
        rows.append(row)
    # The last one first: so the places of the others stay what they are in the old text.
    for hunk, row in zip(reversed(found), reversed(rows), strict=True):
        tree.edit(
            hunk.start,
            hunk.old_end,
            hunk.start + hunk.new_end - hunk.new_start,
            (row, 0),
            (row + old.count(b"\n", hunk.start, hunk.old_end), 0),
            (row + new.count(b"\n", hunk.new_start, hunk.new_end), 0),
        )


def type_of(node: Node, source: bytes) -> str:
    """Return a node's type; that of an item which was parsed as another one is its own."""
    parsed_as = node.type
    for keyword, written, is_a in gaps.PARSED_AS.get(parsed_as, ()):
        for child in node.children:
            if child.type == keyword and source.startswith(written, child.start_byte):
                return is_a
    return parsed_as


def parse_items_in(body: Node, source: bytes) -> list[Node]:
    """Parse the inside of a macro call's `{..}` as items; empty where it is anything else.

    `body` is the call's token tree. The nodes returned keep their offsets in `source`.
    """
    tokens = body.children
    if not tokens or tokens[0].type != "{" or tokens[-1].type != "}":
        return []
    first, last = tokens[0], tokens[-1]
    inside = Range(first.end_point, last.start_point, first.end_byte, last.start_byte)
    parser = _parsers().inside
    parser.included_ranges = [inside]
    root = parser.parse(source).root_node
    items = root.named_children
    if root.has_error or not all(item.type in _MACRO_ITEMS for item in items):
        return []
    if not any(item.type in _MACRO_DEFINITIONS for item in items):
        return []
    return items


def _error_bytes(syntax: Syntax) -> int:
    """Count the bytes under ERROR nodes, a missing node as one."""
    return sum(max(1, end - start) for start, end in error_ranges(syntax.tree))


def error_ranges(tree: Tree) -> Iterator[tuple[int, int]]:
    """Yield the bytes of each ERROR node, and of each node that is missing, in their order."""
    cursor = tree.walk()
    while True:
        node = cursor.node
        assert node is not None
        if node.is_error or node.is_missing:
            yield node.start_byte, node.end_byte
        elif node.has_error and cursor.goto_first_child():
            continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return
