"""Line ends: a target has those of the code that it replaces.

Some editors and settings of git rewrite every line end of a file. That is no part of a change that
anybody asks for, and nobody sees it in a prompt.
"""

LF, CRLF = "lf", "crlf"
_BREAKS = {LF: "\n", CRLF: "\r\n"}


def line_ends_of(text: bytes) -> str | None:
    """Return the line ends of a text; None where it has none, or both."""
    n_lines, n_crlf = text.count(b"\n"), text.count(b"\r\n")
    if not n_lines or 0 < n_crlf < n_lines:
        return None
    return CRLF if n_crlf else LF


def with_line_ends(text: str, line_ends: str) -> str:
    """Return a text with all of its line ends alike."""
    return text.replace("\r\n", "\n").replace("\n", _BREAKS[line_ends])
