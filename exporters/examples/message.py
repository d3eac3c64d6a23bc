"""The message that a row shows: what a person wrote of the change, and nothing else.

A forge, git and the tools around them add to a message what says nothing of the change, or what
nobody knows who asks for it: trailers, rulers, lists of squashed commits, numbers of issues. A
prompt's message takes the same steps as a row's.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from rsidx.exporters.examples.message_numbers import without_numbers
from rsidx.exporters.examples.redaction import EMAIL, whole_placeholders

MAX_MESSAGE_CHARS = 1000
CUT_MARK = "…"
"""Stands at the end of a message that was cut."""
_KEPT = 16
_DIFF = re.compile(r"^(?:diff --(?:git|cc) |@@ -\d|# -+ >8 -+|--- a/[^\n]*\n\+\+\+ )", re.MULTILINE)
_SQUASHED = re.compile(r"^Squashed commit of the following:", re.MULTILINE)
_COMMENT = ("<!--", "-->")
_FENCE = re.compile(r"[ \t]*+(?:```|~~~)")
_RULER = re.compile(r"[ \t]*+(?:-{3,}+|={3,}+|\*{3,}+|_{3,}+|~{3,}+)[ \t]*+")
_HEADING = re.compile(r"(#{1,6}+)[ \t]")
_BULLET = re.compile(r"[ \t]*+(?:(?:[*+-]|\d{1,3}[.)])[ \t]++)?")
_SQUASH_ITEM = "* "
_OF_A_MERGE = re.compile(r"\((?:[^()]{0,40}[ /])?[#!]\d+\)\s*\Z|\(pull request #\d+\)\s*\Z")
_FORGE = re.compile(
    r"Merge pull request #\d+ from \S|Merged in \S+ \(pull request #\d+\)|Auto merge of #\d+ - "
    r"|Rollup merge of #\d+ - |See merge request \S+!\d+|This is a combination of \d+ commits"
    r"|# This is (?:a combination of \d+ commits|the .{0,20}commit message)"
    r"|# The (?:first|.{0,20}) ?commit'?s? message"
)
_MERGE = re.compile(r"Merge (?:remote-tracking )?branch(?:es)? '")
_TOOLS = re.compile(
    r"(?:change-id|reviewed-on|git-svn-id|former-commit-id|differential revision): \S",
    re.IGNORECASE,
)
_NUMBER_AT_END = re.compile(r"\([^()]{0,40}[#!]\d{1,7}\)\Z")
_BULLETS = frozenset("*+-")
_STOPS = " \t.!,:…"
_OF_REVIEW = (
    r"(?:the |all |some |rest of |more |pr |mr |code |@[\w-]{1,39}+(?:'s)? |review(?:er)?(?:'?s)? "
    r"|initial |final |other )*"
)
_FROM = r"(?: (?:from|by) (?:@?[\w-]+ ?){1,3})?"
_NOISE = re.compile(
    r"\[?wip\]?|tmp|temp|oops|nits?|fix-?up|fix up|(?:fixup|squash|amend)!.*"
    rf"|appl(?:y|ied) (?:suggested )?{_OF_REVIEW}(?:suggestions?|changes|feedback){_FROM}"
    rf"|(?:address(?:ed|ing)?|incorporate|resolve|respond to) {_OF_REVIEW}"
    rf"(?:review|comments?|feedback|nits?|remarks?|suggestions?|concerns?){_FROM}"
    rf"|{_OF_REVIEW}review (?:comments?|feedback|nits?|fixes|changes|suggestions?)"
    r"|(?:code |pr )?review|\[(?:skip ci|ci skip|no ci)\]|(?:update|create|delete) [\w./-]+\.\w+",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W_]++(?:['-][^\W_]++)*+")
_HOUSEKEEPING = re.compile(
    r"merged? |.*\b(?:change-?logs?|clippy|rustfmt|cargo fmt|rebased?|typos?|code review)\b",
    re.IGNORECASE,
)
_OF_HOUSEKEEPING = frozenset(
    "add added adds update updated updates fix fixes fixed fixing fixup run ran make made keep "
    "remove removed rename apply applied address addressed appease please satisfy happy tweak "
    "tweaks clean cleanup cleanups cleaned improve polish adjust correct resolve reformat refactor "
    "refactoring revert reverted cargo fmt rustfmt format formatting formatted clippy lint lints "
    "linting warning warnings error errors review reviews reviewer comment comments feedback "
    "suggestion suggestions nit nits typo typos spelling grammar wording whitespace wip tmp temp "
    "oops ci build builds compile compilation test tests failing broken doc docs documentation "
    "changes change conflict conflicts commit code pr msrv more minor small some last previous "
    "missing unused unneeded imports import again another forgot first try up and or of to for "
    "from in on the a an it this that with stuff things etc".split()
)
"""Words of the subjects of squashed commits that say nothing of what all of them do."""
_IMAGE = re.compile(
    r"[ \t]*+!\[[^\]]*+\]\([^)\s]*+\)[ \t]*+|[ \t]*+<img\b[^>]*+>[ \t]*+", re.IGNORECASE
)
_DEPENDENCIES = "updated-dependencies:"
_SENTENCE = re.compile(r"[.!?:](?=\s)")
_MIN_LETTERS = 8
"""Of shorter lines, such as `} else {`, any code has some."""
_LONG = 40
_CONNECTORS = frozenset("by to from with and for via of cc thanks & or at on".split())
_PARTICLES = frozenset("de da di du von van der den le la al el bin ten ter".split())
_MOST_NAMES = 5


@dataclass(slots=True)
class _Paragraph:
    """Lines without a blank one; `is_joined` says that no blank line stands before them."""

    lines: list[str]
    is_code: bool
    is_joined: bool = False


@lru_cache(_KEPT)
def tidy(message: str, *, keeps_numbers: bool) -> str:
    """Return what a message says of its change, in full.

    It must have no trailers with people any more. Names beside addresses go where these were
    replaced. With `keeps_numbers`, numbers of issues stay.
    """
    text = _without_comments(_before_diff(message.replace("\r\n", "\n")))
    if EMAIL in text:
        text = _without_names(text)
    paragraphs = list(_paragraphs(text))
    is_squash = _is_squash(paragraphs)
    paragraphs = list(_without_dependencies(paragraphs))
    for paragraph in paragraphs:
        if not paragraph.is_code:
            paragraph.lines = list(_without_noise(paragraph.lines))
    paragraphs = [one for one in paragraphs if one.lines]
    if is_squash:
        paragraphs = paragraphs[:1] + list(_of_squash_list(paragraphs[0].lines, paragraphs[1:]))
    if not keeps_numbers:
        for paragraph in paragraphs:
            if not paragraph.is_code:
                found = without_numbers("\n".join(paragraph.lines))
                paragraph.lines = list(_without_noise(found.split("\n"))) if found.strip() else []
        paragraphs = [one for one in paragraphs if one.lines]
    while len(paragraphs) > 1 and paragraphs[1].lines == paragraphs[0].lines:
        del paragraphs[1]
    return _text(_without_empty_headings(paragraphs))


def cut(message: str) -> tuple[str, bool]:
    """Return a message of at most `MAX_MESSAGE_CHARS`, and whether it was cut.

    It is cut behind a paragraph; where that would leave less than a quarter, behind a sentence or
    else a line or a word. Code in fences has no sentences. `CUT_MARK` stands below.
    """
    if len(message) <= MAX_MESSAGE_CHARS:
        return message, False
    room = whole_placeholders(message[: MAX_MESSAGE_CHARS - len(CUT_MARK) - 2])
    sentences = [match.end() for match in _SENTENCE.finditer(_before_open_fence(room))]
    ends = (_last_paragraph(room), max(sentences, default=0), room.rfind("\n"), room.rfind(" "))
    end = next((end for end in ends if end >= MAX_MESSAGE_CHARS // 4), len(room))
    return f"{room[:end].rstrip()}\n\n{CUT_MARK}", True


def _last_paragraph(text: str) -> int:
    """Return where the last paragraph ends that a text has whole and that leads to no other.

    Code in fences is one paragraph.
    """
    end = at = 0
    is_code = False
    last = ""
    for line in text.split("\n"):
        if _FENCE.match(line):
            is_code = not is_code
        if not line.strip() and not is_code and not last.endswith(":") and not _HEADING.match(last):
            end = at
        at += len(line) + 1
        last = line.rstrip() or last
    return end


def _before_open_fence(text: str) -> str:
    """Return a text up to a fence that is not closed in it."""
    at = 0
    opened = None
    for line in text.split("\n"):
        if _FENCE.match(line):
            opened = at if opened is None else None
        at += len(line) + 1
    return text[:opened] + "\n" if opened is not None else text


def _before_diff(text: str) -> str:
    """Return a text up to a diff, or to git's own list of squashed commits."""
    for pattern in (_DIFF, _SQUASHED):
        match = pattern.search(text)
        if match is not None:
            text = text[: match.start()].rstrip()
            last = text.rpartition("\n")[2]
            if _FENCE.match(last):
                text = text[: len(text) - len(last)].rstrip()
    return text


