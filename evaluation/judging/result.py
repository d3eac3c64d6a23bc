"""The folder of a result: what was checked and how, and the verdicts as they come."""

import json
import threading
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rsidx import __version__
from rsidx.errors import EvaluationError
from rsidx.evaluation.edits import JudgedEdit
from rsidx.evaluation.judging.verdict import Reference, Verdict
from rsidx.evaluation.lines import append_line, read_lines
from rsidx.exporters.answers.result_folder import (
    EDITS_FILE,
    FORMAT,
    FORMAT_VERSION,
    HEADER_FILE,
    VERDICTS_FILE,
)
from rsidx.files import put

_MUST_AGREE = ("purpose", "export", "split", "rustc", "checks", "unlocked", "sandbox", "cargo")


@dataclass(frozen=True, slots=True)
class ResultLines:
    """A result as it was read: its header, and its lines as dictionaries."""

    folder: Path
    header: Mapping[str, Any]
    edits: tuple[dict[str, Any], ...]
    verdicts: tuple[dict[str, Any], ...]


class ResultWriter:
    """Adds edits and verdicts to a result's folder, from several threads, each of them once."""

    def __init__(self, folder: Path, header: Mapping[str, Any]) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / HEADER_FILE
        if file.exists():
            _check_same(folder, read_header(folder), header)
        elif any(folder.iterdir()):
            raise EvaluationError(f"{folder} has files that are of no result; name another folder")
        else:
            full = {"format": FORMAT, "format_version": FORMAT_VERSION, **header}
            full["rsidx_version"] = __version__
            put(file, json.dumps(full, indent=2, sort_keys=True).encode() + b"\n")
        self._edits = {line["edit_id"] for line in read_lines(folder / EDITS_FILE)}
        self._done = {
            (line["edit_id"], _key(line)): line["answer"]
            for line in read_lines(folder / VERDICTS_FILE)
        }

    def has(self, edit_id: str, sample: int | str, answer: str) -> bool:
        """Tell whether a verdict is there.

        Raises EvaluationError where it is that of another answer.
        """
        known = self._done.get((edit_id, sample))
        if known is not None and known != answer:
            raise EvaluationError(
                f"{self._folder} has a verdict on another answer to edit {edit_id}, sample "
                f"{sample}; name another folder"
            )
        return known is not None

    def is_judged(self, edit_id: str) -> bool:
        """Tell whether an edit is there."""
        with self._lock:
            return edit_id in self._edits

    def add_edit(self, edit: JudgedEdit, reference: Reference) -> None:
        """Add what is known of an edit, unless it is there."""
        with self._lock:
            if edit.id in self._edits:
                return
            self._edits.add(edit.id)
            described = asdict(edit)
            del described["rows"], described["id"], described["is_whole"]
            line = {
                "edit_id": edit.id,
                "ids": edit.ids,
                "n_parts": edit.n_parts,
                **described,
            }
            append_line(self._folder / EDITS_FILE, {**line, **asdict(reference)})

    def add_verdict(
        self,
        edit: JudgedEdit,
        sample: int | str,
        answer: str,
        reference: Reference,
        verdict: Verdict,
    ) -> None:
        """Add a verdict; `sample` is a number, or of a self-test the kind of answer."""
        key = "sample" if isinstance(sample, int) else "probe"
        line = {"edit_id": edit.id, "ids": edit.ids, key: sample, "answer": answer}
        line |= {"lines": reference.lines, **verdict.line()}
        with self._lock:
            self._done[edit.id, sample] = answer
            append_line(self._folder / VERDICTS_FILE, line)


def _key(line: Mapping[str, Any]) -> int | str:
    found: int | str = line["sample"] if "sample" in line else line["probe"]
    return found


def _check_same(folder: Path, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    for name in _MUST_AGREE:
        if before.get(name) != now.get(name):
            raise EvaluationError(
                f"{folder} was begun with another {name}: {before.get(name)}, now {now.get(name)}; "
                "name another folder"
            )


def read_header(folder: Path) -> dict[str, Any]:
    """Return the header of a result; raises EvaluationError where there is none."""
    try:
        header = json.loads((folder / HEADER_FILE).read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise EvaluationError(f"{folder} is no result that can be read: {error}") from error
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise EvaluationError(f"{folder} is no result of rsidx eval")
    if header.get("format_version") != FORMAT_VERSION:
        raise EvaluationError(
            f"{folder} has format version {header.get('format_version')} (by rsidx "
            f"{header.get('rsidx_version')}), but rsidx {__version__} reads {FORMAT_VERSION}"
        )
    return header


def read_result(folder: Path) -> ResultLines:
    """Read a result; raises EvaluationError where there is none."""
    header = read_header(folder)
    try:
        edits, verdicts = (read_lines(folder / name) for name in (EDITS_FILE, VERDICTS_FILE))
    except (OSError, ValueError) as error:
        raise EvaluationError(f"{folder} is no result that can be read: {error}") from error
    return ResultLines(folder, header, tuple(edits), tuple(verdicts))


def by_commit(edits: Iterable[JudgedEdit]) -> list[tuple[JudgedEdit, ...]]:
    """Return the edits of each commit, the commits in the order of their dates."""
    groups: dict[tuple[str, str], list[JudgedEdit]] = {}
    for edit in edits:
        groups.setdefault((edit.time, edit.commit), []).append(edit)
    return [
        tuple(sorted(groups[key], key=lambda edit: (edit.path, edit.rows[0].number)))
        for key in sorted(groups)
    ]
