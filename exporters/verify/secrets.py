"""Checking that no row shows a secret: of its blobs, whole or in pieces, or of its own text."""

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from rsidx.exporters.examples.redaction import split_placeholders, values_of
from rsidx.exporters.filters.secrets import KnownSecrets, secrets_in

_BLOBS_KEPT = 1 << 14
_SHOWN_CHARS = 4


class SecretCheck:
    """Looks for secrets in what rows show; `blob` gives a blob's bytes by its id."""

    def __init__(self, blob: Callable[[str], bytes | None]) -> None:
        self._blob = blob
        self._values_in = lru_cache(_BLOBS_KEPT)(self._values)

    def problems(self, meta: dict[str, Any], shown: str) -> Iterator[str]:
        """Yield the secrets that a row shows, each by its first characters."""
        text = "".join(piece for piece, _ in split_placeholders(shown)).encode()
        values: dict[bytes, str] = {}
        for oid in _blobs(meta):
            values |= self._values_in(oid)
        found = [*secrets_in(text), *KnownSecrets(values).occurrences(text)]
        for secret in dict.fromkeys(text[one.start : one.end] for one in found):
            begin = secret[:_SHOWN_CHARS].decode("utf-8", "replace")
            yield f"it shows a secret: {begin!r} and {len(secret) - _SHOWN_CHARS} more bytes"

    def _values(self, oid: str) -> dict[bytes, str]:
        content = self._blob(oid) or b""
        return values_of(content, secrets_in(content))


def _blobs(meta: dict[str, Any]) -> set[str]:
    """Return the blobs whose text a row shows."""
    places = [meta["old"], meta["new"], *meta["context"]]
    places += [one[side] for one in meta.get("earlier", ()) for side in ("old", "new")]
    return {place["blob"] for place in places if place is not None}
