"""Filters on edits by their change: deletions, and edits that change next to nothing."""

from rsidx.exporters.edits.similarity import same_tokens
from rsidx.exporters.edits.tiny import ATTRIBUTES, COMMENTS, DOCUMENTATION, VISIBILITY
from rsidx.exporters.edits.tokens import strings_of
from rsidx.exporters.filters.filter import EditView, Filter


def _is_deletion(view: EditView) -> bool:
    return view.edit.new is None


def _is_formatting(view: EditView) -> bool:
    if view.edit.old is None or view.edit.new is None or view.edit.is_no_op:
        return False
    return same_tokens(view.old, view.new) and strings_of(view.old) == strings_of(view.new)


def _is_blank(view: EditView) -> bool:
    return not view.old.strip() and not view.new.strip()


CHANGES = (
    Filter("deletions", "edit", "code that is only removed", _is_deletion),
    Filter(
        "formatting",
        "edit",
        "the same code but for white space outside of strings, how strings are wrapped, and commas "
        "that may be left out",
        _is_formatting,
    ),
    Filter("blank", "edit", "edits of white space alone", _is_blank, always=True),
    Filter(
        "comments",
        "edit",
        "edits of comments alone that add no line of documentation, and change no Rust code of its "
        "examples",
        lambda view: view.tiny() == COMMENTS,
    ),
    Filter(
        "import_order",
        "edit",
        "the same imports in another order or grouping",
        lambda view: view.has_same_imports() and view.tiny() is None,
    ),
    Filter(
        "documentation",
        "edit",
        "edits of comments alone that add lines of documentation",
        lambda view: view.tiny() == DOCUMENTATION,
        optional=True,
    ),
    Filter(
        "attributes",
        "edit",
        "edits of attributes, and perhaps comments, alone",
        lambda view: view.tiny() == ATTRIBUTES,
        optional=True,
    ),
    Filter(
        "visibility",
        "edit",
        "edits of visibility, and perhaps comments and attributes, alone",
        lambda view: view.tiny() == VISIBILITY,
        optional=True,
    ),
)
