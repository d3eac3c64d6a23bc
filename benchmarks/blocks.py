"""What search/replace blocks save: the targets of exports as whole code and as blocks.

Usage: python benchmarks/blocks.py OUT...

Each OUT is an export of edits as token ids, with `--target code`. Prints a line of the table in
docs/format.md for each: how many rows have old code, of how many of these no blocks can say what
changes, how many have shorter blocks, and the tokens with loss as whole code and with blocks where
these have fewer characters, as `--target blocks` has them. Rows that a whole target makes too long
for an example are in neither.
"""

import argparse
from collections import Counter
from pathlib import Path

from rsidx.blocks import with_blocks
from rsidx.exporters.dataset.format import read_manifest
from rsidx.exporters.dataset.reader import rows_with_meta
from rsidx.exporters.examples.blocks import blocks_for
from rsidx.exporters.rendering.encoder import Encoder, load
from rsidx.exporters.splits.split import SPLITS
from rsidx.exporters.verify.labels import ids_of_role

COLUMNS = (
    "history", "rows", "with old code", "no blocks can", "blocks are shorter",
    "tokens of code", "tokens with blocks", "of rows with blocks",
)  # fmt: skip


def counts(out: Path) -> Counter[str]:
    """Count rows and tokens of an export, without end tokens."""
    encoder = Encoder(load(str(out / "tokenizer")), source=str(out / "tokenizer"))
    file_format = read_manifest(out)["config"]["format"]
    found: Counter[str] = Counter()
    for split in SPLITS:
        for row, meta in rows_with_meta(out, split, file_format):
            old, new = (ids_of_role(row["input_ids"], meta, role) for role in ("old", "new"))
            found += of_row(encoder, encoder.decode(old), encoder.decode(new), len(new))
    return found


def of_row(encoder: Encoder, old: str, new: str, n_new: int) -> Counter[str]:
    """Count one row, whose target has so many tokens."""
    found = Counter(rows=1, code=n_new, blocks=n_new)
    blocks = blocks_for(old, new) if old else None
    found["old"] += bool(old)
    found["inexpressible"] += bool(old) and old != new and blocks is None
    if blocks is None or len(blocks) >= len(new):
        return found
    assert with_blocks(old.encode(), blocks.encode()) == new.encode()
    n_blocks = len(encoder.encode(blocks) or ())
    found["blocks"] = n_blocks
    return found + Counter(shorter=1, replaced=n_new, replacing=n_blocks)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("out", type=Path, nargs="+")
    print(f"| {' | '.join(COLUMNS)} |")
    print("|---|" + "---:|" * (len(COLUMNS) - 1))
    for out in parser.parse_args().out:
        n = counts(out)
        saved = 1 - n["blocks"] / n["code"]
        own = f"{n['replaced']:,} → {n['replacing']:,}"
        print(
            f"| {out.name} | {n['rows']:,} | {n['old']:,} | {n['inexpressible']:,} "
            f"| {n['shorter']:,} | {n['code']:,} | {n['blocks']:,} (-{saved:.0%}) | {own} |"
        )


if __name__ == "__main__":
    main()
