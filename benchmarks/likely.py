"""What edits are likely to need, and what they do: `likely.py INDEX...`.

For each definition that a source of `exporters/context` offers for an edit, prints how often the
new code refers to it and the old does not: by kind of change, by the source with the greatest share
of its worth, and by this worth. The weights of `near`, `folder` and `named`, and the least worth of
`builder`, follow from this; a table of `docs/context.md` is from here.
"""

import argparse
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar
from unittest.mock import patch

from rsidx.exporters.config import ExportConfig
from rsidx.exporters.context.builder import Candidates, ContextBuilder
from rsidx.exporters.context.likely import Likely
from rsidx.exporters.pipeline import drafts
from rsidx.exporters.pipeline.drafts import Drafted
from rsidx.exporters.pipeline.steps import Steps
from rsidx.store import queries
from rsidx.store.database import Database, resolve_url
from rsidx.store.reader import Reader

_BOUNDS = (0.05, 0.1, 0.15, 0.25, 0.5, 1.0, 2.0)
_MIN_OFFERED = 100

Counts = dict[tuple[str, str, float], list[int]]
"""By change, rule and least worth: how many definitions were offered, and how many needed."""


class Recorder(ContextBuilder):
    """Keeps what was likely for each edit."""

    offered: ClassVar[list[list[Likely]]] = []

    def candidates(self, *args: Any, likely: Iterable[Likely] = (), **rest: Any) -> Candidates:
        """Return what a builder does."""
        every = list(likely)
        self.offered.append(every)
        return super().candidates(*args, likely=every, **rest)


def definitions(offered: Sequence[Likely]) -> Iterator[tuple[str, float, tuple[int, int]]]:
    """Yield each definition once: its main rule, its worth, and where its signature begins."""
    worth: defaultdict[tuple[int, int], defaultdict[str, float]] = defaultdict(
        lambda: defaultdict(float)
    )
    for source in offered:
        for one in source.definitions:
            at = one.definition.start + one.definition.symbol.signature_start
            worth[one.definition.blob_id, at][source.rule] += source.weight
    for place, by_rule in worth.items():
        yield max(by_rule, key=by_rule.__getitem__), sum(by_rule.values()), place


def change_of(drafted: Drafted) -> str:
    """Return the kind of a change; additions to new files have one of their own."""
    place = drafted.draft.place
    is_new = place.change == "add" and place.insertion is None
    return "add, new file" if is_new else place.change


def count(reader: Reader, counts: Counts) -> None:
    """Add what a history has."""
    steps = Steps.of(reader, ExportConfig(tokenizer=""))
    for commit in reader.commits():
        if len(commit.parents) != 1:
            continue
        Recorder.offered.clear()
        drafted, _ = steps.drafter.of_commit(commit, steps.selector.of(commit))
        for one, offered in zip(drafted, Recorder.offered, strict=True):
            needed = {(blob, at) for _, blob, at in one.needs.defined}
            for rule, worth, place in definitions(offered):
                least = max((bound for bound in _BOUNDS if bound <= worth + 1e-9), default=0.0)
                found = counts.setdefault((change_of(one), rule, least), [0, 0])
                found[0] += 1
                found[1] += place in needed


def main() -> None:
    """Print the table of some indexes."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("indexes", nargs="+", type=Path, metavar="INDEX")
    counts: Counts = {}
    with patch.object(drafts, "ContextBuilder", Recorder):
        for index in parser.parse_args().indexes:
            database = Database(resolve_url(str(index)), create=False)
            with database.reading() as connection:
                count(Reader(connection, queries.repository_id(connection, None) or 0), counts)
            database.close()
    print("| change | source | worth, at least | definitions offered | needed |")
    print("|---|---|---:|---:|---:|")
    for (change, rule, least), (n_offered, n_needed) in sorted(counts.items()):
        if n_offered >= _MIN_OFFERED:
            share = f"{100 * n_needed / n_offered:.2f}%"
            print(f"| {change} | {rule} | {least:g} | {n_offered:,} | {share} |")


if __name__ == "__main__":
    main()
