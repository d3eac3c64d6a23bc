"""How the headers of impls are paired over whole histories: `impls.py INDEX...`.

Prints for each index, of all commits that change at most 50 Rust files, how many headers changed
and stayed impls of their trait for their type, how many have another trait or type, and how many
impls come and go; and a sample of those paired across traits and types, to be read. A table of
`docs/rows.md` is from here.
"""

import argparse
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from rsidx.exporters.edits.edit import Edit, name_of
from rsidx.exporters.edits.pairing import commit_edits
from rsidx.store import queries
from rsidx.store.database import Database, resolve_url
from rsidx.store.reader import Reader

MAX_FILES = 50
COUNTED = ("same", "other type", "other trait", "both", "add", "delete")


def edits_of_impls(reader: Reader) -> Iterator[tuple[str, Edit]]:
    """Yield the edits of impls and of their headers, with their commits."""
    for commit in reader.commits():
        changes = reader.changes(commit.id)
        n_files = sum(reader.path(change.path_id).endswith(b".rs") for change in changes)
        if n_files <= MAX_FILES:
            for edit in commit_edits(reader, changes, max_bytes=4000).edits:
                if edit.kind.removesuffix("_header") == "impl":
                    yield commit.oid.hex(), edit


def names_of(reader: Reader, edit: Edit) -> list[tuple[str, str]]:
    """Return the trait and the type of an impl, before and after."""
    names = [name_of(reader, side) for side in (edit.old, edit.new) if side is not None]
    return [(trait, name) for trait, _, name in (one.rpartition(" for ") for one in names)]


def paired(names: list[tuple[str, str]]) -> str:
    """Tell what differs between an impl before and after."""
    (trait, name), (new_trait, new_name) = names
    if name == new_name:
        return "same" if trait == new_trait else "other trait"
    return "other type" if trait == new_trait else "both"


def describe(index: Path, n_samples: int) -> None:
    """Print an index's line of the table, and the sample."""
    counts: Counter[str] = Counter()
    across = []
    with Database(resolve_url(str(index)), create=False).reading() as connection:
        reader = Reader(connection, queries.repository_id(connection, None) or 0)
        for commit, edit in edits_of_impls(reader):
            names = names_of(reader, edit)
            how = paired(names) if len(names) > 1 else edit.change
            counts[how] += 1
            if len(names) > 1 and how != "same":
                was, now = (f"{trait} for {name}" if trait else name for trait, name in names)
                across.append(f"    {commit[:9]} {edit.change} {how}: {was} -> {now}")
        cells = [reader.repository_name(), *(f"{counts[how]:,}" for how in COUNTED)]
    print("| " + " | ".join(cells) + " |")
    for line in random.Random(0).sample(across, min(n_samples, len(across))):
        print(line)


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    options.add_argument("index", type=Path, nargs="+")
    options.add_argument("--samples", type=int, default=10)
    given = options.parse_args()
    heads = ["history", *COUNTED]
    print("| " + " | ".join(heads) + " |")
    print("|---" + "|---:" * len(COUNTED) + "|")
    for index in given.index:
        describe(index, given.samples)


if __name__ == "__main__":
    main()
