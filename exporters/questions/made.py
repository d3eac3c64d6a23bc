"""Which of the edits that are made already a prompt shows: those that an export has as rows."""

import re

from rsidx.exporters.edits.edit import Edit
from rsidx.store.reader import Reader

_WITH_MEMBERS = frozenset({"impl", "trait", "mod", "extern", "macro_call"})
_WITHOUT_THEM = re.compile(rb"\{[ \t]*\r?\n\s*\}\s*\Z")
"""Braces on two lines wait for something; an impl that is complete is written `{}`."""


def is_worth_showing(reader: Reader, edit: Edit) -> bool:
    """Tell whether an edit made anything: more than braces for members that are to come."""
    if edit.new is None or edit.old is not None or edit.kind not in _WITH_MEMBERS:
        return True
    text = b"".join(reader.text(chunk.id) for chunk in edit.new.chunks)
    return _WITHOUT_THEM.search(text) is None
