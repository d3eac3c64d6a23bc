"""What a macro's bare tokens mention, which are no tree of Rust: paths, calls and names."""

from collections.abc import Iterator

from tree_sitter import Node

from rsidx.indexer.rust.scope import SELF, Scope
from rsidx.indexer.rust.types import UNKNOWN

_Mention = tuple[str, str, int, int]
"""Kind, path, and the byte range of the path or the member's name."""
_KEYWORDS = frozenset({"self", "Self", "crate", "super"})
_HEADS = frozenset({"identifier", "crate", "self", "super"})


def mentions_among_tokens(root: Node, text: bytes, scope: Scope) -> Iterator[_Mention]:
    """Yield the paths, calls and names in a token tree that are not bound where it stands."""
    stack = [root]
    while stack:
        tokens = stack.pop().children
        index = 0
        while index < len(tokens):
            token = tokens[index]
            if token.type == "token_tree":
                stack.append(token)
            elif token.type in _HEADS:
                path = _Path(tokens, index, text)
                index = path.end
                if (mention := path.mention(scope)) is not None:
                    yield mention
                continue
            index += 1


class _Path:
    """A path that starts at a token, and ends in front of the token `end`."""

    def __init__(self, tokens: list[Node], first: int, text: bytes) -> None:
        self._tokens = tokens
        self._first = first
        self._text = text
        parts = [self._decode(first)]
        index = first + 1
        while (
            index + 1 < len(tokens)
            and tokens[index].type == "::"
            and tokens[index + 1].type in _HEADS
        ):
            parts.append(self._decode(index + 1))
            index += 2
        self._parts = parts
        self.end = index

    def mention(self, scope: Scope) -> _Mention | None:
        """Return what the path mentions by what stands around it."""
        tokens, first, end = self._tokens, self._first, self.end
        last = tokens[end - 1]
        path = "::".join(self._parts)
        following = self._decode(end)[:1] if end < len(tokens) else ""
        if first and tokens[first - 1].type == ".":
            if following != "(" or len(self._parts) > 1:
                return None
            return "method", f"{self._owner(scope)}.{path}", last.start_byte, last.end_byte
        if following == "!" and end + 1 < len(tokens) and tokens[end + 1].type != "=":
            return "macro", path, tokens[first].start_byte, last.end_byte
        is_telling = len(self._parts) > 1 or following == "(" or path[:1].isupper()
        if is_telling and path not in _KEYWORDS and not scope.binds(self._parts[0]):
            return "token", path, tokens[first].start_byte, last.end_byte
        return None

    def _decode(self, index: int) -> str:
        node = self._tokens[index]
        return self._text[node.start_byte : node.end_byte].decode("utf-8", "replace")

    def _owner(self, scope: Scope) -> str:
        """Spell the receiver of a call, where that is a name or `self`."""
        tokens, member = self._tokens, self._first
        if member < 2 or (member > 2 and tokens[member - 3].type in (".", "::")):
            return UNKNOWN
        owner = tokens[member - 2]
        if owner.type == "self":
            return SELF
        if owner.type != "identifier":
            return UNKNOWN
        return scope.value(self._decode(member - 2)) or UNKNOWN
