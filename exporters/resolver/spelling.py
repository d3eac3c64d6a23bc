"""Reading types and expressions as the index spells them.

The spellings are those of `rsidx.indexer.rust.types` and `rsidx.indexer.rust.scope`.
"""

from dataclasses import dataclass
from functools import lru_cache

_TEXTS_KEPT = 8192
_OPENING, _CLOSING = "<([", ">)]"


@dataclass(frozen=True, slots=True)
class TypeText:
    """A type: `head` is a path, `impl` (arguments are the bounds), `(` or `[`."""

    head: str
    arguments: tuple["TypeText", ...] = ()

    @property
    def segments(self) -> list[str]:
        """The path's segments."""
        return self.head.split("::")


@lru_cache(_TEXTS_KEPT)
def read_type(text: str) -> TypeText:
    """Read a type; `?` is one with the head `?`."""
    if text.startswith("impl "):
        return TypeText("impl", tuple(read_type(p) for p in split(text[5:], "+")))
    if text[:1] in ("(", "["):
        inside = split(text[1:-1], ",") if text[1:-1] else []
        return TypeText(text[0], tuple(read_type(part) for part in inside))
    if text.endswith(">") and "<" in text:
        head, _, rest = text.partition("<")
        return TypeText(head, tuple(read_type(part) for part in split(rest[:-1], ",")))
    return TypeText(text)


@lru_cache(_TEXTS_KEPT)
def split(text: str, separator: str) -> tuple[str, ...]:
    """Split at a separator outside all brackets."""
    parts: list[str] = []
    depth = start = 0
    for index, char in enumerate(text):
        if char in _OPENING:
            depth += 1
        elif char in _CLOSING:
            depth -= 1
        elif char == separator and depth == 0:
            parts.append(text[start:index])
            start = index + 1
    parts.append(text[start:])
    return tuple(parts)


@lru_cache(4096)
def read_generics(text: str) -> dict[str, str]:
    """Read generic parameters with their bounds: `T=impl A+B;U=?`."""
    return dict(part.split("=", 1) for part in text.split(";")) if text else {}
