"""Does the context help? The same small model learns edits with it, with another one, and without.

    python benchmarks/value.py INDEX --tokenizer PATH --out FOLDER [--seeds 3] [--rows 2400]

PATH is a tokenizer of a few thousand tokens, as `rsidx tokenizer train` makes one: the model is
small and learns from nothing. Needs torch, transformers and matplotlib.

Train and test are those of an export: split by time, nothing related on both sides. Each edit is
written three times, with the definitions that it refers to (rsidx), with the definitions that the
same commit touches elsewhere, as they were before it, and with no context; all three have the
same budget of tokens, and only edits that all three can hold are used. A StarCoder2 of a few
layers, randomly initialised, sees the same edits in the same order, with the same tokens to learn
(all but the context), so many steps, for each seed. What counts is its loss on the new code of the
test split, per token.
"""

import argparse
import json
import math
import random
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from transformers import Starcoder2Config, Starcoder2ForCausalLM

from rsidx.exporters.config import ExportConfig
from rsidx.exporters.context.excerpts import Excerpt
from rsidx.exporters.edits.edit import Edit
from rsidx.exporters.examples.example import Example
from rsidx.exporters.examples.kind import Limits
from rsidx.exporters.export import export
from rsidx.exporters.pipeline.commit import writing_tools
from rsidx.exporters.pipeline.steps import Steps
from rsidx.exporters.rendering.base import IrreversibleError
from rsidx.exporters.rendering.renderer import Renderer, Row, TooLongError
from rsidx.store import queries
from rsidx.store.database import Database, resolve_url
from rsidx.store.reader import Reader

WAYS = ("rsidx", "same commit", "none")
_MAX_TOKENS = 640
_CONTEXT_TOKENS = 320
_BATCH_ROWS = 16
_N_TEST = 400
_RATE = 1.5e-3
_WARM_UP = 40

