"""Valid Rust that tree-sitter-rust 0.24 cannot parse, and what to parse in its place.

A substitution is as long as what it replaces and is made in the parse buffer alone, never in the
stored text, so offsets, texts and names stay as they are. Patterns are matched with the file's
code, where comments and literals are blank. Those of `masked` fit nothing that the grammar can
parse; those of `GUESSES` fit such code, too, so each is made only near errors of the syntax tree,
and kept only if it leaves fewer.
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from rsidx.indexer.rust.code_text import code_of, without_front_matter

Ranges = Sequence[tuple[int, int]]
"""Byte offsets: where each range starts, and where it ends."""
_Substitution = tuple[int, int, bytes]

_PRIMITIVE = rb"(?:str|char|bool|[ui](?:8|16|32|64|128|size)|f32|f64)"
_UNDERSCORED_ESCAPE = re.compile(rb"\\u\{[0-9a-fA-F]++_[0-9a-fA-F_]*+\}")


def _blank(text: bytes) -> bytes:
    return b" " * len(text)


def _name(text: bytes) -> bytes:
    """Return a name for a keyword: the grammar knows no keyword that begins like it."""
    return b"X" + text[1:]


def _word(word: bytes) -> Callable[[bytes], bytes]:
    return lambda text: word.ljust(len(text))


@dataclass(frozen=True, slots=True)
class _Gap:
    """Code that the grammar cannot parse: what matches, or the pattern's group, is replaced."""

    pattern: re.Pattern[bytes]
    replace: Callable[[bytes], bytes] = _blank

    def find(self, code: bytes) -> Iterator[_Substitution]:
        """Yield the substitutions."""
        group = self.pattern.groups
        for match in self.pattern.finditer(code):
            yield *match.span(group), self.replace(match.group(group))


