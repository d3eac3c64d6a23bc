"""How items of large commits are paired over whole histories: `many_items.py INDEX...`.

Prints for each index in how many commits not all items were compared with all, how many edits of
these have both sides, and how many have where everything is compared with everything; and what the
slowest of these commits takes, both ways. A table of `docs/rows.md` is from here.
"""

import argparse
import time
from collections.abc import Collection
from pathlib import Path
from unittest.mock import patch

from rsidx.exporters.edits import matching
from rsidx.exporters.edits.edit import Side
from rsidx.exporters.edits.pairing import commit_edits
from rsidx.store import queries
from rsidx.store.database import Database, resolve_url
from rsidx.store.reader import Reader

Pairs = set[tuple[Side, Side]]


def paired(reader: Reader, wanted: Collection[int] | None) -> tuple[dict[int, Pairs], float]:
    """Return the pairs by commit, where items are too many or wanted, and the longest time."""
    found: dict[int, Pairs] = {}
    longest_s = 0.0
    for commit in reader.commits():
        if len(commit.parents) > 1 or (wanted is not None and commit.id not in wanted):
            continue
        begin_s = time.process_time()
        edits = commit_edits(reader, reader.changes(commit.id), max_bytes=4000)
        if edits.n_not_compared or wanted is not None:
            found[commit.id] = {(e.old, e.new) for e in edits.edits if e.old and e.new}
            longest_s = max(longest_s, time.process_time() - begin_s)
    return found, longest_s


def main() -> None:
    """Print the table of some indexes."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("indexes", nargs="+", type=Path, metavar="INDEX")
    print("| | commits | pairs | of all compared | the same | slowest | of all compared |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for index in parser.parse_args().indexes:
        database = Database(resolve_url(str(index)), create=False)
        with database.reading() as connection:
            reader = Reader(connection, queries.repository_id(connection, None) or 0)
            likely, likely_s = paired(reader, None)
            with patch.object(matching, "_MAX_COMPARISONS", 10**9):
                full, full_s = paired(reader, likely.keys())
        database.close()
        n_likely, n_full = (sum(map(len, found.values())) for found in (likely, full))
        n_same = sum(len(likely[commit] & full[commit]) for commit in likely)
        print(
            f"| {reader.repository_name()} | {len(likely)} | {n_likely:,} | {n_full:,} | {n_same:,}"
            f" | {likely_s:.1f} s | {full_s:.1f} s |"
        )


if __name__ == "__main__":
    main()
