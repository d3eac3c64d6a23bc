"""Flattening `use` trees."""

from collections.abc import Iterator

from tree_sitter import Node


def flatten(node: Node, text: bytes) -> Iterator[tuple[str, str]]:
    """Yield (path, alias) for each leaf of a `use` or `extern crate` declaration.

    A glob's path ends in `*` and its alias is empty; `{self}` yields the prefix itself.
    """
    if node.type == "extern_crate_declaration":
        name, alias = node.child_by_field_name("name"), node.child_by_field_name("alias")
        if name is not None:
            path = _text(name, text)
            yield path, _text(alias, text) if alias else path
        return
    argument = node.child_by_field_name("argument")
    if argument is None:
        return
    # A stack instead of recursion: the nesting is the author's to choose.
    stack: list[tuple[Node, str]] = [(argument, "")]
    while stack:
        leaf, prefix = stack.pop()
        match leaf.type:
            case "use_list":
                stack.extend((child, prefix) for child in reversed(leaf.named_children))
            case "scoped_use_list":
                head, items = leaf.child_by_field_name("path"), leaf.child_by_field_name("list")
                inner = _join(prefix, _text(head, text) if head else "")
                if items is not None:
                    stack.append((items, inner if head or prefix else "::"))
            case "use_wildcard":
                names = leaf.named_children
                yield _join(_join(prefix, _text(names[0], text) if names else ""), "*"), ""
            case "use_as_clause":
                named, alias = leaf.child_by_field_name("path"), leaf.child_by_field_name("alias")
                if named is not None and alias is not None:
                    yield _leaf(prefix, _text(named, text))[0], _text(alias, text)
            case "self" | "identifier" | "scoped_identifier" | "crate" | "super":
                yield _leaf(prefix, _text(leaf, text))


def _leaf(prefix: str, name: str) -> tuple[str, str]:
    path = prefix if name == "self" and prefix else _join(prefix, name)
    return path, path.rsplit("::", 1)[-1]


def _join(prefix: str, name: str) -> str:
    if not prefix or not name:
        return prefix or name
    return f"{prefix}{name}" if prefix == "::" else f"{prefix}::{name}"


def _text(node: Node, text: bytes) -> str:
    raw = text[node.start_byte : node.end_byte].decode("utf-8", "replace")
    return "".join(raw.split())
