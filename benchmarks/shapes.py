"""Whole exports of one history in each shape, read by `datasets`, TRL and axolotl.

    python benchmarks/shapes.py make REPO --tokenizer FOLDER --out EXPORTS
    python benchmarks/shapes.py read EXPORTS --by datasets|trl|axolotl

`make` exports the index of REPO in each of `SHAPES`, has `rsidx verify` check it against git, and
compares the ids of rows of the same edit with those of `ids`. FOLDER has a tokenizer with a chat
template. `read` needs the library that it names, and counts the rows of train that come out of its
own preparation with the ids and the loss that the export has (of messages, with as many of each).
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

SHAPES = {
    "ids": [],
    "text": ["--columns", "text"],
    "messages": ["--columns", "messages"],
    "blocks": ["--target", "blocks"],
    "changed": ["--labels", "changed"],
    "mask": ["--mask", "completion_mask"],
    "rl": ["--columns", "rl"],
    "preference": ["--kind", "preference", "--columns", "text"],
}
"""By name: the options of an export."""
_IGNORED = -100
Encoded = tuple[list[int], list[int]]
"""Ids, and labels of the same length."""


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_bytes().split(b"\n") if line]


def rsidx(*arguments: str | Path) -> int:
    return subprocess.run([sys.executable, "-m", "rsidx", *arguments], check=False).returncode


def make(options: argparse.Namespace) -> None:
    for name, more in SHAPES.items():
        out = options.out / name
        if not out.exists():
            shared = ["-C", options.repo, "--tokenizer", options.tokenizer]
            if status := rsidx("export", out, *shared, *more):
                print(f"| {name} | export ended with {status} |", flush=True)
                continue
        status = rsidx("verify", out, "-C", options.repo)
        print(f"| {name} | verify: {status} | {_beside_ids(options.out, name)} |", flush=True)


def _beside_ids(exports: Path, name: str) -> str:
    """Say how many rows of train have the ids of the row of the same edit in `ids`."""
    rows = lines(exports / name / "train.jsonl")
    if name == "ids" or not rows or "input_ids" not in rows[0]:
        return f"{len(rows):,} rows"
    kept = {meta["id"]: row for meta, row in _with_meta(exports / "ids")}
    found = [(row, kept[meta["id"]]) for meta, row in _with_meta(exports / name)
             if meta["id"] in kept]  # fmt: skip
    n_prompts = sum(_prompt(row) == _prompt(other) for row, other in found)
    n_same = sum(row["input_ids"] == other["input_ids"] for row, other in found)
    return f"{len(rows):,} rows, {n_same:,} with the ids of `ids`, {n_prompts:,} with its prompts"


def _with_meta(out: Path) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    return zip(lines(out / "train.meta.jsonl"), lines(out / "train.jsonl"), strict=True)


def _prompt(row: dict[str, Any]) -> list[int]:
    """Return the ids in front of the first with loss; those of an edit's whole target."""
    first = next((n for n, label in enumerate(row["labels"]) if label != _IGNORED), None)
    ids: list[int] = row["input_ids"][:first]
    return ids


def by_datasets(out: Path) -> Iterator[Encoded | str]:
    from datasets import load_dataset

    for row in load_dataset(str(out))["train"]:
        if "input_ids" in row:
            mask = row.get("completion_mask")
            labels = row["labels"]
            if mask is not None and mask != [int(label != _IGNORED) for label in labels]:
                yield "the mask is not the labels'"
                continue
            yield row["input_ids"], labels
        else:
            yield ""


def by_trl(out: Path) -> Iterator[Encoded | str]:
    """Prepare rows as a recipe does, or as the page on training does for preferences."""
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    tokenizer = AutoTokenizer.from_pretrained(str(out / "tokenizer"))
    shape = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1}
    heads = {"num_attention_heads": 1, "num_key_value_heads": 1}
    model = LlamaForCausalLM(LlamaConfig(vocab_size=len(tokenizer), **shape, **heads))
    with tempfile.TemporaryDirectory() as folder:
        if out.name == "preference":
            yield from _by_dpo(out, tokenizer, model, folder)
            return
        recipe = _recipe(out, "trl", folder)
        made: dict[str, Any] = {"__name__": "recipe"}
        exec(compile(recipe.read_text("utf-8"), str(recipe), "exec"), made)
        rows = made["rows"](tokenizer)["train"]
        config = made["SFTConfig"](
            folder, max_length=made["MAX_LENGTH"], use_cpu=True, bf16=False, report_to=[]
        )
        trainer = made["SFTTrainer"](model, config, train_dataset=rows, processing_class=tokenizer)
        for row in trainer.train_dataset:
            yield list(row["input_ids"]), list(row["labels"])


