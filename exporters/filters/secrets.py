"""Finding secrets by the rules of secret_rules.json, run by RE2, whose time is linear in the text.

`benchmarks/secret_rules.py` makes that file from a maintained catalog. Rules are applied to whole
files and whole messages, never to a piece: a cut may fall inside a secret. Secrets that are known
are found in any text, by their values.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path

import re2

RULES = Path(__file__).with_name("secret_rules.json")
_MIN_CHARS = 4
_MIN_KNOWN_BYTES = 6
"""A shorter value is replaced where it is a secret, not wherever it occurs."""
_MAX_WORD_BYTES = 16
"""A value up to this length is replaced only where it is a word of its own."""
_OF_WORD = re.compile(rb"\w")
_NAME = re.compile(rb"[a-z]+(?:_[a-z]+)*+")
_QUOTES = (b'"', b"'", b"`")
# What follows a match without a break belongs to the token: some rules end early.
_REST = re.compile(rb"[A-Za-z0-9_\-+/=]*+")


@dataclass(frozen=True, slots=True)
class Secret:
    """A stretch of bytes, and what its placeholder is called: KEY or PASSWORD."""

    start: int
    end: int
    kind: str


def secrets_in(text: bytes) -> tuple[Secret, ...]:
    """Return the secrets of a whole text in order; none overlaps another."""
    return _scanner().secrets(text)


class KnownSecrets:
    """Values that no text may show, each with its kind.

    The time to find them is linear in the text, however many there are: the first bytes of a value
    give the lengths to look up.
    """

    def __init__(self, kinds: Mapping[bytes, str]) -> None:
        self._kinds = {
            value: kind for value, kind in kinds.items() if len(value) >= _MIN_KNOWN_BYTES
        }
        self._lengths: dict[bytes, set[int]] = {}
        for value in self._kinds:
            self._lengths.setdefault(value[:_MIN_KNOWN_BYTES], set()).add(len(value))

    def occurrences(self, text: bytes) -> Iterator[Secret]:
        """Yield where a text has one of the values.

        A short value must be a word of its own, and one that reads as a name (`diesel`) a string.
        """
        for start in range(len(text) - _MIN_KNOWN_BYTES + 1 if self._kinds else 0):
            for length in self._lengths.get(text[start : start + _MIN_KNOWN_BYTES], ()):
                end = start + length
                kind = self._kinds.get(text[start:end])
                if kind is None or end > len(text):
                    continue
                before, behind = text[max(0, start - 1) : start], text[end : end + 1]
                if length > _MAX_WORD_BYTES:
                    is_secret = True
                elif _NAME.fullmatch(text, start, end):
                    is_secret = before == behind and before in _QUOTES
                else:
                    is_secret = not _OF_WORD.search(before + behind)
                if is_secret:
                    yield Secret(start, end, kind)


@cache
def scanner_version() -> str:
    """Return what decides which secrets are found: the rules' origin and the engine."""
    return f"{_scanner().source}, google-re2 {version('google-re2')}"


@dataclass(frozen=True, slots=True)
class _Rule:
    """What a match must meet beyond its pattern; `group` 0 is the first group that matched."""

    kind: str
    group: int
    user: int
    entropy: float
    allow: tuple[str, ...]
    needs: tuple[str, ...]

    def found(self, match: "re.Match[bytes]") -> tuple[int, int]:
        """Return where the secret is in a match."""
        groups = [self.group] if self.group else range(1, match.re.groups + 1)
        spans = (match.span(number) for number in groups)
        return next((span for span in spans if span[0] < span[1]), match.span())


class _Scanner:
    def __init__(self, content: str) -> None:
        data = json.loads(content)
        self.source: str = data["source"]
        self._filter = re2.Filter()
        self._rules: list[_Rule] = []
        for rule in data["rules"]:
            self._filter.Add(rule["pattern"].encode(), _options())
            self._rules.append(
                _Rule(
                    kind=rule.get("kind", "KEY"),
                    group=rule.get("group", 0),
                    user=rule.get("user", 0),
                    entropy=rule.get("entropy", 0.0),
                    allow=(*data["allow"], *rule.get("allow", ())),
                    needs=tuple(rule.get("needs", ())),
                )
            )
        self._filter.Compile()
        # Rules that no required word can exclude: one search says whether any of them matches.
        self._wordless = frozenset(self._filter.Match(b"", potential=True) or ())
        patterns = [data["rules"][number]["pattern"] for number in sorted(self._wordless)]
        self._any_wordless = re2.compile("|".join(patterns).encode(), _options())

    def secrets(self, text: bytes) -> tuple[Secret, ...]:
        numbers = frozenset(self._filter.Match(text, potential=True) or ())
        if self._any_wordless.search(text) is None:
            numbers -= self._wordless
        found = [secret for number in numbers for secret in self._of_rule(number, text)]
        return _merged(sorted(found, key=lambda one: (one.start, -one.end)))

    def _of_rule(self, number: int, text: bytes) -> Iterator[Secret]:
        rule, pattern = self._rules[number], self._filter.re(number)
        match = pattern.search(text)
        while match is not None:
            start, end = rule.found(match)
            if _is_secret(rule, match, text[start:end]):
                if rule.kind == "KEY":
                    end = _REST.match(text, end).end()  # type: ignore[union-attr]
                yield Secret(start, end, rule.kind)
            # From the secret's end: its delimiter may begin the next one.
            match = pattern.search(text, max(end, match.start() + 1))


def _is_secret(rule: _Rule, match: "re.Match[bytes]", value: bytes) -> bool:
    if len(value) < _MIN_CHARS or (rule.user and match.group(rule.user) == value):
        return False
    if rule.entropy and _entropy(value) < rule.entropy:
        return False
    if any(_compiled(pattern).search(value) for pattern in rule.allow):
        return False
    return all(_compiled(pattern).search(value) for pattern in rule.needs)


@cache
def _scanner() -> _Scanner:
    return _Scanner(RULES.read_text("utf-8"))


@cache
def _compiled(pattern: str) -> "re.Pattern[bytes]":
    return re2.compile(pattern.encode(), _options())  # type: ignore[no-any-return]


def _options() -> "re2.Options":
    options = re2.Options()
    options.log_errors = False
    return options


def _entropy(value: bytes) -> float:
    """Return Shannon's entropy, in bits a byte."""
    shares = (n / len(value) for n in Counter(value).values())
    return -sum(share * math.log2(share) for share in shares)


def _merged(found: Sequence[Secret]) -> tuple[Secret, ...]:
    """Join those that overlap; the one that begins first, or is longest, names the kind."""
    merged: list[Secret] = []
    for one in found:
        if merged and one.start < merged[-1].end:
            last = merged.pop()
            merged.append(Secret(last.start, max(last.end, one.end), last.kind))
        else:
            merged.append(one)
    return tuple(merged)
