"""Which lines of a text are new beside an older one: what `git diff --no-index -U0` says.

Git's answer depends on its heuristics, so git itself gives it, for many pairs of texts at once: it
compares two folders that have a file for each pair.
"""

import os
import re
import subprocess
import tempfile
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from pathlib import Path

from rsidx.errors import ExportError

_DIFF = ("git", "diff", "--no-index", "-U0", "--no-color", "--no-ext-diff", "--no-textconv")
_OPTIONS = ("--no-renames", "--text", "old", "new")
_FILE = re.compile(rb"diff --git .*new/(\d++)")
_HUNK = re.compile(rb"@@ -\d++(?:,\d++)? \+(\d++)(?:,(\d++))? @@")
Pair = tuple[str, str]
"""An old and a new text."""


@dataclass(frozen=True, slots=True)
class LineChanges:
    """What a diff says of a new text, by offsets of its characters.

    `added` are the ranges of the lines that it calls added. At each place of `removed`, which is
    where a line begins or the text ends, it has lines of the old text removed and none added.
    """

    added: tuple[tuple[int, int], ...]
    removed: tuple[int, ...] = ()

    def has_loss(self, starts: Sequence[int]) -> list[bool]:
        """Tell of tokens, by where they start, which are changed.

        Those are the tokens that start in an added line, and the first one behind each removal.
        """
        found = [any(first <= at < end for first, end in self.added) for at in starts]
        for place in self.removed:
            behind = bisect_left(starts, place)
            if behind < len(starts):
                found[behind] = True
        return found


class LineDiffs:
    """Compares pairs of texts; those of one `warm` need one git."""

    def __init__(self) -> None:
        self._known: dict[Pair, LineChanges] = {}

    def warm(self, pairs: Iterable[Pair]) -> None:
        """Compare pairs of texts, in place of those that were compared before.

        Raises ExportError where git cannot be started, or fails.
        """
        self._known = {}
        asked = [(old, new) for old, new in dict.fromkeys(pairs) if old and new and old != new]
        if asked:
            found = dict(_hunks(_compared(asked)))
            for number, (old, new) in enumerate(asked):
                self._known[old, new] = _changes(new, found.get(number, ()))

    def of(self, old: str, new: str) -> LineChanges:
        """Return what changed from one text to the other."""
        if old == new:
            return LineChanges(())
        if not old or not new:
            return LineChanges(((0, len(new)),) if new else (), () if new else (0,))
        if (old, new) not in self._known:
            return _changes(new, dict(_hunks(_compared([(old, new)])))[0])
        return self._known[old, new]


_Hunks = Sequence[tuple[int, int]]
"""The first line that each hunk adds, from 1, and how many; of none, the line in front of it."""


def _compared(pairs: Sequence[Pair]) -> bytes:
    """Return git's diff of two folders that have each pair under its number."""
    with tempfile.TemporaryDirectory(prefix="rsidx-") as name:
        folder = Path(name).resolve()
        for number, side in enumerate(("old", "new")):
            (folder / side).mkdir()
            for count, pair in enumerate(pairs):
                (folder / side / str(count)).write_bytes(pair[number].encode())
        environment = _environment(folder)
        done = _run([*_DIFF, *_OPTIONS], cwd=folder, env=environment)
        if done.returncode > 1:
            said = done.stderr.decode("utf-8", "replace").strip().splitlines()
            raise ExportError(f"git diff failed: {said[0] if said else done.returncode}")
        return done.stdout


@cache
def git_version() -> str:
    """Return what `git version` says, on which a diff may depend."""
    return _run(["git", "version"], cwd=None, env=None).stdout.decode("utf-8", "replace").strip()


def _run(
    command: Sequence[str], *, cwd: Path | None, env: Mapping[str, str] | None
) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(command, cwd=cwd, env=env, capture_output=True, check=False)
    except OSError as error:
        raise ExportError(
            f"--labels changed needs git, which cannot be started: {error}"
        ) from error


def _environment(folder: Path) -> dict[str, str]:
    """Return an environment without anybody's settings of git, and without a repository."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return {
        **kept,
        "HOME": str(folder),
        "XDG_CONFIG_HOME": str(folder),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_CEILING_DIRECTORIES": str(folder.parent),
        "LC_ALL": "C",
    }


def _hunks(diff: bytes) -> Iterator[tuple[int, _Hunks]]:
    """Yield the hunks of each pair that differs. No line of code begins as their headings do."""
    number, found = -1, list[tuple[int, int]]()
    for line in diff.split(b"\n"):
        if file := _FILE.match(line):
            if found:
                yield number, found
            number, found = int(file[1]), []
        elif hunk := _HUNK.match(line):
            found.append((int(hunk[1]), int(hunk[2]) if hunk[2] is not None else 1))
    if found:
        yield number, found


def _changes(new: str, hunks: _Hunks) -> LineChanges:
    lines = new.split("\n")
    starts = list(accumulate((len(line) + 1 for line in lines), initial=0))
    starts = [min(start, len(new)) for start in starts]
    added = tuple((starts[at - 1], starts[at - 1 + n]) for at, n in hunks if n)
    return LineChanges(added, tuple(starts[at] for at, n in hunks if not n))
