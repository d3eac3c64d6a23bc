"""Secrets in code, context and messages: found by detect-secrets, replaced by placeholders.

A placeholder becomes the tokenizer's own token for what it stands for (`<KEY>`, `<PASSWORD>`,
`<EMAIL>`), or its spelling where there is none. The same value has the same placeholder wherever
an example shows it.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache

from detect_secrets.plugins.artifactory import ArtifactoryDetector
from detect_secrets.plugins.aws import AWSKeyDetector
from detect_secrets.plugins.azure_storage_key import AzureStorageKeyDetector
from detect_secrets.plugins.base import RegexBasedDetector
from detect_secrets.plugins.basic_auth import BasicAuthDetector
from detect_secrets.plugins.cloudant import CloudantDetector
from detect_secrets.plugins.discord import DiscordBotTokenDetector
from detect_secrets.plugins.github_token import GitHubTokenDetector
from detect_secrets.plugins.gitlab_token import GitLabTokenDetector
from detect_secrets.plugins.ibm_cloud_iam import IbmCloudIamDetector
from detect_secrets.plugins.ibm_cos_hmac import IbmCosHmacDetector
from detect_secrets.plugins.jwt import JwtTokenDetector
from detect_secrets.plugins.mailchimp import MailchimpDetector
from detect_secrets.plugins.npm import NpmDetector
from detect_secrets.plugins.openai import OpenAIDetector
from detect_secrets.plugins.pypi_token import PypiTokenDetector
from detect_secrets.plugins.sendgrid import SendGridDetector
from detect_secrets.plugins.slack import SlackDetector
from detect_secrets.plugins.softlayer import SoftlayerDetector
from detect_secrets.plugins.square_oauth import SquareOAuthDetector
from detect_secrets.plugins.stripe import StripeDetector
from detect_secrets.plugins.telegram_token import TelegramBotTokenDetector
from detect_secrets.plugins.twilio import TwilioKeyDetector

from rsidx.exporters.examples import Example

_PASSWORDS = BasicAuthDetector()
_ARTIFACTORY = ArtifactoryDetector()
_DETECTORS: tuple[RegexBasedDetector, ...] = (
    AWSKeyDetector(),
    AzureStorageKeyDetector(),
    DiscordBotTokenDetector(),
    GitHubTokenDetector(),
    GitLabTokenDetector(),
    JwtTokenDetector(),
    MailchimpDetector(),
    NpmDetector(),
    OpenAIDetector(),
    PypiTokenDetector(),
    SendGridDetector(),
    SlackDetector(),
    SquareOAuthDetector(),
    StripeDetector(),
    TelegramBotTokenDetector(),
    TwilioKeyDetector(),
)
_SLOW_DETECTORS: tuple[RegexBasedDetector, ...] = (
    CloudantDetector(),
    IbmCloudIamDetector(),
    IbmCosHmacDetector(),
    SoftlayerDetector(),
)
# What these find has a run of so many characters, which most code has not.
_RUN = re.compile(r"[A-Za-z0-9_\-/+=.]{20}")
_LONG_RUN = re.compile(r"[A-Za-z0-9_\-]{24}")
# The library's own detector finds a private key's first line alone.
_PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----"
    r"(?:.*?-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|[^\"]*)",
    re.DOTALL,
)
_EMAIL = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}\b")
_PEOPLE = re.compile(
    r"^(?:signed-off-by|co-authored-by|reviewed-by|acked-by|tested-by|reported-by|suggested-by"
    r"|helped-by|approved-by|cc|author)\s*:.*\n?",
    re.IGNORECASE | re.MULTILINE,
)
_REST = re.compile(r"[A-Za-z0-9_\-+/=]*")
"""What follows a match without a break belongs to the secret; some patterns end early."""
_MIN_CHARS = 3
_MOST_SECRET_BYTES = 8192
_TEXTS_KEPT = 1 << 12
_OPEN, _CLOSE = "\ue0fe", "\ue0ff"
_PLACEHOLDER = re.compile(f"{_OPEN}([A-Z]+){_CLOSE}")


def without_people(message: str) -> str:
    """Return a commit's message without those whom its trailers name."""
    return _PEOPLE.sub("", message).rstrip()


@lru_cache(_TEXTS_KEPT)
def secrets_in(text: str) -> tuple[tuple[str, str], ...]:
    """Return the secrets in a text, each with what its placeholder is called."""
    return tuple(dict.fromkeys(_found(text)))


