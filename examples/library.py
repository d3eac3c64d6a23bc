"""The functions of a repository that change most often, and how much of a data set is about them.

A program that uses rsidx as a library: it brings the index up to date, counts edits, exports a data
set, and reads it again. docs/library.md describes the library.

    python examples/library.py --tokenizer bigcode/starcoder2-3b --out data REPOSITORY
"""

import argparse
import sys
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import rsidx


class Function(NamedTuple):
    """A function by its place; one that moves is another."""

    path: str
    container: str
    name: str

    def __str__(self) -> str:
        inside = f" of {self.container}" if self.container else ""
        return f"{self.path}: {self.name}{inside}"


def main() -> int:
    """Print the functions; return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("repository")
    parser.add_argument("--tokenizer", required=True)
    parser.add_argument("--out", required=True, type=Path, help="the folder of the data set")
    parser.add_argument("--top", type=int, default=10, help="so many functions are shown")
    options = parser.parse_args()
    try:
        config = rsidx.ExportConfig(options.tokenizer)
        with rsidx.open(options.repository) as index:
            report = index.backfill()
            print(f"{report.n_commits:,} commits were new to the index")
            edits = edits_by_function(index)
            data = index.export(options.out, config)
    except rsidx.RsidxError as error:
        print(f"library.py: {error}", file=sys.stderr)
        return 1
    tokens = tokens_by_function(data)
    print(f"{'edits':>6}{'tokens with loss':>18}  function")
    for function, n_edits in edits.most_common(options.top):
        print(f"{n_edits:>6,}{tokens[function]:>18,}  {function}")
    return 0


def edits_by_function(index: rsidx.Index) -> Counter[Function]:
    """Count the edits of each function that is no test, in the history of HEAD."""
    return Counter(
        Function(edit.path, edit.container, edit.symbol)
        for commit in index.commits()
        for edit in commit.edits()
        if edit.kind == "fn" and not edit.is_test
    )


def tokens_by_function(data: rsidx.DataSet) -> Counter[Function]:
    """Count the tokens of train that have loss, by the function that they are of."""
    tokens: Counter[Function] = Counter()
    for row in data.rows("train"):
        function = Function(row.meta["path"], row.meta["container"], row.meta["symbol"])
        tokens[function] += sum(label != -100 for label in row.labels)
    return tokens


if __name__ == "__main__":
    sys.exit(main())
