"""Draw the plots of `docs/performance.md` from a run of `speed.py`.

    python benchmarks/plots.py FOLDER

Reads FOLDER/speed.json, writes FOLDER/performance-history.svg and performance-sync.svg.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")
mpl.rcParams["svg.hashsalt"] = "rsidx"
from matplotlib import pyplot as plt
from matplotlib.ticker import MaxNLocator, StrMethodFormatter


def history(found: dict[str, Any], file: Path) -> None:
    """Draw time and memory of a backfill against the number of commits."""
    figure, (seconds, memory) = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
    for name, one in found.items():
        x = [step["n_commits"] for step in one["scaling"]]
        seconds.plot(x, [step["seconds"] for step in one["scaling"]], "o-", label=name)
        memory.plot(x, [step["mb"] for step in one["scaling"]], "o-", label=name)
    for axes, title in ((seconds, "backfill, seconds"), (memory, "backfill, most memory in MB")):
        axes.set(title=title, xlabel="commits", ylim=(0, None), xlim=(0, None))
        axes.grid(alpha=0.3)
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    seconds.legend()
    figure.savefig(file, metadata={"Date": None})


def sync(found: dict[str, Any], file: Path) -> None:
    """Draw the hook against the size of the tree."""
    figure, axes = plt.subplots(figsize=(9, 3.4), layout="constrained")
    ordered = sorted(found.values(), key=lambda one: one["hook"]["tree_bytes"])
    x = [one["hook"]["tree_bytes"] / 1e6 for one in ordered]
    lines = {
        "fresh": "worker, until the index is fresh",
        "imports": "importing its libraries",
        "ctags": "ctags over the tree",
        "with": "git commit with the hook",
        "without": "git commit without it",
    }
    for key, label in lines.items():
        if all(key in one["hook"] for one in ordered):
            axes.plot(x, [one["hook"][key] for one in ordered], "o-", label=label)
    axes.set(xlabel="MB of Rust in the tree", ylabel="seconds", ylim=(0, None), xlim=(0, None))
    axes.grid(alpha=0.3)
    # Beside the lines, which are all over the place.
    figure.legend(loc="outside right center")
    figure.savefig(file, metadata={"Date": None})


def main() -> int:
    """Draw both."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    found = json.loads((folder / "speed.json").read_text("utf-8"))
    history(found, folder / "performance-history.svg")
    sync(found, folder / "performance-sync.svg")
    return 0


if __name__ == "__main__":
    sys.exit(main())