def cuts_secret(file: bytes, bounds: Sequence[int]) -> bool:
    """Tell whether a secret in a file goes across one of some offsets, which ascend.

    Neither side of such a cut has all of it, so neither would be redacted.
    """
    first = max(0, bounds[0] - _MOST_SECRET_BYTES)
    # One character a byte: what makes a secret is ASCII.
    text = file[first : bounds[-1] + _MOST_SECRET_BYTES].decode("latin-1")
    for value in {value for value, _ in _found(text)}:
        at = text.find(value)
        while at >= 0:
            start, end = first + at, first + at + len(value)
            if any(start < bound < end for bound in bounds):
                return True
            at = text.find(value, at + 1)
    return False


def _found(text: str) -> Iterator[tuple[str, str]]:
    for match in _PRIVATE_KEY.finditer(text):
        yield match.group(), "KEY"
    for detector in _detectors_for(text):
        is_password = detector is _PASSWORDS
        for pattern in detector.denylist:
            for match in pattern.finditer(text):
                start, end = match.span(1) if is_password else _span(match)
                end = _REST.match(text, end).end()  # type: ignore[union-attr]
                value = text[start:end].strip(" \t\n\"'")
                if len(value) >= _MIN_CHARS:
                    yield value, "PASSWORD" if is_password else "KEY"


def _detectors_for(text: str) -> Iterator[RegexBasedDetector]:
    """Yield the detectors that could find something in a text."""
    if "://" in text:
        yield _PASSWORDS
    if "AKC" in text or "AP" in text:
        yield _ARTIFACTORY
    if _RUN.search(text):
        yield from _DETECTORS
    if _LONG_RUN.search(text):
        yield from _SLOW_DETECTORS


def _span(match: re.Match[str]) -> tuple[int, int]:
    """Return where the secret of a match is: the group that is most of it, else all of it.

    Some of the library's patterns have a group for the secret, others for its prefix alone.
    """
    spans = [match.span(number) for number in range(1, match.re.groups + 1)]
    start, end = max(spans, key=lambda span: span[1] - span[0], default=match.span())
    return (start, end) if 2 * (end - start) >= len(match.group()) else match.span()


def has_placeholder(text: str) -> bool:
    """Tell whether a text has a placeholder, or code that looks like one."""
    return _OPEN in text


def split_placeholders(text: str) -> Iterator[tuple[str, bool]]:
    """Yield a text's pieces in order, and for each whether it is a placeholder's token."""
    for number, piece in enumerate(_PLACEHOLDER.split(text)):
        if number % 2:
            yield f"<{piece}>", True
        elif piece:
            yield piece, False


def redact(whole: Example, parts: list[Example], sides: Iterable[str]) -> list[Example]:
    """Return the parts of an edit with all secrets replaced that the edit shows anywhere.

    `sides` are its whole old and new code, and `whole` has all of its excerpts.
    """
    texts = (*sides, whole.message, *(excerpt.text for excerpt in whole.excerpts))
    texts += tuple(text for one in whole.earlier for text in (one.old_text, one.new_text))
    found = {value: kind for text in texts for value, kind in secrets_in(text)}
    for email in _EMAIL.findall(whole.message):
        found.setdefault(email, "EMAIL")
    return [_redacted(part, found) for part in parts] if found else parts


def _redacted(example: Example, found: dict[str, str]) -> Example:
    # The longest first: a secret may be a part of another.
    ordered = sorted(found, key=lambda value: (-len(value), value))
    pattern = re.compile("|".join(re.escape(value) for value in ordered))

    def clean(text: str) -> str:
        return pattern.sub(lambda match: f"{_OPEN}{found[match.group()]}{_CLOSE}", text)

    excerpts = tuple(replace(one, text=clean(one.text)) for one in example.excerpts)
    shown = (example.message, example.old, example.lead, example.new)
    message, old, lead, new = map(clean, shown)
    around = example.around
    if around is not None:
        around = replace(around, prefix=clean(around.prefix), suffix=clean(around.suffix))
    is_changed = (message, old, lead, new) != shown or excerpts != example.excerpts
    window = tuple((clean(text), has_loss) for text, has_loss in example.window)
    earlier = tuple(
        replace(one, old_text=clean(one.old_text), new_text=clean(one.new_text))
        for one in example.earlier
    )
    is_changed |= (around, window, earlier) != (example.around, example.window, example.earlier)
    return replace(
        example,
        around=around,
        window=window,
        earlier=earlier,
        message=message,
        old=old,
        lead=lead,
        new=new,
        excerpts=excerpts,
        is_redacted=is_changed,
    )
