"""The facts of a .gitattributes: a pure function of its bytes."""

import json
import re

NAMES = ("linguist-generated", "linguist-vendored")
"""The attributes that are kept: what GitHub's linguist leaves out of a repository's code."""
_COMMENT = re.compile(r"[ \t]*(?:#.*)?\r?\Z")
_RULE = re.compile(
    r'[ \t]*(?P<pattern>"(?:[^"\\]|\\.)*"|(?!//)[^\s"#]\S*)'
    r"(?P<attributes>(?:[ \t]+[-!]?[A-Za-z0-9_.][-A-Za-z0-9_.]*(?:=\S*)?)+)[ \t]*\r?\Z"
)
_QUOTED = re.compile(r"\\(.)")
_FALSE = frozenset({"false", "0", "no"})


def read(source: bytes) -> str | None:
    """Return the rules of a .gitattributes as JSON, None where it is none, nor for an empty one.

    `attributes` is a list of pattern, name of `NAMES`, and true, false, or null for what is to
    be as if nobody had said anything.
    """
    # A Rust file of more than comments has one of these.
    if any(mark in source for mark in (b";", b"{", b"}")):
        return None
    rules = []
    n_rules = 0
    for line in source.decode("utf-8").split("\n"):
        if _COMMENT.match(line):
            continue
        match = _RULE.match(line)
        if match is None:
            return None
        n_rules += 1
        pattern = match["pattern"]
        if pattern.startswith('"'):
            pattern = _QUOTED.sub(r"\1", pattern[1:-1])
        for word in match["attributes"].split():
            name, is_given, value = word.lstrip("-!").partition("=")
            if name in NAMES:
                rules.append((pattern, name, _value(word, value if is_given else None)))
    return json.dumps({"attributes": rules}) if n_rules else None


def _value(word: str, value: str | None) -> bool | None:
    if word.startswith("!"):
        return None
    return not word.startswith("-") and (value is None or value.lower() not in _FALSE)
