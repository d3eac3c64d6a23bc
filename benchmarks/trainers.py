"""What other trainers make of rows of text and of messages, beside what training should have.

    python benchmarks/trainers.py TRAINER IDS TEXT MESSAGES MODEL

TRAINER is llama-factory, ms-swift, verl or nemo, in an environment where it is installed. IDS, TEXT
and MESSAGES are exports of one history with `--columns ids`, `text` and `messages`, the last with
an instruct model's tokenizer, and MODEL is a folder with a small model of that vocabulary, which
is not loaded. Prints, for each way of reading, how many rows of train have the ids and the loss of
the export: for messages, whose ids are not exported, as many of each.
"""

import argparse
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

Encoded = tuple[list[int], list[int]]
"""Ids, and labels of the same length."""
_IGNORED = -100


def _lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def llama_factory(options: argparse.Namespace) -> Iterator[tuple[str, Path, Iterable[Encoded]]]:
    """Read rows as LLaMA-Factory does."""
    from datasets import load_dataset
    from llamafactory.data import get_dataset, get_template_and_fix_tokenizer
    from llamafactory.hparams import get_train_args
    from llamafactory.model import load_tokenizer

    columns = {"prompt": "prompt", "response": "completion"}
    tags = {
        "role_tag": "role", "content_tag": "content", "user_tag": "user",
        "assistant_tag": "assistant", "system_tag": "system",
    }  # fmt: skip
    chat = {"formatting": "sharegpt", "columns": {"messages": "messages"}, "tags": tags}
    with tempfile.TemporaryDirectory() as folder:
        info = {
            "text": {"file_name": str(options.text / "train.jsonl"), "columns": columns},
            "chat": {"file_name": str(options.messages / "train.jsonl"), **chat},
            "openai": {
                "file_name": str(options.messages / "train.jsonl"), **chat, "formatting": "openai",
            },
        }  # fmt: skip
        (Path(folder) / "dataset_info.json").write_text(json.dumps(info))
        saved = Path(folder) / "saved"
        rows = load_dataset("json", data_files={"train": str(options.ids / "train.jsonl")})
        rows.save_to_disk(saved)
        for name, data, more in (
            ("text, template: empty", "text", {"template": "empty"}),
            ("ids, by tokenized_path", "text", {"tokenized_path": str(saved)}),
            ("messages, formatting: openai", "openai", {}),
            ("messages, formatting: sharegpt", "chat", {}),
        ):
            out = {"text": options.text, "chat": options.messages, "openai": options.messages}[data]
            settings = {
                "model_name_or_path": str(options.model), "stage": "sft", "do_train": True,
                "dataset": data, "dataset_dir": folder, "cutoff_len": 8192, "use_cpu": True,
                "output_dir": str(Path(folder) / "out"), "overwrite_cache": True, **more,
            }  # fmt: skip
            model, data_, training, _, _ = get_train_args(settings)
            module = load_tokenizer(model)
            module["tokenizer"] = _tokenizer(out)
            template = get_template_and_fix_tokenizer(module["tokenizer"], data_)
            found = get_dataset(template, model, data_, training, stage="sft", **module)
            yield name, out, ((row["input_ids"], row["labels"]) for row in found["train_dataset"])


def ms_swift(options: argparse.Namespace) -> Iterator[tuple[str, Path, Iterable[Encoded]]]:
    """Read rows as ms-swift does."""
    from swift.arguments import SftArguments
    from swift.dataset import load_dataset

    plain = {"template": "dummy", "use_chat_template": False}
    jinja = {"template": "dummy", "template_backend": "jinja"}
    system = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"
    for name, out, more in (
        ("text, use_chat_template false", options.text, plain),
        ("messages, template_backend jinja", options.messages, jinja),
        ("messages, template chatml", options.messages, {"template": "chatml", "system": system}),
    ):
        file = str(out / "train.jsonl")
        with tempfile.TemporaryDirectory() as folder:
            arguments = SftArguments(
                model=str(options.model), model_type="llama", dataset=[file], max_length=8192,
                split_dataset_ratio=0, torch_dtype="float32", output_dir=folder, **more,
            )  # fmt: skip
            template = arguments.get_template(arguments.get_model_processor()[1])
            template.set_mode("train")
            rows, _ = load_dataset([file], **arguments.get_dataset_kwargs())
            encoded = map(template.encode, rows)
            yield name, out, ((list(row["input_ids"]), list(row["labels"])) for row in encoded)


