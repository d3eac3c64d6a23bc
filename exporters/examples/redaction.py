"""Redaction: placeholders replace an example's secrets in every text that it shows.

A placeholder becomes the tokenizer's own token for that kind of secret (`<KEY>`, `<PASSWORD>`,
`<EMAIL>`), or its spelling if the tokenizer has none. Secrets are looked for in whole files and in
the whole message; each text knows the bytes of the file that it shows, so a key that a part, an
excerpt or a window cuts is replaced, too. The same value has the same placeholder throughout the
example.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import chain

import re2

from rsidx.exporters.examples.draft import Draft, MapText, Source
from rsidx.exporters.examples.example import Example
from rsidx.exporters.filters.secrets import KnownSecrets, Secret, secrets_in

_EMAIL = re2.compile(rb"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}\b")
_PEOPLE = re.compile(
    r"^(?:(?:[a-z]{1,20}-){1,4}by|cc|author|committer)[ \t]*+:.*+"
    r"(?:\n(?:author|commit)?date:.*+)?\n?",
    re.IGNORECASE | re.MULTILINE,
)
_LINE_OF_KEY = re.compile(rb"[A-Za-z0-9_\-+/=]{16,}+")
_BLOBS_KEPT = 1 << 15
_OPEN, _CLOSE = "\ue0fe", "\ue0ff"
EMAIL = f"{_OPEN}EMAIL{_CLOSE}"
"""The placeholder of an address."""
_PLACEHOLDER = re.compile(f"{_OPEN}([A-Z]+){_CLOSE}")


def without_people(message: str) -> str:
    """Return a commit's message without the trailers that name people."""
    return _PEOPLE.sub("", message).rstrip()


def has_placeholder(text: str) -> bool:
    """Tell whether a text has a placeholder, or characters that look like one."""
    return _OPEN in text


def whole_placeholders(text: str) -> str:
    """Return a text without the beginning of a placeholder that a cut left at its end."""
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


def redacted(text: str, known: KnownSecrets | None = None) -> str:
    """Return a text with its secrets replaced, as a person reads it: `<KEY>`, `<PASSWORD>`.

    `known` are those of the texts that it shows pieces of: see `known_secrets`.
    """
    data = text.encode("utf-8", "surrogateescape")
    found = [*secrets_in(data), *(known.occurrences(data) if known is not None else ())]
    return spelled(_replaced(data, found)) if found else text


def known_secrets(texts: Iterable[str]) -> KnownSecrets:
    """Return the secrets of whole texts, to be found in pieces of them, as a diff shows them."""
    data = [text.encode("utf-8", "surrogateescape") for text in texts]
    values = (values_of(one, secrets_in(one)) for one in data)
    return KnownSecrets(_united(pair for its_values in values for pair in its_values.items()))


def redacted_message(message: str) -> str:
    """Return a commit's message without the people, the addresses and the secrets that it names."""
    text = without_people(message)
    data = text.encode()
    found = [*secrets_in(data), *_emails(data)]
    return spelled(_replaced(data, found)) if found else text


def spelled(text: str) -> str:
    """Return a text with its placeholders as a person reads them."""
    return "".join(piece for piece, _ in split_placeholders(text))


def _emails(message: bytes) -> list[Secret]:
    return [Secret(m.start(), m.end(), "EMAIL") for m in _EMAIL.finditer(message)]


