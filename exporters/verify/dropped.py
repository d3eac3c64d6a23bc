"""Checking against git what a data set says that it left out."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Set
from functools import cache
from pathlib import Path
from typing import Any

from rsidx.exporters.dataset.dropped import FILE, is_listed
from rsidx.exporters.filters.hygiene import is_conflict_copy
from rsidx.exporters.filters.limit import OVER_LIMIT
from rsidx.exporters.verify.history import History, Source, Sources, dates_of
from rsidx.exporters.verify.rows import PLACEHOLDER
from rsidx.exporters.verify.schema import dropped_check

_OVER_LIMIT = f"edits_{OVER_LIMIT.name}"
_FOREIGN, _CONFLICT_COPY = "edits_foreign", "edits_conflict_copies"


def dropped_problems(
    out: Path, manifest: Mapping[str, Any], sources: Sources
) -> Iterator[tuple[int | None, str]]:
    """Yield what does not hold, each with its line from 1, or None.

    An export by an earlier version has no such file. Each commit must be one that the tips reach,
    with that path, and the lines must be as many as the manifest counts. Where a reason says more
    that git knows, it must hold: a foreign file is one that the commit adds, a copy of a conflict's
    side is in such a folder or comes from one, and nothing is beyond a limit that is not given.
    """
    if not (out / FILE).exists():
        return
    check = dropped_check(manifest)
    reached = cache(lambda source: frozenset(dates_of(source.history.commits, source.tips)))
    limit = manifest["config"].get("max_edits_per_commit", 0)
    counted: Counter[str] = Counter()
    with (out / FILE).open("rb") as lines:
        for number, text in enumerate(lines, 1):
            line = json.loads(text)
            broken = check.problem(line)
            if broken is None:
                history = sources.of(line).history
                broken = _unreached(line, sources, reached) or _missing(line, history)
                broken = broken or _unexplained(line, limit, history)
            if broken is not None:
                yield number, broken
                continue
            counted[line["reason"]] += line.get("n", 1)
    expected = {reason: n for reason, n in manifest["dropped"].items() if is_listed(reason)}
    for reason in sorted({*counted, *expected}):
        n, n_expected = counted[reason], expected.get(reason, 0)
        if n != n_expected:
            yield None, f"{n} {reason}, the manifest says {n_expected}"


def _unreached(
    line: dict[str, Any], sources: Sources, reached: Callable[[Source], Set[str]]
) -> str | None:
    for one in (line, line.get("like", line)):
        if one["commit"] not in reached(sources.of(one)):
            return f"the tips of the export do not reach {one['commit']}"
    return None


def _missing(line: dict[str, Any], history: History) -> str | None:
    commit, path = line["commit"], line["path"]
    if path is None or PLACEHOLDER.search(path.encode("utf-8", "replace")):
        return None
    parent = history.first_parent(commit)
    trees = [history.tree(one) for one in (commit, parent) if one is not None]
    return None if any(path in tree for tree in trees) else f"{commit} has no {path}"


def _unexplained(line: dict[str, Any], limit: int, history: History) -> str | None:
    """Return what of a line's reason does not hold."""
    commit, path, reason = line["commit"], line["path"], line["reason"]
    if reason == _OVER_LIMIT:
        return None if limit else "it is beyond a limit, and the export has none"
    if reason not in (_FOREIGN, _CONFLICT_COPY):
        return None
    parent = history.first_parent(commit)
    before = history.tree(parent) if parent is not None else {}
    if reason == _FOREIGN and path in before:
        return f"{path} is no file that {commit} adds"
    if reason == _CONFLICT_COPY:
        paths = (path, *before)
        if not any(is_conflict_copy(one.encode("utf-8", "replace")) for one in paths):
            return f"{commit} has no copy of a conflict's side"
    return None
