"""What models make of rows that they were not trained on: the loss of new code, row by row.

    python benchmarks/finetuned.py NAME=OUT:MODEL [NAME=OUT:MODEL ...] [--split test] [--rows N]

Each way is an export and a folder with a model, pretrained or trained by `rsidx recipe OUT`. The
loss is the mean over the tokens of a row that have loss (with `--labels changed` those of changed
lines), averaged over the rows that all exports have; the difference to the first way has an
interval bootstrapped over commits. Exports are made with `--text`. The end token counts where it
has loss. Needs torch and transformers. Losses are kept in `--cache` by a digest of weights and row,
so a run that was ended goes on.
"""

import argparse
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from context_rows import Key, turn

from rsidx.evaluation.report.intervals import Rate, rate

_IGNORED = -100
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Row:
    """A tokenized row, and what it is matched by."""

    key: Key
    commit: str
    change: str
    ids: list[int]
    labels: list[int]


class Model:
    """A model in a folder, loaded when a loss is not in the cache."""

    def __init__(self, folder: Path, cache: Path) -> None:
        self._folder = folder
        self._cache = cache
        self._losses: dict[str, float] = {}
        if cache.exists():
            self._losses = dict(map(json.loads, cache.read_text("utf-8").splitlines()))

    @cached_property
    def _loaded(self) -> tuple[Any, Any]:
        import torch
        from transformers import AutoModelForCausalLM

        facts = Path("/proc/cpuinfo")
        is_fast = facts.exists() and "_bf16" in facts.read_text("utf-8")
        dtype = torch.bfloat16 if is_fast else torch.float32
        return torch, AutoModelForCausalLM.from_pretrained(self._folder, dtype=dtype).eval()

    @cached_property
    def _digest(self) -> str:
        digest = hashlib.sha256()
        for file in sorted(self._folder.glob("*.safetensors")):
            with file.open("rb") as weights:
                while piece := weights.read(_CHUNK):
                    digest.update(piece)
        return digest.hexdigest()

    def loss(self, row: Row) -> float:
        """Return the mean loss of a row's tokens that have one."""
        key = hashlib.sha256(json.dumps([self._digest, row.ids, row.labels]).encode()).hexdigest()
        if key not in self._losses:
            self._losses[key] = self._measured(row)
            self._cache.parent.mkdir(parents=True, exist_ok=True)
            with self._cache.open("a", encoding="utf-8") as lines:
                lines.write(json.dumps([key, self._losses[key]]) + "\n")
        return self._losses[key]

    def _measured(self, row: Row) -> float:
        torch, model = self._loaded
        labels = torch.tensor(row.labels[1:])
        learned = labels != _IGNORED
        with torch.inference_mode():
            hidden = model.model(torch.tensor([row.ids])).last_hidden_state[0, :-1][learned]
            logits = model.lm_head(hidden).float()
            return float(torch.nn.functional.cross_entropy(logits, labels[learned]))


def read_rows(out: Path, split: str) -> dict[Key, Row]:
    """Return the additions and modifications of a split that have loss."""
    found: dict[Key, Row] = {}
    files = out / f"{split}.meta.jsonl", out / f"{split}.jsonl"
    for meta, row in zip(*map(_lines, files), strict=True):
        labels = row["labels"]
        if meta["change"] in ("add", "modify") and any(one != _IGNORED for one in labels[1:]):
            key = (meta["commit"], meta["path"], meta["kind"], meta["symbol"], meta["text"]["new"])
            one = Row(key, meta["commit"], meta["change"], row["input_ids"], labels)
            found.setdefault(key, one)
    return found


def _lines(file: Path) -> Iterator[dict[str, Any]]:
    with file.open("rb") as lines:
        yield from map(json.loads, lines)


def spelled(one: Rate, base: float) -> str:
    """Spell a difference in percent of a base, with its interval."""
    mean, low, high = (100 * (value or 0) / base for value in (one.rate, one.low, one.high))
    return f"{mean:+.1f}% ({low:+.1f} to {high:+.1f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("ways", nargs="+", metavar="NAME=OUT:MODEL")
    parser.add_argument("--split", default="test")
    parser.add_argument("--rows", type=int, default=1_000_000, help="of each kind of change")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cache", type=Path, default=Path("build/finetuned.jsonl"))
    options = parser.parse_args()
    ways: dict[str, tuple[dict[Key, Row], Model]] = {}
    for way in options.ways:
        name, _, rest = way.partition("=")
        out, _, model = rest.rpartition(":")
        ways[name] = read_rows(Path(out), options.split), Model(Path(model), options.cache)
    keys = set.intersection(*(set(rows) for rows, _ in ways.values()))
    first, *others = ways
    for change in ("add", "modify"):
        every = [key for key in keys if ways[first][0][key].change == change]
        chosen = sorted(every, key=lambda key: turn(options.seed, key))[: options.rows]
        losses = {
            name: [model.loss(rows[key]) for key in chosen] for name, (rows, model) in ways.items()
        }
        report(change, [key[0] for key in chosen], losses, first, others)


def report(
    change: str,
    commits: Sequence[str],
    losses: dict[str, list[float]],
    first: str,
    others: Sequence[str],
) -> None:
    """Print the loss of each way, and of all but the first the difference to it."""
    base = sum(losses[first]) / len(commits)
    print(f"{change}: {len(commits)} rows of {len(set(commits))} commits\n  {first}: {base:.4f}")
    for name in others:
        pairs = zip(losses[name], losses[first], strict=True)
        difference = rate(zip(commits, (one - other for one, other in pairs), strict=True))
        mean = sum(losses[name]) / len(commits)
        print(f"  {name}: {mean:.4f}, {spelled(difference, base)}")


if __name__ == "__main__":
    main()
