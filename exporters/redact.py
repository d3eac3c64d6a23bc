"""Redaction: an example's secrets are replaced by placeholders, in every text that it shows.

A placeholder becomes the tokenizer's own token for what it stands for (`<KEY>`, `<PASSWORD>`,
`<EMAIL>`), or its spelling where there is none. What is a secret is decided on whole files and on
the whole message: where a text is from says which of its bytes go, so a key that a part, an excerpt
or a window cuts goes, too. The same value elsewhere in the example has the same placeholder.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache

import re2

from rsidx.exporters.examples import Example, Source
from rsidx.exporters.secrets import Secret, secrets_in

_EMAIL = re2.compile(rb"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}\b")
_PEOPLE = re.compile(
    r"^(?:signed-off-by|co-authored-by|reviewed-by|acked-by|tested-by|reported-by|suggested-by"
    r"|helped-by|approved-by|cc|author)\s*+:.*\n?",
    re.IGNORECASE | re.MULTILINE,
)
_OF_WORD = re.compile(rb"\w")
_LINE_OF_KEY = re.compile(rb"[A-Za-z0-9_\-+/=]{16,}+")
_MIN_CHARS = 6
"""A shorter value is replaced where it is a secret, not wherever it occurs."""
_MAX_WORD_CHARS = 16
"""A value up to so long is replaced only where it is a word of its own."""
_BLOBS_KEPT = 1 << 15
_OPEN, _CLOSE = "\ue0fe", "\ue0ff"
_PLACEHOLDER = re.compile(f"{_OPEN}([A-Z]+){_CLOSE}")

Values = tuple[tuple[bytes, str], ...]
"""Values that must not be shown, each with what its placeholder is called, the longest first."""


def without_people(message: str) -> str:
    """Return a commit's message without those whom its trailers name."""
    return _PEOPLE.sub("", message).rstrip()


def has_placeholder(text: str) -> bool:
    """Tell whether a text has a placeholder, or code that looks like one."""
    return _OPEN in text


def whole_placeholders(text: str) -> str:
    """Return a text that was cut at its end without the beginning of a placeholder there."""
    at = text.rfind(_OPEN)
    return text[:at] if at > text.rfind(_CLOSE) else text


def split_placeholders(text: str) -> Iterator[tuple[str, bool]]:
    """Yield a text's pieces in order, and for each whether it is a placeholder's token."""
    for number, piece in enumerate(_PLACEHOLDER.split(text)):
        if number % 2:
            yield f"<{piece}>", True
        elif piece:
            yield piece, False


def without_secrets(text: str) -> str:
    """Return a text with its secrets cut out."""
    data = text.encode()
    return _PLACEHOLDER.sub("", _replaced(data, found)) if (found := secrets_in(data)) else text


class Redactor:
    """Replaces secrets; `blob_text` gives a blob's bytes by its id."""

    def __init__(self, blob_text: Callable[[int], bytes]) -> None:
        self._blob_text = blob_text
        self._in_blob = lru_cache(_BLOBS_KEPT)(self._found)

    def whole(self, example: Example) -> Example:
        """Return a whole edit's example, redacted, with the secrets of all that it may show.

        The message must be whole, too; it may be cut behind this.
        """
        message = example.message.encode()
        found = secrets_in(message)
        values = dict(values_of(message, found))
        for blob_id in sorted(example.blob_ids()):
            values |= dict(self._in_blob(blob_id)[1])
        found += tuple(
            Secret(match.start(), match.end(), "EMAIL") for match in _EMAIL.finditer(message)
        )
        if not values and not found:
            return example
        ordered = tuple(sorted(values.items(), key=lambda item: (-len(item[0]), item[0])))
        shown = _replaced(message, [*found, *occurrences(message, ordered)])
        whole = replace(example, secrets=ordered).map_context(self._cleaner(ordered))
        return _marked(replace(whole, message=shown))

    def part(self, example: Example) -> Example:
        """Return a part of a whole that is redacted with its own texts redacted, too."""
        if example.secrets:
            example = example.map_code(self._cleaner(example.secrets))
        return _marked(example)

    def _cleaner(self, values: Values) -> Callable[[str, Source | None], str]:
        def clean(text: str, source: Source | None) -> str:
            data = text.encode()
            found = [*self._cut(source), *occurrences(data, values)]
            return _replaced(data, found) if found else text

        return clean

    def cuts(self, blob_id: int, bounds: Sequence[int]) -> bool:
        """Tell whether one of some offsets in a blob is inside of a secret."""
        secrets, _ = self._in_blob(blob_id)
        return any(one.start < bound < one.end for one in secrets for bound in bounds)

    def _found(self, blob_id: int) -> tuple[tuple[Secret, ...], Values]:
        text = self._blob_text(blob_id)
        secrets = secrets_in(text)
        return secrets, tuple(values_of(text, secrets))

    def _cut(self, source: Source | None) -> Iterator[Secret]:
        """Yield what a text has of its blob's secrets, by offsets in the text."""
        if source is None or not (secrets := self._in_blob(source.blob_id)[0]):
            return
        offset = 0
        for first, last in source.ranges:
            begin = bisect_right(secrets, first, key=lambda one: one.end)
            for one in secrets[begin:]:
                if one.start >= last:
                    break
                start, end = max(one.start, first) - first, min(one.end, last) - first
                yield Secret(offset + start, offset + end, one.kind)
            is_ended = self._blob_text(source.blob_id)[last - 1 : last] == b"\n"
            offset += last - first + (not is_ended)


def values_of(text: bytes, secrets: Iterable[Secret]) -> Iterator[tuple[bytes, str]]:
    """Yield what may not be shown of a text's secrets: of one over several lines, each line."""
    for secret in secrets:
        value = text[secret.start : secret.end]
        pieces = [value] if b"PRIVATE KEY" not in value else _LINE_OF_KEY.findall(value)
        yield from ((piece, secret.kind) for piece in pieces)


def occurrences(text: bytes, values: Values) -> Iterator[Secret]:
    """Yield where a text has one of some values; a short one must be a word of its own."""
    for value, kind in values:
        at = text.find(value) if len(value) >= _MIN_CHARS else -1
        while at >= 0:
            end = at + len(value)
            around = text[max(0, at - 1) : at] + text[end : end + 1]
            if len(value) > _MAX_WORD_CHARS or not _OF_WORD.search(around):
                yield Secret(at, end, kind)
            at = text.find(value, end)


def is_only_secrets(part: Example) -> bool:
    """Tell whether what there is to learn from a redacted part is nothing but placeholders."""
    learned = "".join(text for text, has_loss in part.window if has_loss) or part.new
    if part.is_redacted and not part.window and part.around is None and part.old == part.new:
        return not part.edit.is_unchanged
    return has_placeholder(learned) and not _PLACEHOLDER.sub("", learned).strip()


def _marked(example: Example) -> Example:
    """Return an example that says whether it shows a placeholder."""
    shown: list[str] = []

    def look(text: str, _: Source | None) -> str:
        shown.append(text)
        return text

    example.map_context(look).map_code(look)
    return replace(example, is_redacted=any(map(has_placeholder, shown)))


def _replaced(text: bytes, secrets: Iterable[Secret]) -> str:
    """Return a text with placeholders; one stands for all that overlap or touch each other."""
    pieces: list[bytes] = []
    done = 0
    last = -1
    for one in sorted(secrets, key=lambda one: (one.start, -one.end)):
        if one.start > last:
            pieces += [text[done : one.start], f"{_OPEN}{one.kind}{_CLOSE}".encode()]
        last = done = max(done, one.end)
    return b"".join((*pieces, text[done:])).decode("utf-8")
