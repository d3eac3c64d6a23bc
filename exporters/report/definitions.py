"""Names that a row's target defines, and those that it uses."""

import re

from rsidx.exporters.report.row_text import RowText, code_of, names_in

_DEFINITION = re.compile(
    r"\b(?:fn|struct|enum|union|trait|type|const|static|mod|macro_rules!)\s++(?:mut\s++)?(?:r#)?"
    r"([^\W\d]\w*+)"
)
_MEMBER = re.compile(
    r"^[ \t]*+(?:pub(?:\([^()\n]{0,80}\))?[ \t]++)?(?:r#)?([^\W\d]\w*+)[ \t]*+(?::(?!:)|[({,=]|$)",
    re.MULTILINE,
)
_WITH_MEMBERS = frozenset({"struct", "enum", "union"})
_KEYWORDS = frozenset(
    "as async await break const continue crate dyn else enum extern false fn for if impl in let "
    "loop macro_rules match mod move mut pub ref return self Self static struct super trait true "
    "type union unsafe use where while _".split()
)


def defined_names(row: RowText) -> set[str]:
    """Return the names that the new code of a row defines, and its old code does not have."""
    code = code_of(row.new)
    names = set(_DEFINITION.findall(code))
    if row.meta["kind"] in _WITH_MEMBERS:
        names |= set(_MEMBER.findall(code))
    return names - names_in(code_of(row.old)) - _KEYWORDS


def used_names(row: RowText) -> set[str]:
    """Return the names in the new code of a row, but for its own."""
    return names_in(code_of(row.new)) - _KEYWORDS - {row.meta["symbol"]}