def _without_comments(text: str) -> str:
    """Return a text without the comments of a forge's template, which it does not show."""
    begin, end = _COMMENT
    if begin not in text:
        return text
    pieces = []
    at = 0
    while (start := text.find(begin, at)) >= 0 and (stop := text.find(end, start)) >= 0:
        pieces.append(text[at:start])
        at = stop + len(end)
    return "".join((*pieces, text[at:]))


def _without_names(text: str) -> str:
    """Return a text without the names that stand in front of addresses.

    Lines that had nothing but names and addresses go.
    """
    lines = []
    for line in text.split("\n"):
        if EMAIL not in line:
            lines.append(line)
            continue
        pieces = line.split(EMAIL)
        pieces[:-1] = map(_without_name, pieces[:-1])
        pieces[1:] = [piece.lstrip(">") for piece in pieces[1:]]
        rest = _said("".join(pieces))
        label, colon, after = rest.partition(":")
        if rest.strip(" \t,;<>") and not (colon and " " not in label and not after.strip()):
            lines.append(EMAIL.join(pieces))
    return "\n".join(lines)


def _without_name(before: str) -> str:
    """Return what stands in front of an address, without the name at its end."""
    text = before.rstrip(" \t<\"'")
    bullet = _BULLET.match(text).end()  # type: ignore[union-attr]
    words = text[bullet:].split(" ")
    n_taken = 0
    while n_taken < min(_MOST_NAMES, len(words)):
        word = words[-1 - n_taken].strip("\"'([\u201c\u201d")
        is_name = word[:1].isupper() or (n_taken and word in _PARTICLES)
        if not is_name or word.endswith((",", ":", ";")):
            break
        n_taken += 1
    if not n_taken and words[-1] and not words[-1].endswith((",", ":", ";", ".")):
        is_alone = len(words) == 1 or words[-2].casefold() in _CONNECTORS
        n_taken = int(is_alone and words[-1].casefold() not in _CONNECTORS)
    if not n_taken:
        return before
    left = " ".join(words[: len(words) - n_taken])
    return text[:bullet] + (f"{left} " if left else "")


