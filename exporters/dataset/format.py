"""The versions of the data set's format: which of them this release reads, and in which it prompts.

Version 0 is what rsidx 0.1.0 wrote: its manifest names no format.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rsidx import __version__
from rsidx.errors import ExportError
from rsidx.exporters.dataset.layout import manifest_file

FORMAT = "rsidx-dataset"
FORMAT_VERSION = 1
LAST_RELEASES: Mapping[int, str] = {0: "0.1.0"}
"""The format versions whose prompts are no longer written, each with the last release that did."""


def version_of(manifest: Mapping[str, Any]) -> int | None:
    """Return the format version of a data set; None where its manifest is not by rsidx.

    Raises ExportError for a version that this release does not know.
    """
    if "format" not in manifest and isinstance(manifest.get("rsidx_version"), str):
        return 0
    if manifest.get("format") != FORMAT:
        return None
    version = manifest.get("format_version")
    if type(version) is not int or not 1 <= version <= FORMAT_VERSION:
        raise ExportError(
            f"format version {version} (by rsidx {manifest.get('rsidx_version')}), but rsidx "
            f"{__version__} reads versions up to {FORMAT_VERSION}"
        )
    return version


def read_manifest(path: Path) -> dict[str, Any]:
    """Return the manifest of a data set, given its folder or the manifest itself.

    Raises ExportError where there is no data set that this release can read.
    """
    try:
        manifest = json.loads(manifest_file(path).read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ExportError(f"{path} is no export that can be read: {error}") from error
    if not isinstance(manifest, dict):
        raise ExportError(f"{path} is no export that can be read: its manifest is no object")
    try:
        version = version_of(manifest)
    except ExportError as error:
        raise ExportError(f"{path} has {error}; upgrade rsidx to read it") from error
    if version is None:
        raise ExportError(f"{path} is no export that can be read: its manifest is not by rsidx")
    return manifest


def check_prompts(path: Path, manifest: Mapping[str, Any]) -> None:
    """Raise ExportError where this release does not write prompts as a data set has them."""
    version = version_of(manifest)
    last = LAST_RELEASES.get(version) if version is not None else None
    if last is not None:
        raise ExportError(
            f"{path} has format version {version}: rsidx {last} is the last release that writes "
            "its prompts"
        )
