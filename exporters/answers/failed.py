"""Answers that failed the gate, by the place that they are an answer for."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from rsidx.errors import ExportError
from rsidx.exporters.answers.result_folder import EDITS_FILE, VERDICTS_FILE, header_of, lines_of

FAILED = ("error", "not_the_symbol")
"""The verdicts that say that code is wrong, and why."""
TRAIN = "train"


class Place(NamedTuple):
    """Where an edit is: a commit, the path in it, and each side's blob with a range, or None."""

    commit: str
    path: str
    old: tuple[str, int, int] | None
    new: tuple[str, int, int] | None


@dataclass(frozen=True, slots=True)
class FailedAnswer:
    """The code of an answer, its verdict, and what a model is told of the errors.

    `sample` is that of the prediction; of a self-test, what kind of code it is.
    """

    code: str
    verdict: str
    errors: str
    sample: str


@dataclass(frozen=True, slots=True)
class Judged:
    """The answers to an edit that failed, each once, and counts of the others by reason."""

    failed: tuple[FailedAnswer, ...]
    left_out: Counter[str]


class FailedAnswers:
    """The verdicts of some results; raises ExportError where one is none that can be read.

    The reasons of `left_out` are `answers_` and the verdict of those that do not say why code is
    wrong (`answers_compiles`); `answers_redacted`: a secret was in it; `answers_not_kept`: it was
    too long; and `answers_repeated`.
    """

    def __init__(self, folders: Iterable[str]) -> None:
        self._by_place: dict[Place, Judged] = {}
        self._held_out: set[str] = set()
        for folder in map(Path, folders):
            split = str(header_of(folder).get("split"))
            for place, judged in _read(folder):
                before = self._by_place.get(place, Judged((), Counter()))
                self._by_place[place] = _joined(before, judged)
                if split != TRAIN:
                    self._held_out.add(place.commit)
        self._commits = {place.commit for place in self._by_place}

    def of(self, place: Place) -> Judged | None:
        """Return the answers to an edit, None where there are none."""
        return self._by_place.get(place)

    def has(self, commit: str) -> bool:
        """Tell whether there are answers to edits of a commit."""
        return commit in self._commits

    def held_out(self) -> frozenset[str]:
        """Return the commits whose verdicts are of val or test."""
        return frozenset(self._held_out)


def _read(folder: Path) -> Iterator[tuple[Place, Judged]]:
    verdicts: dict[str, list[dict[str, Any]]] = {}
    try:
        for line in lines_of(folder, VERDICTS_FILE):
            if "code" not in line:
                raise ExportError(
                    f"{folder} does not have the code of its answers, since an earlier rsidx wrote "
                    "it; check the answers again"
                )
            verdicts.setdefault(line["edit_id"], []).append(line)
        for line in lines_of(folder, EDITS_FILE):
            place = Place(line["commit"], line["path"], _range(line["old"]), _range(line["new"]))
            yield place, _judged(verdicts.get(line["edit_id"], ()))
    except (LookupError, TypeError) as error:
        raise ExportError(f"{folder} is no result that can be read: it has no {error}") from error


def _range(given: Mapping[str, Any] | None) -> tuple[str, int, int] | None:
    return (given["blob"], given["start"], given["end"]) if given is not None else None


def _judged(lines: Iterable[Mapping[str, Any]]) -> Judged:
    found, left_out = [], Counter[str]()
    for line in lines:
        reason = _why_not(line)
        if reason is not None:
            left_out[f"answers_{reason}"] += 1
            continue
        sample = str(line["sample"] if "sample" in line else line["probe"])
        found.append(FailedAnswer(line["code"], line["verdict"], line["errors"], sample))
    return _joined(Judged((), left_out), Judged(tuple(found), Counter()))


def _why_not(line: Mapping[str, Any]) -> str | None:
    if line["verdict"] not in FAILED:
        return str(line["verdict"])
    if line["code"] is None:
        return "not_kept"
    return "redacted" if line["is_redacted"] else None


def _joined(one: Judged, other: Judged) -> Judged:
    by_code: dict[str, FailedAnswer] = {}
    answers = (*one.failed, *other.failed)
    for answer in answers:
        by_code.setdefault(answer.code, answer)
    left_out = one.left_out + other.left_out
    left_out["answers_repeated"] += len(answers) - len(by_code)
    return Judged(tuple(by_code.values()), +left_out)
