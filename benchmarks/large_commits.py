"""What large commits give of an export: `large_commits.py OUT...`.

Each OUT is an export with `--max-edits-per-commit 0 --keep foreign`. Prints the share of the rows
that the 1% of the commits with most rows have; for some limits how many commits have more edits,
what share of the rows is beyond, and what share the largest 1% then have; and the largest commits.
A table of `docs/rows.md` is from here.
"""

import argparse
import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

LIMITS = (50, 100, 150, 200, 300)
N_SHOWN = 5


def edits_of(out: Path) -> dict[str, Counter[tuple[str, ...]]]:
    """Return the rows of each edit by commit."""
    edits: dict[str, Counter[tuple[str, ...]]] = defaultdict(Counter)
    for split in ("train", "val", "test"):
        with (out / f"{split}.meta.jsonl").open("rb") as lines:
            for meta in map(json.loads, lines):
                edit = meta.get("edit", meta)
                place = (meta["path"], str(edit["old"]), str(edit["new"]))
                edits[meta["commit"]][place] += 1
    return edits


def top_share(rows: Iterable[float]) -> float:
    """Return the share of all rows that the 1% of the commits with most rows have."""
    ordered = sorted(rows, reverse=True)
    return sum(ordered[: max(1, len(ordered) // 100)]) / sum(ordered)


def describe(out: Path) -> None:
    """Print an export's line of the table, and its largest commits."""
    edits = edits_of(out)
    rows = {commit: float(places.total()) for commit, places in edits.items()}
    n_rows = sum(rows.values())
    cells = [out.name, f"{n_rows:,.0f}", f"{len(rows):,}", f"{top_share(rows.values()):.1%}"]
    for limit in LIMITS:
        # On average, an edit beyond the limit has as many rows as one within.
        within = {c: n * min(1, limit / len(edits[c])) for c, n in rows.items()}
        n_over = sum(len(places) > limit for places in edits.values())
        beyond = 1 - sum(within.values()) / n_rows
        cells.append(f"{n_over}: {beyond:.1%}, {top_share(within.values()):.1%}")
    print("| " + " | ".join(cells) + " |")
    for commit in sorted(rows, key=lambda commit: (-rows[commit], commit))[:N_SHOWN]:
        files = {place[0] for place in edits[commit]}
        counts = f"{rows[commit]:.0f} rows, {len(edits[commit])} edits, {len(files)} files"
        print(f"    {commit[:9]}: {counts}")


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    options.add_argument("out", type=Path, nargs="+")
    heads = ["export", "rows", "commits", "largest 1%", *map(str, LIMITS)]
    print("| " + " | ".join(heads) + " |")
    for out in options.parse_args().out:
        describe(out)


main()
