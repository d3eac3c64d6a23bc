"""Filters on edits by their change: deletions, formatting and white space."""

from rsidx.exporters.edits.similarity import same_tokens
from rsidx.exporters.filters.filter import EditView, Filter


def _is_deletion(view: EditView) -> bool:
    return view.edit.new is None


def _is_formatting(view: EditView) -> bool:
    edit = view.edit
    return edit.change == "modify" and not edit.is_no_op and same_tokens(view.old, view.new)


def _is_blank(view: EditView) -> bool:
    return not view.old.strip() and not view.new.strip()


CHANGES = (
    Filter("deletions", "edit", "code that is only removed", _is_deletion),
    Filter(
        "formatting",
        "edit",
        "the same text but for white space and trailing commas",
        _is_formatting,
    ),
    Filter("blank", "edit", "edits of white space alone", _is_blank, always=True),
)