def _paragraphs(text: str) -> Iterator[_Paragraph]:
    lines: list[str] = []
    is_fenced = is_joined = False
    for line in text.split("\n"):
        is_fence = _FENCE.match(line) is not None
        if is_fenced or not (is_fence or not line.strip()):
            lines.append(line.rstrip())
            if is_fenced and is_fence:
                yield _Paragraph(lines, True, is_joined)
                lines, is_fenced, is_joined = [], False, True
            continue
        if lines:
            yield _Paragraph(lines, _is_indented(lines), is_joined)
        is_joined = is_fence and (bool(lines) or is_joined)
        lines, is_fenced = ([line.rstrip()], True) if is_fence else ([], False)
    if lines:
        yield _Paragraph(lines, is_fenced or _is_indented(lines), is_joined)


def _is_indented(lines: Sequence[str]) -> bool:
    return all(line.startswith(("    ", "\t")) for line in lines)


def _is_squash(paragraphs: Sequence[_Paragraph]) -> bool:
    """Tell whether a forge lists the commits that it squashed right behind the subject.

    Each commit of such a list is a paragraph of its own; people write theirs in one.
    """
    if not paragraphs or paragraphs[0].is_code:
        return False
    subject = paragraphs[0].lines[0]
    after = [one for one in paragraphs[1:] if not _FORGE.match(one.lines[0])]
    if _FORGE.match(subject):
        after = after[1:]
    elif not _OF_A_MERGE.search(subject):
        return False
    return (
        bool(after) and _n_items(after[0].lines) == 1 and after[0].lines[0].startswith(_SQUASH_ITEM)
    )


def _n_items(lines: Sequence[str]) -> int:
    return sum(line.startswith(_SQUASH_ITEM) for line in lines)