_GAPS = tuple(
    _Gap(re.compile(pattern), replace)
    for pattern, replace in (
        # Names that are keywords of the grammar: macros and functions called like a type, and
        # what the edition of 2015 had as a name.
        (rb"\b(?:%s|try|gen)(?=\s*!\s*[\[({])" % _PRIMITIVE, _name),
        (rb"\b%s(?=\s*::\s*<)" % _PRIMITIVE, _name),
        (rb"""\basync\b(?=\s*[^\s\w{|#/'"])""", _name),
        (rb"\|\s*(async)(?=\s*\|)", _name),
        (rb"\btry(?=\s*\()", _name),
        (rb"\bmacro_rules(\s+!)", _word(b"!")),
        (rb"\$\s+(?=[A-Za-z_])", lambda text: text[1:] + b"$"),
        (rb"\$\$?(?=\s*\{)|\$\$", _blank),
        # Blocks and items of `unsafe extern`.
        (rb'\bunsafe(?=\s+extern\s*(?:r?#*"[^"]*"#*\s*)?\{)', _blank),
        (rb'\bextern\s*(r#*"[^"]*"#*)', lambda text: text.replace(b"r", b" ").replace(b"#", b" ")),
        (rb"\bunsafe(?=\s+static\b)", _blank),
        (rb"\bsafe(?=\s+(?:fn|static)\b)", _blank),
        # Constant and asynchronous traits and bounds.
        (rb"\bconst(?=\s+(?:(?:unsafe|auto)\s+)*trait\b|\s+(?:unsafe\s+)?impl\b)", _blank),
        (rb"\[\s*const\s*\]", _blank),
        (rb"~\s*const(?=\s+[A-Za-z_:(<])", _blank),
        (rb"(?:\bimpl|\bdyn|[>:+?(])\s*(const)(?=\s+[A-Za-z_:(<])", _blank),
        (
            rb"(?:\bimpl|\bdyn|[:+(])\s*(async)(?=\s+(?!move\b|unsafe\b|fn\b|gen\b)[A-Za-z_:])",
            _blank,
        ),
        (rb"\bauto(?=\s+trait\b)", _blank),
        # Bounds, parameters and arguments.
        (rb"\b(?:dyn|impl)\s+('\w+\s*\+)(?=\s*[\w:?(])", _blank),
        (rb"\bdyn\s*(\?)", _blank),
        (rb"\bfor\s*<[^<>(){};]*+>\s*(?=(?:(?:const|static|async|move|use)\s+)*\|)", _blank),
        (rb"\b(?:const|use)(?=\s*(?:(?:static|async|move)\s*)*\|)", _blank),
        (rb"(?<!use)(?<!use )(?:\bfor\s*+|::\s*+)?<\s*+>", _blank),
        (rb"::(?=\s*\()", _blank),
        (rb"(?:\bwhere|,)\s*(\(\s*\))(?=\s*:(?!:))", _word(b"u8")),
        (rb"(?:\bwhere|,)\s*(dyn)(?=\s+[\w:<>]+\s*:)", _blank),
        # Items, statements and patterns that are not stable, or no more.
        (rb"\bdefault(?=\s+(?:unsafe\s+)?(?:impl|type|const)\b)", _blank),
        (rb"\bgen(?=\s+fn\b)", _blank),
        (rb"\bbecome(?=\s)|\bdo\s+yeet\b", _word(b"return")),
        (rb"\bsuper(?=\s+let\b)", _blank),
        (rb"\bbox(?=\s+[\w&(\[])", _blank),
        (rb"\btry\s+(bikeshed\b[^{;]{0,200}+)(?=\{)", _blank),
        (rb"\bfor\s+(await)(?=\s+(?!in\b))", _blank),
        # White space: a next line, marks of direction, separators of lines and paragraphs.
        (rb"\xc2\x85|\xe2\x80[\x8e\x8f\xa8\xa9]", _blank),
    )
)
_GUESSED = tuple(
    _Gap(re.compile(pattern), replace)
    for pattern, replace in (
        (rb"\b(?:match|if|while|in)\s+(async)(?=\s*\{)", _name),
        (rb"\bgen(?:\s+move)?(?=\s*\{)", _blank),
        (rb"[<,=]\s*(-)(?=\s*\d)", _blank),
        (rb"\.\.(?=\s*\})", _blank),
        (rb"[{,]\s*(\d+)(?=\s*:(?!:))", lambda text: b"_" * len(text)),
        (rb"""[<,]\s*(\w++\s*=\s*)(?=[\d'"{-]|true\b|false\b)""", _blank),
        (rb"(?:[(,={;>]|\bmove|\breturn)\s*\|[^|;]{0,1000}?(,)\s*\|", _blank),
        (rb"\(\s*\.\.\s*\)", _blank),
        (rb"[:+]\s*(!)(?=\s*[A-Za-z_])", _blank),
        (rb"\bfor\s*<[^<>(){};]*+>", _blank),
        (rb"\btype\s+\w++\s*(:[^=;{}]{0,500}+)(?==)", _blank),
    )
)  # fmt: skip

PARSED_AS = {
    "mod_item": (("mod", b"macro", "macro_definition"),),
    "type_item": (("type", b"trait", "trait_item"),),
}
"""Types of nodes that other items are parsed as: the keyword, the one that was replaced by it, and
the type of node that the item would have."""

_NAME = rb"\s+(?:r#)?[A-Za-z_\x80-\xff][\w\x80-\xff]*+\s*+"
_MACRO = re.compile(rb"\bmacro" + _NAME + rb"(?=[({])")
_TRAIT = re.compile(rb"\btrait" + _NAME)
_STRUCT = re.compile(rb"\bstruct" + _NAME)
_GENERIC = re.compile(rb"\bimpl\s*+(?=<)|\b(?:fn|struct|enum|union|trait|type)" + _NAME + rb"(?=<)")
_NO_BOUND = re.compile(rb"(?:(?<!:):|\+)(?=\s*[,>=])")
_NO_SUPERTRAIT = re.compile(rb"\s*(:)\s*\{")
_PREDICATES = re.compile(rb"\bwhere\b[^{;]{0,2000}+")
_NO_BOUNDS = re.compile(
    rb"(?:\bwhere|,)\s*('?[\w<>]++(?:::[\w<>]++)*+\s*:\s*(?:,|\Z))|(\+)\s*(?:,|\Z)"
)
_CALL = re.compile(rb"!\s*+(?:[A-Za-z_]\w*+\s*+)?(?=[(\[{])")
_TILDE = re.compile(rb"~")
_POINTER = re.compile(
    rb'(?:\bwhere|,|>)\s*((?:unsafe\s+)?(?:extern\s*(?:"[^"]*"\s*)?)?fn\s*)(?=\()'
)
_RETURNED = re.compile(rb"\s*->\s*(?=[^:;{}]{0,200}:)")
_COLON = re.compile(rb"\s*:(?!:)")
_BODY = re.compile(rb"\s*\{")
_ALIAS = re.compile(rb"\s*=(?!=)")
_WHERE = re.compile(rb"\s*(where\b[^;{]{0,2000}+);")
_GENERICS_MARK = re.compile(rb"[-=]>|[<>]")
_BRACKET = re.compile(rb"[()\[\]{}]")
_OPENING = {b")": b"(", b"]": b"[", b"}": b"{"}
_MAX_GENERICS = 1000
_ATTRIBUTE = re.compile(rb"#\s*+(?=\[)")
_IN_AN_ITEM = (*(b"%c" % c for c in b"{,(|=[:>"), b"return", b"where", b"break")
"""What stands before an attribute in an item, where the grammar may not expect it."""
_MAX_BLANKS = 500


