"""The filter for what is not Rust: fragments of files that do not parse, and broken manifests.

The index keeps where a file could not be parsed, after the gaps of the grammar were worked around.
`docs/rows.md` compares the filter with the compiler's own parser.
"""

from collections.abc import Sequence

from rsidx.exporters.filters.filter import EditView, Filter

_MAX_SHARE = 0.1


def is_not_rust(view: EditView) -> bool:
    """Tell whether an edit's new code has an error, or over a tenth of its file lies in errors.

    A manifest that is TOML has no edits, so what is not in a Rust file is a broken one.
    """
    side = view.edit.new
    if side is None:
        return False
    if not view.path.endswith(b".rs"):
        return True
    errors = view.errors()
    if not errors:
        return False
    return is_broken(errors, view.n_bytes(), side.start, side.start + len(view.new))


def is_broken(errors: Sequence[tuple[int, int]], n_bytes: int, start: int, end: int) -> bool:
    """Tell whether an error is in a range of a file, or over a tenth of the file lies in errors."""
    if sum(last - first for first, last in errors) > _MAX_SHARE * n_bytes:
        return True
    return any(_is_in(error, start, end) for error in errors)


def _is_in(error: tuple[int, int], start: int, end: int) -> bool:
    """Tell whether an error is in a range; what is missing at its end is missing in it."""
    if error[0] == error[1]:
        return start < error[0] <= end or error[0] == start == 0
    return error[0] < end and error[1] > start


SYNTAX = (
    Filter(
        "syntax",
        "edit",
        "new code with a syntax error or the marks of a merge conflict, code of a file of which "
        "over a tenth lies in syntax errors, and a Cargo.toml that is not TOML",
        is_not_rust,
    ),
)
