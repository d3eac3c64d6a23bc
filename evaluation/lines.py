"""Files of JSON lines that grow as work is done, and are read again after an interruption."""

import json
import os
from pathlib import Path
from typing import Any


def read_lines(file: Path) -> list[dict[str, Any]]:
    """Return the lines of a file, none where it is not there.

    What follows the last line break is the beginning of a line that was interrupted: it is cut off.
    """
    if not file.exists():
        return []
    content = file.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        os.truncate(file, whole)
    return [json.loads(line) for line in content[:whole].split(b"\n") if line]


def append_line(file: Path, value: dict[str, Any]) -> None:
    """Add a line to a file, in one write."""
    line = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    try:
        os.write(descriptor, line)
    finally:
        os.close(descriptor)