class Redactor:
    """Replaces secrets; `blob_text` gives a blob's bytes by its id."""

    def __init__(self, blob_text: Callable[[int], bytes]) -> None:
        self._blob_text = blob_text
        self._in_blob = lru_cache(_BLOBS_KEPT)(self._found)

    def draft(self, draft: Draft) -> Draft:
        """Return a draft, redacted, with the secrets that its examples may not show.

        Its message must not be cut yet.
        """
        message = draft.message.encode()
        found = secrets_in(message)
        in_blobs = (self._in_blob(blob_id)[1] for blob_id in draft.blob_ids())
        in_texts = chain([values_of(message, found)], in_blobs)
        values = _united(pair for its_values in in_texts for pair in its_values.items())
        emails = _emails(message)
        if not values and not emails:
            return draft
        secrets = KnownSecrets(values)
        redacted = _replaced(message, [*found, *emails, *secrets.occurrences(message)])
        draft = replace(draft, secrets=secrets).map_texts(self._cleaner(secrets))
        return replace(draft, message=redacted)

    def example(self, example: Example) -> Example:
        """Return an example of a redacted draft with its code redacted, and marked if any is."""
        secrets = example.draft.secrets
        if secrets is not None:
            example = example.map_code(self._cleaner(secrets))
        return replace(example, is_redacted=_has_placeholder(example))

    def _cleaner(self, secrets: KnownSecrets) -> MapText:
        def clean(text: str, source: Source | None) -> str:
            data = text.encode()
            found = [*self._shown_of(data, source), *secrets.occurrences(data)]
            return _replaced(data, found) if found else text

        return clean

    def excerpt(self, text: str, source: Source) -> str:
        """Return a text of a blob with the blob's secrets replaced, as a person reads it."""
        _, values = self._in_blob(source.blob_id)
        return spelled(self._cleaner(KnownSecrets(values))(text, source))

    def cuts(self, blob_id: int, bounds: Sequence[int]) -> bool:
        """Tell whether any of some offsets in a blob is inside a secret."""
        secrets, _ = self._in_blob(blob_id)
        return any(secret.start < bound < secret.end for secret in secrets for bound in bounds)

    def _found(self, blob_id: int) -> tuple[tuple[Secret, ...], dict[bytes, str]]:
        text = self._blob_text(blob_id)
        secrets = secrets_in(text)
        return secrets, values_of(text, secrets)

    def _shown_of(self, text: bytes, source: Source | None) -> Iterator[Secret]:
        """Yield the parts of its blob's secrets that a text shows, as offsets in the text."""
        if source is None or not (secrets := self._in_blob(source.blob_id)[0]):
            return
        offset = 0
        for first, last in source.ranges:
            begin = bisect_right(secrets, first, key=lambda secret: secret.end)
            for secret in secrets[begin:]:
                if secret.start >= last:
                    break
                start, end = max(secret.start, first) - first, min(secret.end, last) - first
                yield Secret(offset + start, offset + end, secret.kind)
            end_of_range = offset + last - first
            is_ended = text.endswith(b"\n", offset, end_of_range)
            offset = end_of_range + (not is_ended)


def values_of(text: bytes, secrets: Iterable[Secret]) -> dict[bytes, str]:
    """Return the values of a text's secrets with their kinds; of a private key, each line."""
    pairs = []
    for secret in secrets:
        value = text[secret.start : secret.end]
        pieces = [value] if b"PRIVATE KEY" not in value else _LINE_OF_KEY.findall(value)
        pairs += [(piece, secret.kind) for piece in pieces]
    return _united(pairs)


def _united(pairs: Iterable[tuple[bytes, str]]) -> dict[bytes, str]:
    """Return each value's kind: where files differ on it, the same one in every index."""
    kinds: dict[bytes, str] = {}
    for value, kind in pairs:
        kinds[value] = min(kind, kinds.get(value, kind))
    return kinds


def is_only_secrets(example: Example) -> bool:
    """Tell whether a redacted example has nothing to learn but placeholders."""
    if example.is_redacted and not example.code.is_changed:
        return not example.draft.edit.is_no_op
    target = example.code.target
    return has_placeholder(target) and not _PLACEHOLDER.sub("", target).strip()


def _has_placeholder(example: Example) -> bool:
    texts: list[str] = []

    def look(text: str, _: Source | None) -> str:
        texts.append(text)
        return text

    example.draft.map_texts(look)
    example.map_code(look)
    return any(map(has_placeholder, texts))


def _replaced(text: bytes, secrets: Iterable[Secret]) -> str:
    """Return a text with placeholders: one for secrets that overlap or touch each other."""
    pieces: list[bytes] = []
    done = 0
    last = -1
    for one in sorted(secrets, key=lambda one: (one.start, -one.end)):
        if one.start > last:
            pieces += [text[done : one.start], f"{_OPEN}{one.kind}{_CLOSE}".encode()]
        last = done = max(done, one.end)
    return b"".join((*pieces, text[done:])).decode("utf-8")
