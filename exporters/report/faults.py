"""The kinds of rows that teach something wrong, as far as a row, or git, tells.

Each is a heuristic: what it counts was read by eye in real histories, and `docs/inspecting.md` says
what it does not see. A kind is one entry of `FAULT_KINDS`; table, page and JSON follow from it.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from rsidx.exporters.examples.message import CUT_MARK, tidy
from rsidx.exporters.examples.redaction import without_people
from rsidx.exporters.filters.syntax import is_broken
from rsidx.exporters.rendering.markers import token_of
from rsidx.exporters.report.row_text import RowText, code_of

_EMPTIED = re.compile(
    r"(?:^|\|>)[ \t]*+(?:pub(?:\([^()\n]{0,80}\))?[ \t]++)?(?:struct|enum|union)[ \t]++\w++"
    r"[^;{}()]{0,400}+\{[ \t]{0,9}+\r?\n\s{0,80}+\}",
    re.MULTILINE,
)
_SECTIONS = ("traits", "structs", "enums", "impls")
_BRACE = re.compile(r"[{}]")
_PART_NOTE = "// Part of a longer item\n"
_CONFLICT = re.compile(r"^(?:<{7}|={7}|>{7})(?: .*)?$", re.MULTILINE)
_GOES_ON = re.compile(r"(?<![ \t])[ \t]*+(?:[^\s.]|\r?\n[ \t]*+[a-z])")
_MIN_CUT_CHARS = 250
"""A message is never cut to less."""
_ENDS = tuple(".!?:;`)]>\"'*-" + CUT_MARK)


class Git(Protocol):
    """What a data set's repository says, by hexadecimal object ids."""

    def tree(self, commit: str) -> Mapping[str, str]:
        """Return path → blob of a commit; empty where there is no such commit."""

    def message(self, commit: str) -> str:
        """Return the whole message of a commit; empty where there is no such commit."""

    def syntax_errors(self, blob: str) -> tuple[Sequence[tuple[int, int]], int] | None:
        """Return where a Rust file cannot be parsed, and its size; None where it is missing."""


@dataclass(frozen=True, slots=True)
class FaultKind:
    """A kind of fault; `is_of` looks at a row, and at git if it is there.

    None where it takes all rows to tell. One that `needs_edits` is of rows of edits alone, one that
    `needs_git` is not counted without a repository.
    """

    name: str
    description: str
    is_of: Callable[[RowText, Git | None], bool] | None = None
    needs_edits: bool = False
    needs_git: bool = False


def _is_emptied(row: RowText, _git: Git | None) -> bool:
    return _EMPTIED.search(row.context) is not None


def _is_headless(row: RowText, _git: Git | None) -> bool:
    """Tell whether something is closed that was not opened, in sections that show types."""
    return any(_lowest_depth(section) < 0 for section in _sections(row.context))


def _is_unmarked(row: RowText, _git: Git | None) -> bool:
    marks = token_of("part"), _PART_NOTE
    return row.is_part and not any(mark in row.front for mark in marks)


def _is_open_header(row: RowText, _git: Git | None) -> bool:
    if row.meta["change"] != "add" or row.is_part:
        return False
    return row.meta["kind"].endswith("_header") or _depth(row.new) > 0


def _is_wrong_rename(row: RowText, git: Git | None) -> bool:
    is_marked = token_of("rename") in row.front
    # Version 0.1.0 did not say it in the meta line; dialects without markers have no mark.
    says_so = row.meta.get("is_rename", is_marked)
    if is_marked != says_so and token_of("message") in row.front:
        return True
    return bool(says_so and git and row.meta["old_path"] in git.tree(row.meta["commit"]))


def _is_not_rust(row: RowText, git: Git | None) -> bool:
    if row.meta["kind"] == "error" or _CONFLICT.search(row.new):
        return True
    place = row.meta["new"]
    found = git.syntax_errors(place["blob"]) if git is not None and place is not None else None
    return found is not None and is_broken(*found, place["start"], place["end"])


def _has_cut_message(row: RowText, git: Git | None) -> bool:
    """Tell whether git's message goes on in the sentence that the row's ends in the middle of.

    What goes from messages, such as numbers, may leave half a sentence; that is no cut.
    """
    shown = (row.message or "").strip()
    if git is None or len(shown) < _MIN_CUT_CHARS or shown.endswith(_ENDS):
        return False
    message = without_people(git.message(row.meta["commit"])).strip()
    tidied = [tidy(message, keeps_numbers=keeps) for keeps in (False, True)]
    if shown in tidied:
        return False
    # In the line, or in the next with a small letter: no trailer, and no item of a list.
    return any(
        whole.startswith(shown) and _GOES_ON.match(whole, len(shown))
        for whole in (*tidied, message)
    )


def _sections(context: str) -> Iterator[str]:
    """Yield the sections of a context that show types, where markers are around them."""
    for name in _SECTIONS:
        _, _, rest = context.partition(token_of(name))
        inside, end, _ = rest.partition(token_of(f"/{name}"))
        if end:
            yield inside


def _lowest_depth(text: str) -> int:
    depth = lowest = 0
    for brace in _BRACE.findall(code_of(text)):
        depth += 1 if brace == "{" else -1
        lowest = min(lowest, depth)
    return lowest


def _depth(text: str) -> int:
    code = code_of(text)
    return code.count("{") - code.count("}")


SAME_PROMPT, UNSEEN = "same_prompt", "unseen"
FAULT_KINDS = (
    FaultKind("emptied", "shows a type that has members without any", _is_emptied),
    FaultKind(
        "headless", "shows members without the head of their type, trait or impl", _is_headless
    ),
    FaultKind(
        "unmarked_part",
        "is a part of a longer item, and does not say so",
        _is_unmarked,
        needs_edits=True,
    ),
    FaultKind(
        "open_header",
        "adds the header of a container alone: its target ends in an open brace",
        _is_open_header,
        needs_edits=True,
    ),
    FaultKind(
        "wrong_rename",
        "says that a file has a new name, though the old one is still there, or the reverse",
        _is_wrong_rename,
        needs_edits=True,
    ),
    FaultKind(
        "not_rust",
        "is of code, or of a file, that does not parse, or has the marks of a merge conflict",
        _is_not_rust,
    ),
    FaultKind(
        "cut_message",
        "has a message that ends in the middle of a sentence, and does not say so",
        _has_cut_message,
        needs_edits=True,
        needs_git=True,
    ),
    FaultKind(SAME_PROMPT, "has the prompt of a row with another target"),
    FaultKind(
        UNSEEN,
        "uses a name that another row of its commit defines, and that nothing in the prompt shows",
        needs_edits=True,
    ),
)
