"""The files that every data set has beside its rows, and how they are written."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

MANIFEST = "manifest.json"
CHECKSUMS = "SHA256SUMS"
META = "meta.jsonl"
"""The ending of the files with what is known of rows."""


def manifest_file(path: Path) -> Path:
    """Return the manifest of a data set, given its folder or the manifest itself."""
    return path / MANIFEST if path.is_dir() else path


def split_files(folder: Path, split: str, ending: str) -> list[Path]:
    """Return the files of one ending of a split: `train.jsonl`, or its shards in their order."""
    shard = re.compile(rf"{split}-\d{{5,}}\.{re.escape(ending)}")
    shards = [path for path in folder.glob(f"{split}-*.{ending}") if shard.fullmatch(path.name)]
    return sorted(shards, key=lambda path: (len(path.name), path.name)) or [
        folder / f"{split}.{ending}"
    ]


def write_json(path: Path, value: Any) -> None:
    """Write JSON for people to read, keys in a fixed order."""
    path.write_text(json_text(value), "utf-8")


def json_text(value: Any) -> str:
    """Return JSON as `write_json` writes it."""
    return json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_checksums(folder: Path) -> dict[str, str]:
    """Write SHA256SUMS over every file but the manifest, whose times differ by run.

    Return the checksums by name, that of SHA256SUMS itself included.
    """
    files = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name not in (MANIFEST, CHECKSUMS):
            files[name] = sha256_of(path)
    sums = "".join(f"{digest}  {name}\n" for name, digest in files.items()).encode()
    (folder / CHECKSUMS).write_bytes(sums)
    return {**files, CHECKSUMS: hashlib.sha256(sums).hexdigest()}
