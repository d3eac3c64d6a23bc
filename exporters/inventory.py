"""The files of an export: its manifest lists them with their checksums, and itself.

Whatever else is in the folder was put there by somebody else, and is never removed.
"""

import hashlib
import json
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, TypeGuard

from rsidx.errors import ExportError
from rsidx.exporters.writer import CHECKSUMS, MANIFEST, json_text

FORMAT = "rsidx-dataset"
FORMAT_VERSION = 1
_SEAL = "sha256"
_LEFT_BY_DESKTOPS = frozenset(
    {".DS_Store", ".localized", ".directory", "Thumbs.db", "ehthumbs.db", "desktop.ini"}
)


def sealed(manifest: Mapping[str, Any], files: Mapping[str, str]) -> dict[str, Any]:
    """Return a manifest that lists `files` (SHA-256 by name) and vouches for its own content."""
    whole = {k: v for k, v in manifest.items() if k != _SEAL}
    whole |= {"format": FORMAT, "format_version": FORMAT_VERSION, "files": dict(files)}
    return {**whole, _SEAL: _digest(json_text(whole).encode())}


def read_files(folder: Path) -> dict[str, str] | None:
    """Return the checksums, by name, that an export's files must have; None for no export.

    The manifest is among them. That of version 0.1.0 lists no files and is taken as it stands:
    the names are those of `SHA256SUMS`. Raises ExportError for an export by a later version.
    """
    content = _read(folder / MANIFEST)
    try:
        manifest = json.loads(content or b"null")
    except (ValueError, RecursionError):
        return None
    if content is None or not isinstance(manifest, dict):
        return None
    if "format" not in manifest and isinstance(manifest.get("rsidx_version"), str):
        return _files_of_0_1_0(folder, content)
    files = manifest.get("files")
    if manifest.get("format") != FORMAT or not _is_listing(files):
        return None
    if manifest.get("format_version") != FORMAT_VERSION:
        raise ExportError(
            f"{folder} was exported by another version of rsidx (format version "
            f"{manifest.get('format_version')}, this one writes {FORMAT_VERSION}); name another "
            "folder"
        )
    # What the file's bytes are if nobody changed them.
    unchanged = json_text(sealed(manifest, files)).encode()
    return {**files, MANIFEST: _digest(unchanged)}


def _files_of_0_1_0(folder: Path, manifest: bytes) -> dict[str, str] | None:
    sums = _read(folder / CHECKSUMS)
    lines = [line.partition("  ") for line in (sums or b"").decode("utf-8", "replace").splitlines()]
    if sums is None or not lines or not all(name for _, _, name in lines):
        return None
    files = {name: digest for digest, _, name in lines}
    return {**files, CHECKSUMS: _digest(sums), MANIFEST: _digest(manifest)}


def _is_listing(value: object) -> TypeGuard[dict[str, str]]:
    return isinstance(value, dict) and all(isinstance(digest, str) for digest in value.values())


def _read(file: Path) -> bytes | None:
    """Return the content of a regular file; None for anything else, a link included."""
    try:
        return file.read_bytes() if stat.S_ISREG(file.lstat().st_mode) else None
    except FileNotFoundError:
        return None


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def walk(folder: Path, files: Mapping[str, str]) -> Iterator[tuple[str, os.stat_result]]:
    """Yield all that a folder holds, by its name as in `files`, with its lstat.

    Only folders that files of the export belong in are entered, by no link, and on no other
    file system: what else is a folder is yielded as one.
    """
    parents = {str(parent) for name in files for parent in PurePosixPath(name).parents}
    waiting = [""]
    device = folder.lstat().st_dev
    while waiting:
        inside = waiting.pop()
        with os.scandir(folder / inside) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                name = f"{inside}/{entry.name}" if inside else entry.name
                status = entry.stat(follow_symlinks=False)
                if (
                    stat.S_ISDIR(status.st_mode)
                    and name in parents
                    and status.st_dev == device
                    and not os.path.ismount(entry.path)
                ):
                    waiting.append(name)
                else:
                    yield name, status


def is_ours(name: str, status: os.stat_result, files: Mapping[str, str]) -> bool:
    """Tell whether a file is one of the export's, or what a desktop leaves in any folder."""
    if not stat.S_ISREG(status.st_mode):
        return False
    last = name.rsplit("/", 1)[-1]
    # What macOS keeps beside a file where the file system has no place for it.
    companion = f"{name[: -len(last)]}{last.removeprefix('._')}"
    return name in files or last in _LEFT_BY_DESKTOPS or companion in files
