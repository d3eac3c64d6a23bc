"""Which of several definitions of a name is meant, by their `cfg`.

Nobody says for which target code is read, so a predicate has a likelihood: 1 and 0 for what a
64-bit Linux and the package's default features decide, something between for the others.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

from rsidx.exporters.resolver.files import Definition

_TOKEN = re.compile(r'[(),]|\w++(?:\s*+=\s*+"[^"]*")?')
_TRUE = frozenset({"unix", "debug_assertions", "panic"})
_FALSE = frozenset({"windows", "miri", "loom", "docsrs", "doc", "doctest", "kani", "fuzzing"})
_TARGET = {
    "target_os": "linux",
    "target_family": "unix",
    "target_env": "gnu",
    "target_vendor": "unknown",
    "target_arch": "x86_64",
    "target_pointer_width": "64",
    "target_endian": "little",
    "target_has_atomic": None,
    "panic": "unwind",
}
_LACKING = re.compile(r"(?:^|_)no_")
_MAX_CHARS = 2000
"""No real one is longer; a longer one could be nested too deeply to parse."""
_TEST, _FEATURE, _CUSTOM, _COMPILER_LACKS = 0.4, 0.45, 0.3, 0.1
"""Likelihoods of `test`, of a feature that is no default, of other names, and of `no_…`."""


def by_cfg_likelihood(
    definitions: Sequence[Definition], features: frozenset[str]
) -> list[Definition]:
    """Return the definitions, the likeliest first, without those that surely are not meant."""
    if len(definitions) < 2:
        return list(definitions)
    graded = [(likelihood(d.symbol.cfg, features), d) for d in definitions]
    possible = [(grade, d) for grade, d in graded if grade > 0] or graded
    return [d for _, d in sorted(possible, key=lambda pair: -pair[0])]


@lru_cache(4096)
def likelihood(cfg: str, features: frozenset[str]) -> float:
    """Return how likely a predicate holds, with these features on.

    Several predicates joined by commas must all hold.
    """
    if not cfg:
        return 1
    if len(cfg) > _MAX_CHARS:
        return _CUSTOM
    tokens = [match.group() for match in _TOKEN.finditer(f"all({cfg})")]
    return _Reader(tokens, features).predicate()


class _Reader:
    def __init__(self, tokens: list[str], features: frozenset[str]) -> None:
        self.tokens = tokens
        self.position = 0
        self.features = features

    def _next(self) -> str:
        self.position += 1
        return self.tokens[self.position - 1] if self.position <= len(self.tokens) else ")"

    def predicate(self) -> float:
        name = self._next()
        if self.position >= len(self.tokens) or self.tokens[self.position] != "(":
            return self._atom(name)
        self._next()
        parts: list[float] = []
        while self.position < len(self.tokens) and self.tokens[self.position] != ")":
            if self.tokens[self.position] == ",":
                self.position += 1
            else:
                parts.append(self.predicate())
        self._next()
        every = none = 1.0
        for part in parts:
            every *= part
            none *= 1 - part
        return {"all": every, "any": 1 - none, "not": none}.get(name, _CUSTOM)

    def _atom(self, name: str) -> float:
        key, _, value = (part.strip() for part in name.partition("="))
        value = value.strip('"')
        if key == "feature":
            return 1 if value in self.features else _FEATURE
        if key in _TARGET and value:
            return float(_TARGET[key] in (None, value))
        if key in _TRUE or key in _FALSE:
            return float(key in _TRUE)
        if key == "test":
            return _TEST
        return _COMPILER_LACKS if _LACKING.search(key) else _CUSTOM
