"""How many of the names that an edit newly needs its prompt shows, beside other prompts.

    python benchmarks/context_recall.py REPO OUT [OUT ...] [--tokens N ...] [--json FILE]

Each OUT is an export of REPO with `--columns both --text`, by any release. Counted are the
identifiers of a row's new code that its old code has not and that the parent's tree defines: those
that stand anywhere in the prompt, message and path included. Only rows that all exports have are
counted: added and modified items that are a row each, without those that are only renamed or
moved. Beside the exports stand, for each number of tokens, a prompt of message, path, old code and

- window: the parent's file around the place, 70% before it and 30% behind it (a new file: none);
- BM25: chunks of other files, asked for with message, path and old code or the 20 lines in front.

Prints the share by kind of change, with its 95% interval (bootstrap over commits), and its
difference from the window of the first number of tokens. Tokens are those of the first export's
tokenizer.
"""

import argparse
import json
import random
import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import tree_sitter_rust
from baselines import Repository, Trees, filled, offsets, query_of, window
from context_rows import Row, around, is_renamed_or_moved, paired, read_rows, turn, words
from tokenizers import Tokenizer
from tree_sitter import Language, Parser

_IDENTIFIERS = {
    "field_identifier",
    "identifier",
    "shorthand_field_identifier",
    "type_identifier",
}
_N_RESAMPLES = 1000
_RUST = Parser(Language(tree_sitter_rust.language()))

Hits = dict[str, tuple[int, int]]
"""By commit: how many names are sought, and how many of these a prompt shows."""


def identifiers(code: str) -> set[str]:
    """Return the identifiers of Rust code, without those of comments and strings."""
    found = set()
    nodes = [_RUST.parse(code.encode()).root_node]
    while nodes:
        node = nodes.pop()
        if node.type in _IDENTIFIERS and node.text is not None:
            found.add(node.text.decode("utf-8", "replace"))
        nodes.extend(node.children)
    return found


def interval(
    commits: Sequence[str], value: Callable[[Sequence[str]], float]
) -> tuple[float, float]:
    """Return the 95% interval of a value over samples of the commits."""
    draw = random.Random(0)
    values = sorted(value(draw.choices(commits, k=len(commits))) for _ in range(_N_RESAMPLES))
    return values[int(0.025 * _N_RESAMPLES)], values[int(0.975 * _N_RESAMPLES)]


def resampled(hits: Hits, commits: Sequence[str]) -> float:
    """Return the share of the names sought that are shown, in percent.

    A sample of commits may have some of them more than once.
    """
    n_sought = sum(hits[commit][0] for commit in commits)
    return 100 * sum(hits[commit][1] for commit in commits) / n_sought if n_sought else 0.0


def prompts_of(
    pair: Sequence[Row],
    names: Sequence[str],
    tools: tuple[Tokenizer, Repository, Trees],
    budgets: Sequence[int],
) -> dict[str, str]:
    """Return an edit's prompts by way: those of the exports, and those that git alone can make."""
    tokenizer, repository, trees = tools
    row = pair[0]
    before, after = around(row, repository)
    given = f"{row.path}\n{row.message}\n{row.old}\n"
    chunks = trees.search(query_of(row.message, row.path, row.old, before), row.path)
    prompts = {"none": given}
    for budget in budgets:
        prompts[f"window {budget}"] = given + window(tokenizer, before, after, budget)
        shown = filled(tokenizer, chunks, budget)
        prompts[f"BM25 {budget}"] = given + "\n".join(f"{path}\n{chunk}" for path, chunk in shown)
    prompts |= {name: one.prompt for name, one in zip(names, pair, strict=True)}
    return prompts


def measure(
    pairs: Sequence[tuple[Row, ...]],
    names: Sequence[str],
    tools: tuple[Tokenizer, Repository, Trees],
    budgets: Sequence[int],
) -> tuple[dict[tuple[str, str], Hits], dict[tuple[str, str], list[int]]]:
    """Return by change and way what the commits' prompts show, and each prompt's tokens."""
    tokenizer, repository, trees = tools
    hits: dict[tuple[str, str], Hits] = defaultdict(dict)
    n_tokens: dict[tuple[str, str], list[int]] = defaultdict(list)
    for number, pair in enumerate(pairs):
        row = pair[0]
        if sys.stderr.isatty():
            print(f"\r{number + 1}/{len(pairs)}", end="", file=sys.stderr, flush=True)
        if is_renamed_or_moved(row, repository):
            continue
        trees.move_to(row.parent)
        new = identifiers(row.new) - words(row.old)
        sought = {name for name in new if trees.is_defined(name)}
        if not sought:
            continue
        for way, prompt in prompts_of(pair, names, tools, budgets).items():
            before = hits[row.change, way].get(row.commit, (0, 0))
            n_shown = len(sought & words(prompt))
            hits[row.change, way][row.commit] = (before[0] + len(sought), before[1] + n_shown)
            n_tokens[row.change, way].append(len(offsets(tokenizer, prompt)))
    return hits, n_tokens


def describe(hits: Hits, base: Hits, n_tokens: Sequence[int]) -> dict[str, Any]:
    """Return a way's share, and its difference from another's, with their intervals."""
    commits = sorted(hits)
    return {
        "n_rows": len(n_tokens),
        "n_commits": len(commits),
        "n_names": sum(sought for sought, _ in hits.values()),
        "mean_tokens": sum(n_tokens) / len(n_tokens),
        "share": resampled(hits, commits),
        "share_interval": interval(commits, lambda drawn: resampled(hits, drawn)),
        "more": resampled(hits, commits) - resampled(base, commits),
        "more_interval": interval(
            commits, lambda drawn: resampled(hits, drawn) - resampled(base, drawn)
        ),
    }


def line_of(change: str, way: str, figures: dict[str, Any]) -> str:
    """Return a way's line of the table."""
    low, high = figures["share_interval"]
    more_low, more_high = figures["more_interval"]
    cells = [
        f"{change} ({figures['n_rows']} rows, {figures['n_names']} names)",
        way,
        f"{figures['mean_tokens']:,.0f}",
        f"{figures['share']:.1f} ({low:.1f} to {high:.1f})",
        f"{figures['more']:+.1f} ({more_low:+.1f} to {more_high:+.1f})",
    ]
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("repo", type=Path)
    parser.add_argument("out", type=Path, nargs="+")
    parser.add_argument("--tokens", type=int, nargs="+", default=[1024])
    parser.add_argument("--rows", type=int, help="measure so many rows, drawn at random")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    names = [out.name for out in options.out]
    tokenizer = Tokenizer.from_file(str(options.out[0] / "tokenizer" / "tokenizer.json"))
    pairs = paired([read_rows(out) for out in options.out])
    if options.rows is not None:
        turns = sorted((turn(options.seed, pair[0].key), i) for i, pair in enumerate(pairs))
        pairs = [pairs[number] for number in sorted(i for _, i in turns[: options.rows])]
    with Repository(options.repo) as repository:
        tools = (tokenizer, repository, Trees(repository))
        hits, n_tokens = measure(pairs, names, tools, options.tokens)
    print("| change | prompt | tokens of prompt | names shown, % | more than the window |")
    print("|---|---|---:|---:|---:|")
    results = []
    for change, way in sorted(hits, key=lambda one: one[0]):
        base = hits[change, f"window {options.tokens[0]}"]
        figures = describe(hits[change, way], base, n_tokens[change, way])
        results.append({"change": change, "way": way, **figures})
        print(line_of(change, way, figures))
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
