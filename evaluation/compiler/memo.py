"""Checks that were made before, by everything that decides what comes of them."""

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rsidx.evaluation.compiler.cargo import Build
from rsidx.evaluation.compiler.diagnostics import Diagnostic
from rsidx.evaluation.compiler.feedback import MAX_CHARS
from rsidx.evaluation.lines import append_line, read_lines

_NOT_KEPT = frozenset({"timeout", "killed", "dependencies"})
"""Outcomes that say something of the machine as well: crates can be fetched later."""
_MAX_ERRORS = 40


class Memo:
    """The builds of earlier checks, in a file of JSON lines; several threads may use it.

    A timeout, a killed process and crates that are not there are never kept.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._builds: dict[str, Build] = {}
        self.n_used = 0
        for line in read_lines(file):
            self._builds[line["key"]] = _build(line)

    def get(self, key: str) -> Build | None:
        """Return what came of a check, None if it was not made."""
        with self._lock:
            build = self._builds.get(key)
            self.n_used += build is not None
            return build

    def put(self, key: str, build: Build) -> None:
        """Keep what came of a check."""
        if build.outcome in _NOT_KEPT:
            return
        with self._lock:
            self._builds[key] = build
            append_line(self._file, {"key": key, **_line(build)})


def _line(build: Build) -> dict[str, Any]:
    errors = [
        {
            "code": one.code,
            "message": one.message,
            "spans": one.spans,
            "rendered": one.rendered[:MAX_CHARS],
        }
        for one in build.errors[:_MAX_ERRORS]
    ]
    return {
        "outcome": build.outcome,
        "errors": errors,
        "is_rebuilt": build.is_rebuilt,
        "said": build.said,
        "seconds": round(build.seconds, 3),
    }


def _build(line: Mapping[str, Any]) -> Build:
    errors = tuple(
        Diagnostic(
            one["code"],
            one["message"],
            tuple((p, s, e) for p, s, e in one["spans"]),
            # An earlier release did not keep it.
            one.get("rendered", ""),
        )
        for one in line["errors"]
    )
    return Build(line["outcome"], errors, line["is_rebuilt"], line["said"], line["seconds"])