def _by_dpo(out: Path, tokenizer: Any, model: Any, folder: str) -> Iterator[Encoded | str]:
    from datasets import load_dataset
    from trl import DPOConfig, DPOTrainer

    trainer = DPOTrainer(
        model,
        args=DPOConfig(folder, max_length=None, use_cpu=True, bf16=False, report_to=[]),
        train_dataset=load_dataset(str(out))["train"],
        processing_class=tokenizer,
    )
    for row in trainer.train_dataset:
        prompt, chosen = list(row["prompt_ids"]), list(row["chosen_ids"])
        yield prompt + chosen, [_IGNORED] * len(prompt) + chosen


def by_axolotl(out: Path) -> Iterator[Encoded | str]:
    """Load and prepare rows as `axolotl preprocess` does, by the recipe's file."""
    import yaml
    from axolotl.cli.args import TrainerCliArgs
    from axolotl.cli.config import load_cfg
    from axolotl.common.datasets import load_datasets
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    with tempfile.TemporaryDirectory() as folder:
        tokenizer = AutoTokenizer.from_pretrained(str(out / "tokenizer"))
        shape = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1}
        heads = {"num_attention_heads": 1, "num_key_value_heads": 1}
        model = LlamaForCausalLM(LlamaConfig(vocab_size=len(tokenizer), **shape, **heads))
        model.save_pretrained(Path(folder) / "model")
        recipe = _recipe(out, "axolotl", folder)
        settings = yaml.safe_load(recipe.read_text("utf-8"))
        settings |= {"base_model": f"{folder}/model", "dataset_prepared_path": f"{folder}/kept"}
        settings |= {"dataset_num_proc": 1, "output_dir": f"{folder}/out"}
        settings |= {"bf16": False, "shuffle_before_merging_datasets": False}
        recipe.write_text(yaml.safe_dump(settings))
        found = load_datasets(cfg=load_cfg(str(recipe)), cli_args=TrainerCliArgs())
        for row in found.train_dataset:
            yield list(row["input_ids"]), list(row["labels"])


def _recipe(out: Path, trainer: str, folder: str) -> Path:
    from rsidx import DataSet

    return DataSet(out).recipe("owner/model", trainer=trainer, to=folder)


def expected(out: Path) -> list[Any]:
    """Return what rows of an export should be: ids and labels, or how many of each."""
    ids = out.with_name("ids") if out.name in ("text", "rl") else out
    kept = {meta["id"]: row for meta, row in _with_meta(ids)}
    found: list[Any] = []
    for meta, row in _with_meta(out):
        if "input_ids" in kept.get(meta["id"], ()):
            one = kept[meta["id"]]
            found.append((one["input_ids"], one["labels"]))
        else:
            rejected = meta["n_tokens"].get("rejected", 0)
            learned = sum(n for role, n in meta["roles"] if role in ("new", "end"))
            found.append((meta["n_tokens"]["total"] - rejected, learned))
        del row
    return found


def is_expected(row: Encoded | str, other: tuple[Any, Any]) -> bool:
    if isinstance(row, str):
        return not row
    if isinstance(other[0], int):
        return (len(row[0]), sum(label != _IGNORED for label in row[1])) == other
    return (list(row[0]), list(row[1])) == other


_READERS = {"datasets": by_datasets, "trl": by_trl, "axolotl": by_axolotl}


def read(options: argparse.Namespace) -> None:
    for out in (options.exports / name for name in SHAPES if (options.exports / name).exists()):
        if options.by == "axolotl" and out.name == "preference":
            continue
        rows: Iterable[Encoded | str] = _READERS[options.by](out)
        pairs = list(zip(rows, expected(out), strict=True))
        n_same = sum(is_expected(*pair) for pair in pairs)
        print(f"| {options.by} | {out.name} | {n_same:,} of {len(pairs):,} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    commands = parser.add_subparsers(required=True)
    one = commands.add_parser("make")
    one.add_argument("repo", type=Path)
    one.add_argument("--tokenizer", type=Path, required=True)
    one.add_argument("--out", type=Path, required=True)
    one.set_defaults(run=make)
    other = commands.add_parser("read")
    other.add_argument("exports", type=Path)
    other.add_argument("--by", choices=_READERS, required=True)
    other.set_defaults(run=read)
    options = parser.parse_args()
    options.run(options)


if __name__ == "__main__":
    main()
