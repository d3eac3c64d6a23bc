"""A configuration for axolotl."""

from typing import Any

import yaml

from rsidx.exporters.recipes.facts import Facts

FILE = "axolotl.yaml"
_HEAD = """\
# Fine-tune a model on a data set with axolotl: axolotl train axolotl.yaml
# Written by rsidx, and yours to change.
"""
_TYPES: dict[str, dict[str, Any]] = {
    # Rows with ids and labels are taken as they are where no type is named.
    "ids": {"type": None},
    "text": {
        "type": {
            "field_instruction": "prompt",
            "field_output": "completion",
            "format": "{instruction}",
            "no_input_format": "{instruction}",
        }
    },
    "messages": {
        "type": "chat_template",
        "field_messages": "messages",
        "roles_to_train": ["assistant"],
        "train_on_eos": "turn",
    },
}


def configuration(facts: Facts, model: str) -> str:
    """Return a configuration that trains all weights of a model on a data set."""
    settings: dict[str, Any] = {
        "base_model": model,
        "tokenizer_config": facts.tokenizer,
        # Many models have more rows than tokens, which the new ones take: never make it smaller.
        "shrink_embeddings": False,
        "datasets": [_data(facts, "train")],
        "val_set_size": 0,
        "sequence_len": facts.max_length,
        "excess_length_strategy": "raise",
        "sample_packing": False,
        "pad_to_sequence_len": False,
        "train_on_inputs": False,
        "micro_batch_size": 1,
        "gradient_accumulation_steps": 16,
        "gradient_checkpointing": True,
        "num_epochs": 1,
        "optimizer": "adamw_torch",
        "lr_scheduler": "cosine",
        "learning_rate": 1e-5,
        "warmup_steps": 10,
        "weight_decay": 0.01,
        "bf16": "auto",
        "attn_implementation": "sdpa",
        "output_dir": "model",
    }
    if facts.has_val:
        settings |= {"test_datasets": [_data(facts, "val")], "evals_per_epoch": 4}
    return f"{_HEAD}{yaml.safe_dump(settings, sort_keys=False, allow_unicode=True)}"


def _data(facts: Facts, split: str) -> dict[str, Any]:
    where: dict[str, Any] = {"path": facts.file(split), "ds_type": facts.loader, "split": "train"}
    return {**where, **_TYPES[facts.shape]}
