"""What models make of rows that they were not trained on: the loss of new code, row by row.

    python benchmarks/finetuned.py NAME=OUT:MODEL [NAME=OUT:MODEL ...] [--split test] [--rows N]

Each way is an export and a folder with a model, pretrained or trained by `rsidx recipe OUT`. The
loss is the mean over the tokens of a row that have loss (with `--labels changed` those of changed
lines), averaged over the rows that all exports have; the difference to the first way has an
interval bootstrapped over commits. Exports are made with `--text`. The end token counts where it
has loss. Needs torch and transformers. Losses are kept in `--cache` by a digest of weights and row,
so a run that was ended goes on.

`--answers FOLDER` writes what each way's model answers to rows that are a whole edit instead, the
most likely token each time, into FOLDER/NAME.jsonl, as `rsidx eval predict` does of a server.
`rsidx eval check OUT FOLDER/NAME.jsonl` judges it.
"""

import argparse
import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from context_rows import Key, turn
from tokenizers import Tokenizer

from rsidx.evaluation.asking.predictions import read_predictions
from rsidx.evaluation.lines import append_line
from rsidx.evaluation.report.intervals import Rate, rate

CHANGES = ("add", "modify")
_IGNORED = -100
_CHUNK = 1 << 20
_BATCH = 8


@dataclass(frozen=True, slots=True)
class Row:
    """A tokenized row, and what it is matched by."""

    key: Key
    commit: str
    id: str
    change: str
    is_whole: bool
    ids: list[int]
    labels: list[int]

    @property
    def prompt(self) -> list[int]:
        """What stands in front of the first token that has loss."""
        return self.ids[: next(at for at, one in enumerate(self.labels) if one != _IGNORED)]


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

    def answers(self, prompts: Sequence[Sequence[int]], end: int, longest: int) -> list[list[int]]:
        """Return the tokens that seem most likely behind each prompt, to the end token at most."""
        torch, model = self._loaded
        width = max(map(len, prompts))
        padded = [[end] * (width - len(one)) + list(one) for one in prompts]
        seen = [[0] * (width - len(one)) + [1] * len(one) for one in prompts]
        with torch.inference_mode():
            found = model.generate(
                torch.tensor(padded),
                attention_mask=torch.tensor(seen),
                max_new_tokens=longest,
                do_sample=False,
                eos_token_id=end,
                pad_token_id=end,
            )
        return [one[width:].tolist() for one in found]


def read_rows(out: Path, split: str) -> dict[Key, Row]:
    """Return the additions and modifications of a split that have loss."""
    found: dict[Key, Row] = {}
    files = out / f"{split}.meta.jsonl", out / f"{split}.jsonl"
    for meta, row in zip(*map(_lines, files), strict=True):
        labels = row["labels"]
        if meta["change"] in CHANGES and any(one != _IGNORED for one in labels[1:]):
            key = (meta["commit"], meta["path"], meta["kind"], meta["symbol"], meta["text"]["new"])
            one = Row(
                key,
                meta["commit"],
                meta["id"],
                meta["change"],
                meta["part"][1] == 1,
                row["input_ids"],
                labels,
            )
            found.setdefault(key, one)
    return found


def _lines(file: Path) -> Iterator[dict[str, Any]]:
    with file.open("rb") as lines:
        yield from map(json.loads, lines)


def drawn(
    rows: dict[Key, Row], keys: Iterable[Key], change: str, most: int, seed: int
) -> list[Key]:
    """Return some of the rows of a kind of change."""
    every = [key for key in keys if rows[key].change == change]
    return sorted(every, key=lambda key: turn(seed, key))[:most]


def write_answers(out: Path, rows: Iterable[Row], model: Model, longest: int, to: Path) -> None:
    """Add the answers that the file lacks."""
    tokenizer = Tokenizer.from_file(str(out / "tokenizer" / "tokenizer.json"))
    manifest = json.loads((out / "manifest.json").read_bytes())
    end: Any = tokenizer.token_to_id(manifest["tokenizer"]["end_token"])
    there = {key[0] for key in read_predictions(to)} if to.exists() else set()
    left = sorted((one for one in rows if one.id not in there), key=lambda one: len(one.prompt))
    for first in range(0, len(left), _BATCH):
        batch = left[first : first + _BATCH]
        answers = model.answers([row.prompt for row in batch], end, longest)
        for row, ids in zip(batch, answers, strict=True):
            is_whole = end in ids
            code = ids[: ids.index(end)] if is_whole else ids
            text = tokenizer.decode(code, skip_special_tokens=False)
            line = {"id": row.id, "completion": text, "sample": 0}
            append_line(to, {**line, "finish_reason": "stop" if is_whole else "length"})


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
    parser.add_argument("--answers", type=Path, help="a folder to write answers to")
    parser.add_argument("--longest", type=int, default=512, help="tokens of an answer at most")
    options = parser.parse_args()
    ways: dict[str, tuple[Path, Model]] = {}
    for way in options.ways:
        name, _, rest = way.partition("=")
        out, _, folder = rest.rpartition(":")
        ways[name] = Path(out), Model(Path(folder), options.cache)
    if options.answers is not None:
        options.answers.mkdir(parents=True, exist_ok=True)
        for name, (out, model) in ways.items():
            whole = {k: row for k, row in read_rows(out, options.split).items() if row.is_whole}
            chosen = [
                key
                for change in CHANGES
                for key in drawn(whole, whole, change, options.rows, options.seed)
            ]
            to = options.answers / f"{name}.jsonl"
            write_answers(out, (whole[key] for key in chosen), model, options.longest, to)
        return
    rows = {name: read_rows(out, options.split) for name, (out, _) in ways.items()}
    keys = set.intersection(*map(set, rows.values()))
    first, *others = ways
    for change in CHANGES:
        chosen = drawn(rows[first], keys, change, options.rows, options.seed)
        losses = {
            name: [model.loss(rows[name][key]) for key in chosen]
            for name, (_, model) in ways.items()
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
