"""How many rows of a data set have a fault, by kind, in one pass over its files.

Of each row it keeps its id, which faults it has, and digests: of its prompt, its target, and of the
names that its target uses and its prompt does not show.
"""

from array import array
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rsidx.exporters.dataset.format import read_manifest
from rsidx.exporters.dataset.reader import readable, rows_with_meta
from rsidx.exporters.kinds import KINDS
from rsidx.exporters.rendering.encoder import Encoder, load
from rsidx.exporters.report.definitions import defined_names, used_names
from rsidx.exporters.report.faults import FAULT_KINDS, SAME_PROMPT, UNSEEN, Git
from rsidx.exporters.report.row_text import RowText, names_in, row_text
from rsidx.exporters.splits.split import SPLITS

_SEVERAL = -1
_TOP_SHARE = 100
Progress = Callable[[int, int], None]
"""Called with the rows that were looked at, and all."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A kind of fault: how many rows have it, their share of all, and the id of the first.

    All three are None for a kind that is not counted: the data set has no such rows, or no
    repository was given.
    """

    name: str
    description: str
    n_rows: int | None
    share: float | None
    example: str | None


@dataclass(frozen=True, slots=True)
class Audit:
    """What the rows of a data set have of faults.

    `n_faulty` rows have at least one of them. `largest_commit` is the id of the commit with most
    rows and `largest_share` its share of them, `top_share` that of the 1% of the commits with most
    rows; these are figures, not faults. `has_repository` says whether git was asked, too.
    """

    has_repository: bool

    n_rows: int
    n_faulty: int
    faults: tuple[Fault, ...]
    largest_commit: str | None
    largest_share: float
    top_share: float


def audit(out: Path, git: Git | None = None, progress: Progress | None = None) -> Audit:
    """Look at all rows of an export, beside its repository if that is given.

    Raises ExportError where `out` is no export that can be read.
    """
    manifest = read_manifest(out)
    with readable(out):
        kind = KINDS[manifest["config"]["kind"]]
        auditor = _Auditor(git, has_prompt=kind.has_prompt, has_message=kind.has_message)
        n_rows = sum(manifest["counts"]["examples"].values())
        for number, row in enumerate(_rows(out, manifest), 1):
            auditor.add(row)
            if progress is not None:
                progress(number, n_rows)
        return auditor.result()


def _rows(out: Path, manifest: dict[str, Any]) -> Iterator[RowText]:
    folder = out / "tokenizer"
    encoder = Encoder(load(str(folder)), source=str(folder))
    for split in SPLITS:
        for row, meta in rows_with_meta(out, split, manifest["config"]["format"]):
            yield row_text(row, meta, encoder)


class _Auditor:
    """Looks at one row after another; what it takes all rows to tell is told in the end.

    Invariant: `_ids`, `_prompts` and `_commit_of` have an entry for each row, in order.
    """

    def __init__(self, git: Git | None, *, has_prompt: bool, has_message: bool) -> None:
        self._git = git
        self._kinds = [
            fault
            for fault in FAULT_KINDS
            if (has_message or not fault.needs_edits)
            and (git is not None or not fault.needs_git)
            and (has_prompt or fault.name != SAME_PROMPT)
        ]
        self._found: dict[str, list[int]] = {fault.name: [] for fault in self._kinds}
        self._ids: list[str] = []
        self._commits: dict[str, int] = {}
        self._commit_of = array("q")
        self._prompts = array("q")
        self._targets: dict[int, int] = {}
        self._defined: dict[int, set[int]] = defaultdict(set)
        self._unshown: dict[int, array[int]] = {}

    def add(self, row: RowText) -> None:
        """Look at the next row."""
        number = len(self._ids)
        self._ids.append(row.meta["id"])
        commit = self._commits.setdefault(row.meta["commit"], len(self._commits))
        self._commit_of.append(commit)
        for fault in self._kinds:
            if fault.is_of is not None and fault.is_of(row, self._git):
                self._found[fault.name].append(number)
        if SAME_PROMPT in self._found:
            self._add_prompt(row)
        if UNSEEN in self._found:
            self._add_names(number, commit, row)

    def _add_prompt(self, row: RowText) -> None:
        prompt, target = hash(row.prompt), hash(row.new)
        self._prompts.append(prompt)
        if self._targets.setdefault(prompt, target) != target:
            self._targets[prompt] = _SEVERAL

    def _add_names(self, number: int, commit: int, row: RowText) -> None:
        defined = defined_names(row)
        self._defined[commit].update(map(hash, defined))
        unshown = used_names(row) - defined - names_in(row.prompt)
        if unshown:
            self._unshown[number] = array("q", map(hash, unshown))

    def result(self) -> Audit:
        """Return the counts."""
        if SAME_PROMPT in self._found:
            several = {prompt for prompt, one in self._targets.items() if one == _SEVERAL}
            self._found[SAME_PROMPT] = [
                number for number, prompt in enumerate(self._prompts) if prompt in several
            ]
        if UNSEEN in self._found:
            self._found[UNSEEN] = [number for number in self._unshown if self._is_unseen(number)]
        rows = Counter(self._commit_of)
        n_rows = len(self._ids)
        n_top = max(1, len(rows) // _TOP_SHARE)
        largest, n_largest = rows.most_common(1)[0] if rows else (None, 0)
        return Audit(
            has_repository=self._git is not None,
            n_rows=n_rows,
            n_faulty=len({number for numbers in self._found.values() for number in numbers}),
            faults=tuple(self._fault(fault.name, fault.description) for fault in FAULT_KINDS),
            largest_commit=list(self._commits)[largest] if largest is not None else None,
            largest_share=n_largest / max(1, n_rows),
            top_share=sum(n for _, n in rows.most_common(n_top)) / max(1, n_rows),
        )

    def _is_unseen(self, number: int) -> bool:
        """Tell whether a row of the same commit defines a name that one uses and does not show."""
        return not self._defined[self._commit_of[number]].isdisjoint(self._unshown[number])

    def _fault(self, name: str, description: str) -> Fault:
        if name not in self._found:
            return Fault(name, description, None, None, None)
        numbers = self._found[name]
        share = len(numbers) / max(1, len(self._ids))
        example = self._ids[numbers[0]] if numbers else None
        return Fault(name, description, len(numbers), share, example)
