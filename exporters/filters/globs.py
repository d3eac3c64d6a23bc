"""Patterns of a .gitattributes, matched as git's wildmatch does, in linear time.

Each `*` takes as few characters as possible for what follows it up to the next `*`. Taking more
could not help the rest to match, so there is no backtracking.
"""

import re
from functools import lru_cache

_ANSWERS_KEPT = 4096
_ANY, _NEVER = ".", "(?!)"
_DEEP = "**"
_DEEPER = re.compile(r"\A\*{2,}+\Z")
_CLASSES = {
    "alnum": "a-zA-Z0-9",
    "alpha": "a-zA-Z",
    "blank": " \\t",
    "cntrl": "\\x00-\\x1f\\x7f",
    "digit": "0-9",
    "graph": "\\x21-\\x7e",
    "lower": "a-z",
    "print": "\\x20-\\x7e",
    "punct": "!-/:-@\\[-`{-~",
    "space": "\\s",
    "upper": "A-Z",
    "xdigit": "0-9a-fA-F",
}
_SET = re.compile(
    r"\[(?P<not>[!^]?)(?P<in>\]?(?:\[:[a-z]{1,9}:\]|\\.|[^\]\\])*+)\]|\\(?P<char>.)|(?P<other>.)",
    re.DOTALL,
)
_IN_SET = re.compile(
    r"\[:(?P<name>[a-z]{1,9}):\]|\\?(?P<first>(?<=\\).|[^\\])(?:-\\?(?P<last>(?<=\\).|[^\\]))?",
    re.DOTALL,
)


@lru_cache(_ANSWERS_KEPT)
def matches(pattern: str, path: str) -> bool:
    """Tell whether a pattern matches a path, both from the same folder on.

    One without a slash matches a file's name in any folder.
    """
    if "/" not in pattern:
        return _is_name(pattern, path.rpartition("/")[2])
    folders = path.split("/")
    wanted = [_DEEPER.sub(_DEEP, name) for name in pattern.removeprefix("/").split("/")]
    if wanted[-1] == _DEEP:
        wanted.append("*")
    at = done = 0
    # The last `**`, and the first folder that it does not cover.
    deep, reached = -1, 0
    while done < len(folders):
        if at < len(wanted) and wanted[at] == _DEEP:
            deep, reached = at, done
            at += 1
        elif at < len(wanted) and _is_name(wanted[at], folders[done]):
            at, done = at + 1, done + 1
        elif deep >= 0:
            reached += 1
            at, done = deep + 1, reached
        else:
            return False
    return all(one == _DEEP for one in wanted[at:])


def _is_name(pattern: str, name: str) -> bool:
    return _compiled(pattern).match(name) is not None


@lru_cache(_ANSWERS_KEPT)
def _compiled(pattern: str) -> re.Pattern[str]:
    runs: list[list[str]] = [[]]
    end = 0
    while match := _SET.match(pattern, end):
        end = match.end()
        if match["other"] == "*":
            runs.append([])
        elif match["other"] is not None:
            runs[-1].append(_one(match["other"]))
        else:
            runs[-1].append(re.escape(match["char"]) if match["char"] else _set(match))
    first, *others = ("".join(run) for run in runs)
    if not others:
        return re.compile(rf"{first}\Z", re.DOTALL)
    middle = "".join(f"(?>.*?{run})" for run in others[:-1])
    return re.compile(rf"{first}{middle}.*{others[-1]}\Z", re.DOTALL)


def _one(character: str) -> str:
    # An unclosed bracket and a trailing backslash match nothing.
    return {"?": _ANY, "[": _NEVER, "\\": _NEVER}.get(character, re.escape(character))


def _set(match: re.Match[str]) -> str:
    inside = []
    for one in _IN_SET.finditer(match["in"]):
        first, last = one["first"], one["last"]
        if one["name"]:
            inside.append(_CLASSES.get(one["name"], ""))
        elif last is None:
            inside.append(re.escape(first))
        elif first <= last:
            inside.append(f"{re.escape(first)}-{re.escape(last)}")
    if not any(inside):
        return _ANY if match["not"] else _NEVER
    return f"[{'^' if match['not'] else ''}{''.join(inside)}]"