def _of_squash_list(title: Sequence[str], paragraphs: Sequence[_Paragraph]) -> Iterator[_Paragraph]:
    """Yield what says something in the list of the squashed commits.

    Their subjects go if they are housekeeping, or say again what the title or another one says.
    """
    said = {frozenset(word for line in title for word in _words(line))}
    is_kept = True
    for paragraph in paragraphs:
        first = paragraph.lines[0]
        if first.startswith(_SQUASH_ITEM) and _n_items(paragraph.lines) == 1:
            words = frozenset(_words(first))
            is_kept = _is_news(first) and not any(map(words.issubset, said))
            said.add(words)
            if is_kept:
                yield paragraph
        # A small letter goes on with a sentence that began in a subject.
        elif is_kept or paragraph.is_code or "://" in first or not first[:1].islower():
            yield paragraph


def _words(line: str) -> tuple[str, ...]:
    """Return the words of a line, without numbers, such as a forge puts behind it."""
    found = _WORD.findall(_said(line).casefold())
    return tuple(word for word in found if not word.isdigit())


def _is_news(item: str) -> bool:
    """Tell whether the subject of a squashed commit says something of the change."""
    words = _words(item)
    if len(words) < 2 or _HOUSEKEEPING.match(_said(item)):
        return False
    return not _OF_HOUSEKEEPING.issuperset(words)


def _without_dependencies(paragraphs: Sequence[_Paragraph]) -> Iterator[_Paragraph]:
    """Yield paragraphs without the block that says which dependencies a bot updated."""
    for paragraph in paragraphs:
        if _DEPENDENCIES in paragraph.lines[:2] and not paragraph.is_code:
            continue
        yield paragraph


def _without_noise(lines: Sequence[str]) -> Iterator[str]:
    """Yield the lines of a paragraph that say something of the change.

    A ruler is one only where a blank line stands before it: else it underlines a heading.
    """
    for number, line in enumerate(lines):
        is_forges = _FORGE.match(line) or _TOOLS.match(line) or (number and _MERGE.match(line))
        is_picture = _IMAGE.fullmatch(line) or (not number and _RULER.fullmatch(line))
        if line.strip() and not (is_forges or is_picture or is_noise(line)):
            yield line


def is_noise(line: str) -> bool:
    """Tell whether a line says nothing of the change: `wip`, `Apply suggestions from review`."""
    if line.strip() in _BULLETS:
        return True
    said = _said(line).rstrip(_STOPS)
    return _NOISE.fullmatch(_NUMBER_AT_END.sub("", said).rstrip(_STOPS)) is not None


def _said(line: str) -> str:
    """Return a line without its bullet."""
    return line[_BULLET.match(line).end() :]  # type: ignore[union-attr]


def _without_empty_headings(paragraphs: Sequence[_Paragraph]) -> list[_Paragraph]:
    """Return paragraphs without headings that have nothing below them."""
    kept: list[_Paragraph] = []
    levels: list[int] = []
    for paragraph in reversed(paragraphs):
        heading = _HEADING.match(paragraph.lines[0]) if not paragraph.is_code else None
        level = len(heading[1]) if heading else 0
        is_alone = level and len(paragraph.lines) == 1
        if is_alone and (not kept or (levels[-1] and levels[-1] <= level)):
            continue
        kept.append(paragraph)
        levels.append(level)
    return kept[::-1]


def _text(paragraphs: Sequence[_Paragraph]) -> str:
    pieces = []
    for number, paragraph in enumerate(paragraphs):
        if number:
            pieces.append("\n" if paragraph.is_joined else "\n\n")
        pieces.append("\n".join(paragraph.lines))
    return "".join(pieces).strip()


def with_errors(message: str, errors: str) -> str:
    """Return the message of a prompt that says what was wrong with the last answer."""
    return f"{message}\n\n{errors}" if errors else message


def holds_target(message: str, old: str, new: str) -> bool:
    """Tell whether a message spells out most of what an edit changes.

    That is half of the code in the lines that `new` adds to `old`: in lines of their own, or, of
    long lines, anywhere in it. A single short line, such as an attribute, is how one asks for it.
    """
    before = {line.strip() for line in old.splitlines()}
    added = {line.strip() for line in new.splitlines()} - before
    added = {line for line in added if sum(map(str.isalnum, line)) >= _MIN_LETTERS}
    if not added:
        return False
    said = {line.strip().lstrip("+>").strip().strip("`") for line in message.splitlines()}
    spelled = {line for line in added if line in said or (len(line) >= _LONG and line in message)}
    if len(spelled) == 1 and len(next(iter(spelled))) < _LONG:
        return False
    return 2 * sum(map(len, spelled)) >= sum(map(len, added))
