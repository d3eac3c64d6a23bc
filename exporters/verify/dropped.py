"""Checking against git what a data set says that it left out."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rsidx.exporters.dataset.dropped import FILE, is_listed
from rsidx.exporters.verify.rows import PLACEHOLDER, History, dates_of
from rsidx.exporters.verify.schema import dropped_check


def dropped_problems(
    out: Path, manifest: Mapping[str, Any], history: History
) -> Iterator[tuple[int | None, str]]:
    """Yield what does not hold, each with its line from 1, or None.

    An export by an earlier version has no such file. Each commit must be one that the tips reach,
    with that path, and the lines must be as many as the manifest counts.
    """
    if not (out / FILE).exists():
        return
    check = dropped_check(manifest)
    reached = dates_of(history.commits, manifest["tips"].values())
    counted: Counter[str] = Counter()
    with (out / FILE).open("rb") as lines:
        for number, text in enumerate(lines, 1):
            line = json.loads(text)
            broken = check.problem(line) or _problem(line, reached, history)
            if broken is not None:
                yield number, broken
                continue
            counted[line["reason"]] += line.get("n", 1)
    expected = {reason: n for reason, n in manifest["dropped"].items() if is_listed(reason)}
    for reason in sorted({*counted, *expected}):
        n, n_expected = counted[reason], expected.get(reason, 0)
        if n != n_expected:
            yield None, f"{n} {reason}, the manifest says {n_expected}"


def _problem(line: dict[str, Any], reached: Mapping[str, int], history: History) -> str | None:
    commit, path = line["commit"], line["path"]
    for one in (commit, line.get("like", line)["commit"]):
        if one not in reached:
            return f"the tips of the export do not reach {one}"
    if path is None or PLACEHOLDER.search(path.encode("utf-8", "replace")):
        return None
    parent = history.first_parent(commit)
    trees = [history.tree(one) for one in (commit, parent) if one is not None]
    return None if any(path in tree for tree in trees) else f"{commit} has no {path}"