def masked(source: bytes) -> bytes:
    """Return a file's text with what the grammar cannot parse replaced."""
    text = bytearray(without_front_matter(source))
    for match in _UNDERSCORED_ESCAPE.finditer(source):
        text[match.start() : match.end()] = match.group().replace(b"_", b"0")
    code = code_of(bytes(text))
    for gap in _GAPS:
        code = _substitute(gap.find(code), code, text)
    for find in (_macros, _tildes, _trait_aliases, _struct_bounds, _pointer_bounds):
        code = _substitute(find(code), code, text)
    return bytes(text)


def guessed(guess: "Guess", text: bytes, code: bytes, errors: Ranges) -> bytes | None:
    """Return a text with more of it replaced near its errors, None where nothing can be.

    `code` is `code_of` the text.
    """
    windows = _lines_near(text, errors)
    starts = [start for start, _ in windows]
    near = []
    for start, end, replacement in guess(code):
        number = bisect_left(starts, end) - 1
        if number >= 0 and start < windows[number][1]:
            near.append((start, end, replacement))
    if not near:
        return None
    changed = bytearray(text)
    _substitute(near, code, changed)
    return bytes(changed)


Guess = Callable[[bytes], Iterator[_Substitution]]


def _every_guess(code: bytes) -> Iterator[_Substitution]:
    for guess in GUESSES[:-1]:
        yield from guess(code)


def _substitute(found: Iterable[_Substitution], code: bytes, text: bytearray) -> bytes:
    """Make substitutions in a text; return its code with them."""
    changed = None
    for start, end, replacement in found:
        changed = changed or bytearray(code)
        text[start:end] = changed[start:end] = replacement
    return code if changed is None else bytes(changed)


def _lines_near(text: bytes, ranges: Ranges) -> list[tuple[int, int]]:
    """Return ranges widened to whole lines and a line on each side, those that meet as one."""
    wide: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        first = text.rfind(b"\n", 0, text.rfind(b"\n", 0, start) + 1) + 1
        first = text.rfind(b"\n", 0, max(0, first - 1)) + 1
        last = text.find(b"\n", text.find(b"\n", end) + 1)
        last = last if last >= end else len(text)
        if wide and first <= wide[-1][1]:
            first, last = wide[-1][0], max(last, wide[-1][1])
            wide.pop()
        wide.append((first, last))
    return wide


def _closings(code: bytes) -> dict[int, int]:
    """Return the offset of each opening bracket's closing one, for those that have one."""
    closings: dict[int, int] = {}
    opened: list[int] = []
    for match in _BRACKET.finditer(code):
        bracket = match.group()
        if bracket not in _OPENING:
            opened.append(match.start())
        elif opened and code[opened[-1] : opened[-1] + 1] == _OPENING[bracket]:
            closings[opened.pop()] = match.start()
    return closings


def _generics_end(code: bytes, start: int) -> int:
    """Return where the generics that may begin here end."""
    depth = 0
    if code[start : start + 1] != b"<":
        return start
    for mark in _GENERICS_MARK.finditer(code, start, start + _MAX_GENERICS):
        depth += {b"<": 1, b">": -1}.get(mark.group(), 0)
        if depth == 0:
            return mark.end()
    return start


