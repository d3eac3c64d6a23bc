"""What tells a call of a macro from the other calls of it, where the macro defines something."""

import re

from rsidx.exporters.edits.tokens import tokens, without_attributes, without_comments

_MAX_BYTES = 4000
"""A call is named by what stands in its first bytes, documentation included."""
_NAME = re.compile(rb"(?:r#)?[A-Za-z_\x80-\xff][\w\x80-\xff]*+")
_NO_NAMES = frozenset(
    b"async const crate enum extern flags fn impl in mod mut name pub ref static struct super trait"
    b" type union unsafe".split()
)
"""Words in front of a name: Rust's, `flags` of the first `bitflags!`, and `name:` of macros that
name their arguments."""


def call_name(text: bytes) -> str:
    """Return the name of a macro call: the macro, and the first name that it is given.

    `rgtest!(r30, |dir| …)` is `rgtest!r30`; `private_impl! {}`, which is given none, is
    `private_impl!`; and what is no call has no name.
    """
    code = without_attributes(without_comments(tokens(text[:_MAX_BYTES])))
    if b"!" not in code:
        return ""
    at = code.index(b"!")
    names = (one for one in code[at + 1 :] if _NAME.fullmatch(one) and one not in _NO_NAMES)
    return b"".join((*code[: at + 1], next(names, b""))).decode(errors="replace")
