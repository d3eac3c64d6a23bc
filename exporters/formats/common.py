"""What formats share: the mark of a token without loss, and libraries that few exports need."""

from importlib import import_module
from typing import Any

from rsidx.errors import ExportError

IGNORED = -100
"""The label of a token without loss, as trainers expect it."""
MASKS = ("loss_mask", "completion_mask")
"""What trainers that take no labels call a column with 1 for a token with loss, 0 for others."""


def import_extra(name: str, ending: str, extra: str) -> Any:
    """Import a module of an extra; raises ExportError where it is not installed."""
    try:
        return import_module(name)
    except ImportError as error:
        raise ExportError(
            f"--format {ending} needs more: pip install 'rsidx[{extra}]' ({error})"
        ) from error
