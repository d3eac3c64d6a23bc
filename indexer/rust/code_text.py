"""What of a file is code: not its comments and literals, a shebang, or front matter."""

import re

_LITERAL = re.compile(
    rb"""//[^\n]*+
    |(?P<comment>/\*)
    |(?<!\w)[bc]?r(?P<hashes>\#*+)(?P<raw>")
    |"(?:[^"\\]++|\\.)*+"?
    |'(?:\\(?:u\{[^{}'\n]*+\}|x..|.)|[^\\'\n\x80-\xff]|[\xc2-\xf4][\x80-\xbf]+)'
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT_MARK = re.compile(rb"/\*|\*/")
_NOT_A_BREAK = re.compile(rb"[^\n]")
_SHEBANG = re.compile(
    rb"(?:\xef\xbb\xbf)?#!((?:\s|//(?![/!])[^\n]*+\n|/\*(?![*!])[^*]*+\*/)*+)(\[|[^\n]*+\Z)"
)
_FRONT_MATTER = re.compile(
    rb"\A(?:\xef\xbb\xbf)?(?:#![^\[\n][^\n]*\n)?\s*+(-{3,}+)[^\n]*+\n(?:.*?\n)?\1[ \t\r]*(?=\n|\Z)",
    re.DOTALL,
)


def opened(source: bytes) -> bytes:
    """Return a file's text with its first line as the grammar wants it, mostly the file itself.

    `#! [..]` is an attribute and no shebang, whatever white space is inside; and a shebang's line
    may be the last.
    """
    match = _SHEBANG.match(source) if source[:5].lstrip(b"\xef\xbb\xbf").startswith(b"#!") else None
    if match is None:
        return source
    start, end = match.span(1)
    if match.group(2) == b"[":
        return source[:start] + b"[" + source[start:end] + source[match.end() :]
    return b" " * len(source)


def front_matter_end(source: bytes) -> int:
    """Return where the front matter of a cargo script ends, with its line; 0 if there is none."""
    match = _FRONT_MATTER.match(source)
    return min(match.end() + 1, len(source)) if match else 0


def without_front_matter(source: bytes) -> bytes:
    """Return a file with the front matter of a cargo script blank."""
    return _FRONT_MATTER.sub(lambda match: _NOT_A_BREAK.sub(b" ", match.group()), source)


def code_of(source: bytes) -> bytes:
    """Return a file with its comments, and the contents of its literals, blank."""
    code = bytearray(source)
    position = 0
    while match := _LITERAL.search(source, position):
        start, position = match.span()
        end = position
        if match.group("comment"):
            end = position = _comment_end(source, position)
        elif match.group("raw"):
            start, closing = end, b'"' + match.group("hashes")
            end = source.find(closing, start)
            end = end if end >= 0 else len(source)
            position = end + len(closing)
        elif source[start : start + 1] != b"/":
            start, end = start + 1, max(start + 1, end - 1)
        code[start:end] = b" " * (end - start)
    return bytes(code)


def _comment_end(source: bytes, position: int) -> int:
    """Return where a block comment ends that was opened before; they nest."""
    depth = 1
    for mark in _COMMENT_MARK.finditer(source, position):
        depth += 1 if mark.group() == b"/*" else -1
        if depth == 0:
            return mark.end()
    return len(source)