Rows = dict[str, list[Row]]
"""The same edits by way, in the same order."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("index")
    parser.add_argument("--tokenizer", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=2400, help="training rows of each run")
    options = parser.parse_args()
    torch.set_num_threads(2)
    config = ExportConfig(
        tokenizer=options.tokenizer, max_tokens=_MAX_TOKENS, context_tokens=_CONTEXT_TOKENS
    )
    database = Database(resolve_url(options.index), create=False)
    picked = {
        split: written(database, config, places)
        for split, places in chosen(
            database, config, {"train": options.rows, "test": _N_TEST}
        ).items()
    }
    encoder, _, _ = writing_tools(config)
    results: dict[str, Any] = {
        "repository": Path(options.index).parent.name,
        "rows": {split: len(found["none"]) for split, found in picked.items()},
        "shown": {
            way: statistics.mean(len(row.chosen.excerpts) > 0 for row in picked["test"][way])
            for way in WAYS
        },
        "runs": [],
    }
    options.out.mkdir(parents=True, exist_ok=True)
    for seed in range(options.seeds):
        for way in WAYS:
            start = time.perf_counter()
            model, curve = train(picked["train"][way], encoder.n_tokens, seed)
            losses = evaluate(model, picked["test"][way])
            run = {"way": way, "seed": seed, "curve": curve, **summary(losses, picked["test"])}
            run["seconds"] = round(time.perf_counter() - start)
            results["runs"].append(run)
            print(way, seed, {k: v for k, v in run.items() if k != "curve"}, flush=True)
            (options.out / "value.json").write_text(json.dumps(results, indent=1))
    print(table(results))
    plot(results, options.out / "value.svg")


Places = dict[str, set[tuple[str, int, int]]]
"""New code by commit: blob, start and end."""


def chosen(database: Database, config: ExportConfig, wanted: dict[str, int]) -> dict[str, Places]:
    """Return edits of an export that are one row, so many of each split, at equal distances."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        export(database, out, config, jobs=2)
        for split, n_wanted in wanted.items():
            metas = [json.loads(line) for line in (out / f"{split}.meta.jsonl").open()]
            whole = [meta for meta in metas if meta["part"][1] == 1 and not meta["is_redacted"]]
            n = min(len(whole), n_wanted)
            places: Places = {}
            for meta in (whole[index * len(whole) // n] for index in range(n)):
                place = (meta["new"]["blob"], meta["new"]["start"], meta["new"]["end"])
                places.setdefault(meta["commit"], set()).add(place)
            found[split] = places
    return found


def written(database: Database, config: ExportConfig, wanted: Places) -> Rows:
    """Return those of the edits that all three ways can write."""
    rows: Rows = {way: [] for way in WAYS}
    _, _, renderer = writing_tools(config)
    with database.long_read() as connection:
        repository_id = queries.repository_id(connection, None)
        assert repository_id is not None
        reader = Reader(connection, repository_id)
        steps = Steps.of(reader, config)
        limits = Limits(config.max_chars, config.max_chars)
        for commit in reader.commits():
            places = wanted.get(commit.oid.hex(), set())
            every = steps.selector.edits(commit)[0] if places else ()
            edits = [edit for edit in every if place_of(reader, edit) in places]
            drafts, _ = steps.drafter.of_commit(commit, edits)
            for edit, drafted in zip(edits, drafts, strict=True):
                draft = steps.builder.redacted(drafted.draft)
                parts, _ = steps.builder.examples(draft, limits)
                if len(parts) != 1:
                    continue
                touched = tuple(same_commit(reader, edit, every))
                paths = tuple(
                    reader.path(one.path_id).decode("utf-8", "replace") for one in touched
                )
                ways = (
                    parts[0],
                    _with_context(parts[0], touched, paths),
                    _with_context(parts[0], (), ()),
                )
                made = [row_of(renderer, one) for one in ways]
                if all(made):
                    for way, row in zip(WAYS, made, strict=True):
                        assert row is not None
                        rows[way].append(row)
    return rows


def place_of(reader: Reader, edit: Edit) -> tuple[str, int, int]:
    if edit.new is None:
        return ("", 0, 0)
    blob = reader.blob(edit.new.blob_id).oid.hex()
    return blob, edit.new.start, edit.new.start + edit.new.n_bytes


def _with_context(
    example: Example, excerpts: tuple[Excerpt, ...], paths: tuple[str, ...]
) -> Example:
    draft = replace(example.draft, excerpts=excerpts, excerpt_paths=paths)
    return replace(example, draft=draft)


def row_of(renderer: Renderer, example: Example) -> Row | None:
    try:
        return renderer.row(example)[0]
    except (TooLongError, IrreversibleError):
        return None


def same_commit(reader: Reader, edit: Edit, edits: Sequence[Edit]) -> Iterator[Excerpt]:
    """Yield the definitions that the same commit touches elsewhere, as they were."""
    for other in edits:
        side = other.old
        if other is edit or side is None:
            continue
        start = side.start
        for chunk in side.chunks:
            if reader.symbols(chunk.id):
                text = reader.text(chunk.id)
                skipped = len(text) - len(text.lstrip())
                ranges = ((start + skipped, start + len(text)),)
                shown = text[skipped:].decode("utf-8").rstrip("\n") + "\n"
                place = (side.path_id, side.blob_id, ranges, shown)
                yield Excerpt("functions", *place, "", "", "whole")
            start += chunk.n_bytes


def batches(rows: Sequence[Row], seed: int) -> list[list[Row]]:
    """Return batches of the same edits in the same order, whatever the way."""
    order = list(range(len(rows)))
    random.Random(seed).shuffle(order)
    return [
        [rows[index] for index in order[start : start + _BATCH_ROWS]]
        for start in range(0, len(order), _BATCH_ROWS)
    ]


def tensors(batch: Sequence[Row]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    longest = max(len(row.input_ids) for row in batch)
    ids = torch.zeros((len(batch), longest), dtype=torch.long)
    mask = torch.zeros((len(batch), longest), dtype=torch.long)
    labels = torch.full((len(batch), longest), -100)
    for number, row in enumerate(batch):
        n = len(row.input_ids)
        ids[number, :n] = torch.tensor(row.input_ids)
        mask[number, :n] = 1
        for start, end in row.learned:
            labels[number, start:end] = ids[number, start:end]
    return ids, mask, labels


def context_of(batch: Sequence[Row], ids: torch.Tensor) -> torch.Tensor:
    """Return where context is: all else is learned, for so small a model has Rust to learn, too.

    So each way has the same tokens with loss.
    """
    found = torch.zeros_like(ids, dtype=torch.bool)
    for number, row in enumerate(batch):
        start = 0
        for role, n in row.roles:
            if role == "context":
                found[number, start : start + n] = True
            start += n
    return found


def train(rows: Sequence[Row], n_tokens: int, seed: int) -> tuple[Any, list[float]]:
    """Train a new model; return it with the mean loss of each tenth of the steps."""
    torch.manual_seed(seed)
    shape = Starcoder2Config(
        vocab_size=n_tokens,
        hidden_size=256,
        intermediate_size=1024,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=_MAX_TOKENS,
        sliding_window=None,
        use_cache=False,
        bos_token_id=None,
        eos_token_id=None,
        tie_word_embeddings=True,
    )
    model = Starcoder2ForCausalLM(shape)
    optimizer = torch.optim.AdamW(model.parameters(), lr=_RATE, weight_decay=0.05)
    steps = batches(rows, seed)
    losses = []
    model.train()
    for number, batch in enumerate(steps):
        warm = min(1.0, (number + 1) / _WARM_UP)
        rate = _RATE * warm * 0.5 * (1 + math.cos(math.pi * number / len(steps)))
        for group in optimizer.param_groups:
            group["lr"] = rate
        ids, mask, _ = tensors(batch)
        taught = ids.masked_fill(context_of(batch, ids) | (mask == 0), -100)
        loss = model(input_ids=ids, attention_mask=mask, labels=taught).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        losses.append(float(loss))
    tenth = max(1, len(losses) // 10)
    curve = [statistics.mean(losses[i : i + tenth]) for i in range(0, len(losses), tenth)]
    return model, [round(value, 4) for value in curve]


@torch.no_grad()  # type: ignore[untyped-decorator]
def evaluate(model: Any, rows: Sequence[Row]) -> list[tuple[float, int]]:
    """Return each row's loss on its new code, as a sum, with the number of its tokens."""
    model.eval()
    found = []
    for start in range(0, len(rows), 16):
        ids, mask, labels = tensors(rows[start : start + 16])
        logits = model(input_ids=ids, attention_mask=mask).logits[:, :-1]
        each = torch.nn.functional.cross_entropy(
            logits.transpose(1, 2), labels[:, 1:], ignore_index=-100, reduction="none"
        )
        counted = (labels[:, 1:] != -100).sum(1)
        found += list(zip(each.sum(1).tolist(), counted.tolist(), strict=True))
    return found


def summary(losses: list[tuple[float, int]], rows: Rows) -> dict[str, float]:
    """Return the loss per token: of all, and of the edits for which rsidx shows a definition."""
    around = {"imports", "outline"}
    named = [
        any(row.example.draft.excerpts[i].section not in around for i in row.chosen.excerpts)
        for row in rows["rsidx"]
    ]

    def mean(kept: Sequence[bool]) -> float:
        pairs = [loss for loss, keep in zip(losses, kept, strict=True) if keep]
        return round(sum(loss for loss, _ in pairs) / sum(n for _, n in pairs), 4)

    return {
        "loss": mean([True] * len(losses)),
        "loss_with_definitions": mean(named),
        "loss_without": mean([not one for one in named]),
    }


def table(results: dict[str, Any]) -> str:
    """Return the table of docs/value.md."""
    lines = [
        "| context | all edits | edits that refer to a definition that can be shown | others |",
        "|---|---:|---:|---:|",
    ]
    for way in WAYS:
        runs = [run for run in results["runs"] if run["way"] == way]
        cells = []
        for key in ("loss", "loss_with_definitions", "loss_without"):
            values = [run[key] for run in runs]
            spread = statistics.stdev(values) if len(values) > 1 else 0
            cells.append(f"{statistics.mean(values):.3f} ± {spread:.3f}")
        lines.append(f"| {way} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def plot(results: dict[str, Any], file: Path) -> None:
    """Plot each run's loss on the test split."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3), layout="constrained")
    titles = {"loss": "all edits", "loss_with_definitions": "edits with definitions to show"}
    for number, (key, title) in enumerate(titles.items(), 1):
        axes = figure.add_subplot(1, 2, number)
        for place, way in enumerate(WAYS):
            values = [run[key] for run in results["runs"] if run["way"] == way]
            axes.plot([place] * len(values), values, "o", color="#4c78a8", alpha=0.7)
            axes.plot([place - 0.2, place + 0.2], [statistics.mean(values)] * 2, color="#e45756")
        axes.set_xticks(range(len(WAYS)), WAYS)
        axes.set_title(title, fontsize=10)
        axes.set_ylabel("loss per token of new code")
    figure.savefig(file, metadata={"Date": None})


if __name__ == "__main__":
    main()
