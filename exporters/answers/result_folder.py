"""The folder that `rsidx eval` writes verdicts to: the names of its files, and reading them."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from rsidx.errors import ExportError

FORMAT = "rsidx-result"
FORMAT_VERSION = 1
HEADER_FILE = "result.json"
EDITS_FILE = "edits.jsonl"
VERDICTS_FILE = "verdicts.jsonl"


def header_of(folder: Path) -> dict[str, Any]:
    """Return the header of a result; raises ExportError where there is none, or another format."""
    try:
        header = json.loads((folder / HEADER_FILE).read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise ExportError(f"{folder} is no result that can be read: {error}") from error
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise ExportError(f"{folder} is no result of rsidx eval")
    if header.get("format_version") != FORMAT_VERSION:
        raise ExportError(
            f"{folder} has format version {header.get('format_version')}, and this rsidx reads "
            f"{FORMAT_VERSION}"
        )
    if header.get("kind") != "edit":
        raise ExportError(f"{folder} has verdicts on rows of kind {header.get('kind')}, not edit")
    return header


def lines_of(folder: Path, name: str) -> Iterator[dict[str, Any]]:
    """Yield the lines of a file of a result, none where it is not there.

    What follows the last line break was not written to its end. Raises ExportError.
    """
    try:
        with (folder / name).open("rb") as lines:
            yield from (json.loads(line) for line in lines if line.endswith(b"\n") and line.strip())
    except FileNotFoundError:
        return
    except (OSError, ValueError, RecursionError) as error:
        raise ExportError(f"{folder / name} cannot be read: {error}") from error


def digest_of(folders: Iterable[str]) -> str:
    """Return a digest of all that rows are made of in some results; raises ExportError."""
    digest = hashlib.sha256()
    for folder in folders:
        for name in (HEADER_FILE, EDITS_FILE, VERDICTS_FILE):
            try:
                content = (Path(folder) / name).read_bytes()
            except OSError as error:
                raise ExportError(f"{folder} is no result that can be read: {error}") from error
            digest.update(b"%d\0" % len(content) + content)
    return digest.hexdigest()