def _macros(code: bytes) -> Iterator[_Substitution]:
    """Yield what makes an empty module of `macro name(..) { .. }`."""
    found = list(_MACRO.finditer(code))
    closings = _closings(code) if found else {}
    for match in found:
        body = match.end()
        if code[body : body + 1] == b"(":
            opening = _BODY.match(code, closings.get(body, len(code)) + 1)
            if opening is None:
                continue
            yield body, opening.end() - 1, b" " * (opening.end() - 1 - body)
            body = opening.end() - 1
        end = closings.get(body)
        if end is not None:
            yield match.start(), match.start() + 5, b"mod  "
            yield body + 1, end, b" " * (end - body - 1)


def _tildes(code: bytes) -> Iterator[_Substitution]:
    """Yield the tildes among the tokens of macros."""
    closings = _closings(code) if b"~" in code else {}
    position = 0
    for match in _CALL.finditer(code):
        end = closings.get(match.end(), 0)
        for tilde in _TILDE.finditer(code, max(position, match.end()), end):
            yield *tilde.span(), b" "
        position = max(position, end)


def _trait_aliases(code: bytes) -> Iterator[_Substitution]:
    """Yield what makes an alias of a type of `trait Name<..> = ..;`."""
    for match in _TRAIT.finditer(code):
        if _ALIAS.match(code, _generics_end(code, match.end())):
            yield match.start(), match.start() + 5, b"type "


def _struct_bounds(code: bytes) -> Iterator[_Substitution]:
    """Yield the `where` of a struct without fields."""
    for match in _STRUCT.finditer(code):
        where = _WHERE.match(code, _generics_end(code, match.end()))
        if where is not None:
            yield *where.span(1), _blank(where.group(1))


def _pointer_bounds(code: bytes) -> Iterator[_Substitution]:
    """Yield what makes a tuple of a function pointer's type that has bounds."""
    found = list(_POINTER.finditer(code))
    closings = _closings(code) if found else {}
    for match in found:
        start, opening = match.span(1)
        end = closings.get(opening, len(code)) + 1
        returned = _RETURNED.match(code, end)
        if returned is not None:
            yield start, returned.end(), b" " * (returned.end() - start)
        elif _COLON.match(code, end):
            is_empty = not code[opening + 1 : end - 1].strip()
            kept = end if is_empty else opening
            yield start, kept, (b"u8" if is_empty else b"").ljust(kept - start)


def _attributes(code: bytes) -> Iterator[_Substitution]:
    """Yield attributes in front of fields, arguments, expressions and the like."""
    closings = _closings(code)
    before = -1
    for match in _ATTRIBUTE.finditer(code):
        start, end = match.start(), closings.get(match.end(), -1) + 1
        head = code[max(0, start - _MAX_BLANKS) : start].rstrip()
        is_next = start - before <= _MAX_BLANKS and not code[before:start].strip()
        if end and (head.endswith(_IN_AN_ITEM) or (before >= 0 and is_next)):
            yield start, end, b" " * (end - start)
            before = end


def _bounds(code: bytes) -> Iterator[_Substitution]:
    """Yield what stands in place of bounds that are empty, or that end with a plus."""
    for match in _GENERIC.finditer(code):
        start = match.end()
        for colon in _NO_BOUND.finditer(code, start, _generics_end(code, start)):
            yield *colon.span(), _blank(colon.group())
    for match in _TRAIT.finditer(code):
        colon_of_none = _NO_SUPERTRAIT.match(code, _generics_end(code, match.end()))
        if colon_of_none is not None:
            yield *colon_of_none.span(1), b" "
    for match in _PREDICATES.finditer(code):
        for predicate in _NO_BOUNDS.finditer(code, *match.span()):
            group = predicate.lastindex or 0
            yield *predicate.span(group), _blank(predicate.group(group))


GUESSES: tuple[Guess, ...] = (*(gap.find for gap in _GUESSED), _bounds, _attributes, _every_guess)
"""Ways to replace more, from the narrowest to all at once."""
