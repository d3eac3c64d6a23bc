"""tree-sitter and its Rust grammar: the only module that runs them; others read its trees.

Trees are walked with a cursor or a stack, never by recursion: queries overflow the C stack on
sources nested 200,000 deep, these do not.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import tree_sitter_rust
from tree_sitter import Language, Node, Parser, Range, Tree

from rsidx.indexer.rust.hunks import Hunk, hunks


@cache
def _language() -> Language:
    return Language(tree_sitter_rust.language())


@cache
def _parser() -> Parser:
    return Parser(_language())


@cache
def _inside_parser() -> Parser:
    """Return the parser whose ranges may be set."""
    return Parser(_language())


# Valid Rust that tree-sitter-rust 0.24 cannot parse. A substitution of the same length in the
# parse buffer, never in the stored text, gets round each; offsets stay as they are.
_FRONT_MATTER = re.compile(
    rb"\A(?:\xef\xbb\xbf)?(?:#![^\[\n][^\n]*\n)?\s*+(-{3,}+)[^\n]*+\n(?:.*?\n)?\1[ \t]*(?=\n|\Z)",
    re.DOTALL,
)
_PRIMITIVE_MACRO = re.compile(
    rb"\b(?:str|char|bool|[ui](?:8|16|32|64|128|size)|f32|f64|try|gen)(?=\s*!\s*[\[({])"
)
_BLANKED = re.compile(
    rb"""\bunsafe(?=\s+extern\s*(?:"[^"\n]*"\s*)?\{)  # unsafe extern "C" { .. }  (2024)
    |\bsafe(?=\s+(?:fn|static)\b)                      # safe fn                   (2024)
    |\bauto(?=\s+trait\b)                              # auto trait                (unstable)
    |\bconst(?=\s+(?:trait\b|[A-Z]\w*(?:<[^<>]*>)?\s+for\b)) # impl const Trait for .. (unstable)
    |\bgen(?=\s+[\w{])                                  # gen fn, gen { .. }        (unstable)
    |~                                                 # ~const Trait, a macro's own token
    """,
    re.VERBOSE,
)
_NOT_A_BREAK = re.compile(rb"[^\n]")
_LIFETIME_FIRST = re.compile(rb"\b(?:dyn|impl)\s+('\w+\s*\+)(?=\s*[\w:?])")


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


def _spaces(match: re.Match[bytes]) -> bytes:
    return _NOT_A_BREAK.sub(b" ", match.group())


def _masked(source: bytes) -> bytes:
    masked = _FRONT_MATTER.sub(_spaces, source)
    masked = _PRIMITIVE_MACRO.sub(lambda m: b"X" + m.group()[1:], masked)
    masked = _BLANKED.sub(_spaces, masked)
    return _LIFETIME_FIRST.sub(
        lambda m: m.group()[: m.start(1) - m.start()] + b" " * len(m.group(1)), masked
    )


def parse_tree(source: bytes) -> Tree:
    """Parse with the grammar's known failures worked around; never raises on bad Rust.

    The substitutions are tried only where the plain parse has an error, and kept only where
    they leave fewer bytes in error.
    """
    tree = _parser().parse(source)
    if not tree.root_node.has_error:
        return tree
    masked = _masked(source)
    if masked == source:
        return tree
    retried = _parser().parse(masked)
    if not retried.root_node.has_error or _error_bytes(retried) < _error_bytes(tree):
        return retried
    return tree


@dataclass(frozen=True, slots=True)
class Version:
    """A parsed version of a file, from which the next one can be parsed.

    `tree` is what `parse_tree` gives for `source`: the tree of the text as it is (`plain`), or
    of the text with substitutions (`masked`), or one of both made from scratch.
    """

    source: bytes
    tree: Tree
    plain: Tree
    masked: tuple[bytes, Tree] | None = None


def parse_version(source: bytes, before: Version | None) -> tuple[Version, Sequence[Hunk] | None]:
    """Parse a version of a file by what changed since the one before.

    Its tree is that of `parse_tree`: one that has errors depends on how it was come by, so it is
    made from scratch. The hunks are None where outside of them the syntax may differ, too.
    """
    if before is None:
        plain, found = _parser().parse(source), None
    else:
        found = hunks(before.source, source)
        plain = _reparse(before.source, before.plain, source, found)
    if not plain.root_node.has_error:
        # What was cut from a tree with errors is cut in another way from one without.
        is_alike = (
            before is not None
            and before.tree is before.plain
            and not before.plain.root_node.has_error
        )
        return Version(source, plain, plain), found if is_alike else None
    masked = _masked(source)
    if masked == source:
        return Version(source, parse_tree(source) if before else plain, plain), None
    if before is None or before.masked is None:
        retried, found = _parser().parse(masked), None
    else:
        old, old_tree = before.masked
        masked_hunks = hunks(old, masked)
        retried = _reparse(old, old_tree, masked, masked_hunks)
        # Where a substitution came or went, more than the substituted text differs.
        found = found if before.tree is old_tree and masked_hunks == found else None
    if retried.root_node.has_error:
        return Version(source, parse_tree(source), plain, (masked, retried)), None
    return Version(source, retried, plain, (masked, retried)), found


def _reparse(old: bytes, old_tree: Tree, new: bytes, found: Sequence[Hunk]) -> Tree:
    if not found:
        return old_tree
    edited = old_tree.copy()
    _edit(edited, found, old, new)
    return _parser().parse(new, edited)


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


def parse_items_in(body: Node, source: bytes) -> list[Node]:
    """Parse the inside of a macro call's `{..}` as items; empty where it is anything else.

    `body` is the call's token tree. The nodes returned keep their offsets in `source`.
    """
    tokens = body.children
    if not tokens or tokens[0].type != "{" or tokens[-1].type != "}":
        return []
    first, last = tokens[0], tokens[-1]
    inside = Range(first.end_point, last.start_point, first.end_byte, last.start_byte)
    parser = _inside_parser()
    parser.included_ranges = [inside]
    root = parser.parse(source).root_node
    items = root.named_children
    if root.has_error or not all(item.type in _MACRO_ITEMS for item in items):
        return []
    if not any(item.type in _MACRO_DEFINITIONS for item in items):
        return []
    return items


def _error_bytes(tree: Tree) -> int:
    """Count the bytes under ERROR nodes, a missing node as one."""
    return sum(max(1, end - start) for start, end in error_ranges(tree))


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
