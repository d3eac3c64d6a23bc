"""Passwords in what is printed, logged and reported: the addresses of databases hold them."""

import re
from collections.abc import Iterable
from contextlib import suppress
from urllib.parse import quote

MASK = "***"
_MIN_CHARS = 4
"""A shorter password is hidden where it stands in an address: it may be part of any word."""
_WORD = re.compile(r"[^\s'\"<>]+")
# In an address's query, a connection string, or the spelling of a dictionary.
_ASSIGNED = re.compile(
    r"(pass(?:word|wd|phrase)?(?:[ ]?=[ ]?|[\"'][ ]?:[ ]?))('[^'\n]*'|\"[^\"\n]*\"|[^\s&,;)}'\"]+)",
    re.IGNORECASE,
)


def masked(text: str) -> str:
    """Return a text without the passwords of the addresses in it; takes linear time."""
    if "://" in text:
        text = _WORD.sub(lambda word: _without_password(word[0]), text)
    return _ASSIGNED.sub(lambda found: f"{found[1]}{MASK}", text)


def _without_password(word: str) -> str:
    """Mask what stands between the scheme and the last `@` of a word, all but a user's name."""
    scheme, separator, rest = word.partition("://")
    user, at, host = rest.rpartition("@")
    name, colon, _ = user.partition(":")
    # A token alone may stand in the address of a website; elsewhere it is a user's name.
    is_token = scheme.endswith(("http", "https")) and "/" not in user
    if not at or not (colon or is_token):
        return word
    return f"{scheme}{separator}{name if colon else ''}{colon}{MASK}@{host}"


def without(passwords: Iterable[str], text: str) -> str:
    """Return a text without these passwords, wherever they stand, and as `masked`."""
    for password in sorted(passwords, key=len, reverse=True):
        if len(password) >= _MIN_CHARS:
            # As it is, as an address spells it, and as Python prints it.
            for spelling in (password, quote(password, safe=""), repr(password)[1:-1]):
                text = text.replace(spelling, MASK)
    return masked(text)


def passwords_of(values: Iterable[str]) -> set[str]:
    """Return the passwords of the addresses among arguments, or variables."""
    # Loaded when there is something to hide, which is when the program has crashed.
    from rsidx.errors import IndexStoreError  # noqa: PLC0415
    from rsidx.store.database import passwords, resolve_url  # noqa: PLC0415

    found: set[str] = set()
    for value in values:
        for part in (value, value.partition("=")[2]):
            # What is no address has none; `masked` finds what looks like one.
            with suppress(IndexStoreError):
                found.update(passwords(resolve_url(part)) if "://" in part else ())
    return found