def verl(options: argparse.Namespace) -> Iterator[tuple[str, Path, Iterable[Encoded]]]:
    """Read rows as verl does."""
    from datasets import load_dataset
    from hydra import compose, initialize_config_module
    from verl.utils.dataset.multiturn_sft_dataset import MultiTurnSFTDataset

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "train.parquet"
        rows = load_dataset("json", data_files=str(options.messages / "train.jsonl"))["train"]
        rows.to_parquet(file)
        with initialize_config_module("verl.trainer.config", version_base=None):
            settings = [f"data.train_files={file}", "data.max_length=8192", "data.truncation=error"]
            config = compose("sft_trainer_engine", settings)
        found = MultiTurnSFTDataset(str(file), _tokenizer(options.messages), config.data)
        yield "messages, as Parquet", options.messages, (_masked(row) for row in found)


def _masked(row: dict[str, Any]) -> Encoded:
    ids, mask = row["input_ids"].tolist(), row["loss_mask"].tolist()
    return ids, [one if kept else _IGNORED for one, kept in zip(ids, mask, strict=True)]


def nemo(options: argparse.Namespace) -> Iterator[tuple[str, Path, Iterable[Encoded]]]:
    """Read rows as NeMo AutoModel does."""
    from nemo_automodel.components.datasets.llm.chat_dataset import ChatDataset
    from nemo_automodel.components.datasets.llm.column_mapped_text_instruction_dataset import (
        ColumnMappedTextInstructionDataset,
    )

    columns = {"question": "prompt", "answer": "completion"}
    text, chat = (str(out / "train.jsonl") for out in (options.text, options.messages))
    found = ColumnMappedTextInstructionDataset(text, columns, _tokenizer(options.text))
    yield "text, by column_mapping", options.text, map(_shifted, found)
    for name, more in (
        ("messages", {}),
        ("messages, mask_generation_prompt", {"mask_generation_prompt": True}),
    ):
        found = ChatDataset(chat, _tokenizer(options.messages), **more)
        yield name, options.messages, map(_shifted, found)


def _shifted(row: dict[str, Any]) -> Encoded:
    """Return a row whose labels are those of the next tokens, with labels of its own tokens."""
    return [*row["input_ids"], row["labels"][-1]], [_IGNORED, *row["labels"]]


def _tokenizer(out: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(str(out / "tokenizer"))


_TRAINERS: dict[str, Callable[..., Iterator[tuple[str, Path, Iterable[Encoded]]]]] = {
    "llama-factory": llama_factory,
    "ms-swift": ms_swift,
    "verl": verl,
    "nemo": nemo,
}


def _is_expected(row: Encoded, meta: dict[str, Any], exported: dict[str, Any] | None) -> bool:
    ids, labels = row
    if exported is not None:
        return (list(ids), list(labels)) == (exported["input_ids"], exported["labels"])
    learned = sum(n for role, n in meta["roles"] if role in ("new", "end"))
    total: int = meta["n_tokens"]["total"]
    return (len(ids), sum(one != _IGNORED for one in labels)) == (total, learned)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("trainer", choices=_TRAINERS)
    for name in ("ids", "text", "messages", "model"):
        parser.add_argument(name, type=lambda path: Path(path).resolve())
    options = parser.parse_args()
    os.environ["HF_HUB_OFFLINE"] = "1"
    with_ids = [meta["id"] for meta in _lines(options.ids / "train.meta.jsonl")]
    exported = dict(zip(with_ids, _lines(options.ids / "train.jsonl"), strict=True))
    for name, out, rows in _TRAINERS[options.trainer](options):
        metas = _lines(out / "train.meta.jsonl")
        known = {} if out == options.messages else exported
        same = sum(
            _is_expected(row, meta, known.get(meta["id"]))
            for row, meta in zip(rows, metas, strict=True)
        )
        print(f"| {options.trainer} | {name} | {same:,} of {len(metas):,} |", flush=True)


if __name__ == "__main__":
    main()
