"""Libraries that some formats need, and most exports do not."""

from importlib import import_module
from typing import Any

from rsidx.errors import ExportError


def import_extra(name: str, ending: str, extra: str) -> Any:
    """Import a module of an extra; raises ExportError where it is not installed."""
    try:
        return import_module(name)
    except ImportError as error:
        raise ExportError(
            f"--format {ending} needs more: pip install 'rsidx[{extra}]' ({error})"
        ) from error
