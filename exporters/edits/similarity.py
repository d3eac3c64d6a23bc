"""How alike two pieces of code are."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

from rsidx.exporters.edits.tokens import joined_lines

_BLANKS = b" \t\n\r\f\v"
_OPTIONAL_COMMA = re.compile(rb",(?=[)\]}>])|(?<=\}),")
"""One before a bracket closes, or behind a block, as of an arm of a match."""
_WORD = re.compile(rb"\w+")
_ANY_NAME = b"_"
_MIN_SHARE = 0.15
MIN_SIMILARITY = 0.5
"""Code that is more alike may be the same."""
_T = TypeVar("_T")


def same_tokens(old: bytes, new: bytes) -> bool:
    """Tell whether two texts differ in white space and optional commas alone."""
    return strip_insignificant(old) == strip_insignificant(new)


def strip_insignificant(text: bytes) -> bytes:
    """Return a text without white space, where strings go on, and commas that rustfmt drops."""
    return _OPTIONAL_COMMA.sub(b"", joined_lines(text).translate(None, _BLANKS))


def words(text: bytes) -> list[re.Match[bytes]]:
    """Return a text's words with their places."""
    return list(_WORD.finditer(text))


@dataclass(frozen=True, slots=True)
class Profile:
    """What code is compared by: its lines, and its words in pairs.

    Among the words, its own name counts as any other name would, so that a renamed item is like
    what it was.
    """

    lines: Counter[bytes]
    pairs: Counter[tuple[bytes, bytes]]

    @classmethod
    def of(cls, text: bytes, names: Iterable[str] = ()) -> "Profile":
        """Return the profile of code that defines some names."""
        own = {name.encode() for name in names}
        words = (_ANY_NAME if word in own else word for word in _WORD.findall(text))
        lines = Counter(line for line in map(bytes.strip, text.splitlines()) if line)
        return cls(lines, Counter(pairwise(words)))

    def similarity(self, other: "Profile") -> float:
        """Return twice what is common over all, of lines or of words, from 0 to 1."""
        return max(_shared(self.lines, other.lines), _shared(self.pairs, other.pairs))


def _shared(one: Counter[_T], other: Counter[_T]) -> float:
    n_one, n_other = one.total(), other.total()
    total = n_one + n_other
    # Too different in length to have much in common, as most that are compared are.
    if not total or min(n_one, n_other) < _MIN_SHARE * total:
        return 0.0
    return 2 * (one & other).total() / total
