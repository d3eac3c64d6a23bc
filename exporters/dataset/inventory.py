"""The files of an export: those that its manifest lists with their checksums, and the manifest.

Any other file in the folder is not rsidx's, and is never removed.
"""

import hashlib
import json
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, TypeGuard

from rsidx.errors import ExportError
from rsidx.exporters.dataset.format import FORMAT, FORMAT_VERSION, version_of
from rsidx.exporters.dataset.layout import CHECKSUMS, MANIFEST, json_text

_SEAL = "sha256"
_LEFT_BY_DESKTOPS = frozenset(
    {".DS_Store", ".localized", ".directory", "Thumbs.db", "ehthumbs.db", "desktop.ini"}
)


def sealed(manifest: Mapping[str, Any], files: Mapping[str, str]) -> dict[str, Any]:
    """Return a manifest that lists `files` (SHA-256 by name) and vouches for its own content."""
    whole = {k: v for k, v in manifest.items() if k != _SEAL}
    whole |= {"format": FORMAT, "format_version": FORMAT_VERSION, "files": dict(files)}
    return {**whole, _SEAL: _digest(json_text(whole).encode("utf-8", "surrogatepass"))}


def read_files(folder: Path) -> dict[str, str] | None:
    """Return the checksums, by name, that an export's files must have; None for no export.

    The manifest is among them. The manifest of version 0.1.0 lists no files: there the names are
    those of `SHA256SUMS`, and the manifest is accepted as it is. Raises ExportError for an export
    by a later version.
    """
    content = _read(folder / MANIFEST)
    try:
        manifest = json.loads(content or b"null")
    except (ValueError, RecursionError):
        return None
    if content is None or not isinstance(manifest, dict):
        return None
    try:
        version = version_of(manifest)
    except ExportError as error:
        raise ExportError(f"{folder} has {error}; name another folder") from error
    if version == 0:
        return _files_of_0_1_0(folder, content)
    files = manifest.get("files")
    if version is None or not _is_listing(files):
        return None
    # What the file's bytes are if nobody changed them.
    unchanged = json_text(sealed(manifest, files)).encode("utf-8", "surrogatepass")
    return {**files, MANIFEST: _digest(unchanged)}


def _files_of_0_1_0(folder: Path, manifest: bytes) -> dict[str, str] | None:
    sums = _read(folder / CHECKSUMS)
    lines = [line.partition("  ") for line in (sums or b"").decode("utf-8", "replace").splitlines()]
    files = {name: digest for digest, _, name in lines}
    if sums is None or not files or not _is_listing(files):
        return None
    return {**files, CHECKSUMS: _digest(sums), MANIFEST: _digest(manifest)}


def _is_listing(value: object) -> TypeGuard[dict[str, str]]:
    """Tell whether this maps names to checksums, and no name leads out of the folder."""
    return isinstance(value, dict) and all(
        isinstance(digest, str) and _is_inside(PurePosixPath(name))
        for name, digest in value.items()
    )


def _is_inside(name: PurePosixPath) -> bool:
    return bool(name.parts) and not name.is_absolute() and ".." not in name.parts


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

    Only the folders of files that are listed are entered, unless they are links or on another
    file system. Any other folder is yielded itself.
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
    """Tell whether a file is the export's, or one that desktops leave in any folder."""
    if not stat.S_ISREG(status.st_mode):
        return False
    last = name.rsplit("/", 1)[-1]
    # macOS keeps a file's attributes beside it where the file system cannot store them.
    companion = f"{name[: -len(last)]}{last.removeprefix('._')}"
    return name in files or last in _LEFT_BY_DESKTOPS or companion in files
