"""The dataset card: what the data is, for the people who train on it."""

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from rsidx.exporters.dataset.features import meta_features
from rsidx.exporters.dataset.packing import PACKED_COLUMNS
from rsidx.exporters.dataset.place_columns import PLACE_COLUMNS
from rsidx.exporters.dataset.preference_columns import PREFERENCE_COLUMNS
from rsidx.exporters.dataset.sidecars import PACKED, TEXT
from rsidx.exporters.dataset.text_columns import TEXT_COLUMNS
from rsidx.exporters.dataset.writer import COLUMNS
from rsidx.exporters.filters.licenses import NO_LICENSE
from rsidx.exporters.formats.registry import FORMATS
from rsidx.exporters.kinds import KINDS
from rsidx.exporters.splits.split import SPLITS

_MOST_REPOSITORIES = 100
_HUB_NAMES = {"val": "validation"}
_HUB_LICENSES = {
    "MIT": "mit",
    "Apache-2.0": "apache-2.0",
    "MPL-2.0": "mpl-2.0",
    "BSD-3-Clause": "bsd-3-clause",
    "Unlicense": "unlicense",
}


def description(manifest: dict[str, Any]) -> str:
    """Return in a sentence what the data is."""
    config = manifest["config"]
    kind = KINDS[config["kind"]]
    return (
        f"{kind.description}, with the definitions that it refers to as they stood "
        f"before that commit. {_warning(config)}Made by rsidx {manifest['rsidx_version']}."
    )


def _warning(config: Mapping[str, Any]) -> str:
    if config["context_from"] != "answer":
        return ""
    return (
        "The context was chosen by looking at the answer (--context-from answer): it is for "
        "measuring, and no prompt can be like it. "
    )


def render(manifest: dict[str, Any]) -> str:
    """Return the card as Markdown with the front matter that the hub reads."""
    counts = manifest["counts"]
    total = sum(counts["examples"].values())
    config = manifest["config"]
    n_out = sum(part["embargo"]["n_commits"] for part in manifest["splits"].values())
    lines = [
        "---",
        "language:",
        "- code",
        "tags:",
        "- rust",
        "- code-edits",
        *_license([*manifest["licenses"]]),
        "task_categories:",
        "- text-generation",
        "size_categories:",
        f"- {_size(total)}",
    ]
    lines += _configurations(manifest, is_empty=not total)
    lines += [
        "---",
        "",
        f"# {KINDS[config['kind']].title} of {manifest['repository']}",
        "",
        description(manifest),
        "",
        *(() if total else (_NO_ROWS, "")),
        _columns(config)
        + ". The line of the same number in the `.meta.jsonl` beside it says where it is "
        "from: commit, path, symbol, and blob and byte ranges of each piece of context.",
        "",
        "| split | commits | examples | tokens | tokens with loss |",
        "|---|---:|---:|---:|---:|",
    ]
    for name in SPLITS:
        lines.append(
            f"| {name} | {manifest['splits'][name]['n_commits']:,} "
            f"| {counts['examples'][name]:,} | {counts['tokens'][name]:,} "
            f"| {counts['learned_tokens'][name]:,} |"
        )
    lines += [
        "",
        _SPLITS[manifest.get("corpus", {}).get("split_by", "time")]
        + (f", with {n_out:,} commits left out between them." if n_out else ".")
        + ("" if "related" in config["keep"] else _UNRELATED),
        "",
        f"Examples that are shown a definition they refer to: {counts['context_coverage']:.1%}. "
        f"Dialect: `{manifest['tokenizer']['dialect']}`, with "
        f"{manifest['tokenizer']['n_new_tokens']} tokens added to the tokenizer, which is in "
        "`tokenizer/`; a model must have its embeddings resized to "
        f"{manifest['tokenizer']['n_tokens']}.",
        "",
        *_repositories(manifest.get("repositories", {})),
        *_table("By licence of the code", manifest["licenses"]),
        *_table("By split and change", counts["examples_by_change"], counts["tokens_by_change"]),
        *_table("By kind of code", counts["examples_by_kind"], counts["tokens_by_kind"]),
        *_table("Context by rule", counts["excerpts_by_rule"]),
        *_table("By verdict of the gate", counts.get("examples_by_verdict", {})),
        *_table("References, by kind and what came of them", counts["references"]),
        *_table("Left out, by reason", manifest["dropped"]),
        *_relations(manifest["relations"]),
        *_table("Examples by split and year", counts["examples_by_year"]),
        *_table("Tokens, and how many examples have no more", counts["length_quantiles"]),
        *_table("Paths with most examples", counts["most_edited_paths"]),
    ]
    return "\n".join(lines).rstrip() + "\n"


_SPLITS = {
    "time": "The splits follow each other in time: every commit of train comes before every commit "
    "of val in the order of history, and those before every commit of test",
    "repository": "Each split has repositories of its own, with their forks and copies",
    "both": "Each split has repositories of its own, with their forks and copies, and the splits "
    "follow each other in time: every commit of train comes before every commit of val, and those "
    "before every commit of test",
}
_UNRELATED = (
    " Edits of val and test that repeat, revert, pick or nearly copy one of an earlier split are "
    "left out."
)


_NO_ROWS = (
    "**It has no rows.** `datasets.load_dataset` opens what is empty with `streaming=True` alone."
)


def _configurations(manifest: dict[str, Any], *, is_empty: bool) -> list[str]:
    """Return the front matter that says which files the hub's loader is to read, and how.

    It guesses the types of columns from the first rows. Those of meta lines are named, for a
    column may have no value in all of train; so are all types where there are no rows.
    """
    config, counts = manifest["config"], manifest["counts"]["examples"]
    # A split without rows would be a file that the loader refuses.
    splits = [name for name in SPLITS if counts[name] or is_empty]
    # Five characters: the files of meta lines have more.
    stem = "-?????" if manifest.get("shards") else ""
    infos = []
    lines = ["configs:"]
    for shape, ending in _shapes(config).items():
        lines += [f"- config_name: {shape}", "  data_files:"]
        for name in splits:
            lines += [
                f"  - split: {_HUB_NAMES.get(name, name)}",
                f"    path: {name}{stem}.{ending}",
            ]
        # A place may have no value in any of the first rows, either.
        if is_empty or shape == _META or config["columns"] == "rl":
            infos += [f"- config_name: {shape}", "  features:"]
            # What is JSON is also YAML.
            infos += [f"  - {json.dumps(column)}" for column in _types(shape, config)]
    return [*lines, "dataset_info:", *infos] if infos else lines


_META = "meta"


def _shapes(config: dict[str, Any]) -> dict[str, str]:
    """Return the endings of the files that the hub's loader can read, by configuration."""
    if config["format"] == "parquet":
        # The loader reads all files of a data set in one way.
        return {"default": "parquet"}
    found = {_META: f"{_META}.jsonl"}
    # What is no one file a split is for its own library to read, not for the hub.
    if FORMATS[config["format"]].media_type is not None:
        found = {"default": config["format"], **found}
    if config["columns"] == "both":
        found["text"] = TEXT
    if config["pack"]:
        found["packed"] = PACKED
    return found


def _types(shape: str, config: dict[str, Any]) -> list[dict[str, Any]]:
    if shape == _META:
        return meta_features(config["kind"])
    if KINDS[config["kind"]].has_rejected:
        return [{"name": name, "dtype": "string"} for name in PREFERENCE_COLUMNS]
    if config["columns"] == "rl":
        return [{"name": name, "dtype": kind} for name, kind in PLACE_COLUMNS.items()]
    if shape == "text" or (shape == "default" and config["columns"] == "text"):
        return [{"name": name, "dtype": "string"} for name in TEXT_COLUMNS]
    if config["columns"] == "messages":
        turn = [{"name": name, "dtype": "string"} for name in ("role", "content")]
        return [{"name": "id", "dtype": "string"}, {"name": "messages", "list": turn}]
    columns = PACKED_COLUMNS if shape == "packed" else (*COLUMNS, *config["masks"])
    return [{"name": name, "list": "int64"} for name in columns]


_LOSS = {
    "changed": ", which of the new code is only on what the edit changes",
    "all": ", which is nowhere",
}
"""What the card says of what has loss, where that is not the target."""


def _columns(config: dict[str, Any]) -> str:
    if KINDS[config["kind"]].has_rejected:
        return "Each row of a split has `id`, `prompt`, `chosen` and `rejected`"
    if config["columns"] == "rl":
        return (
            "Each row of a split has `id`, `prompt`, `completion`, and the place of the answer: "
            "`commit`, its `parent`, and in the parent the `path` and the bytes from `start` to "
            "`end` that it replaces, null where code is added"
        )
    if config["columns"] == "text":
        return "Each row of a split has `id`, `prompt` and `completion`"
    if config["columns"] == "messages":
        return (
            "Each row of a split has `id` and `messages`: what a user asks, and what the assistant "
            "answers"
        )
    lacks = FORMATS[config["format"]].lacks
    return (
        "Each row of a split has `input_ids`, `attention_mask` and `labels` (-100 where there is "
        f"no loss{_LOSS.get(config['labels'], '')})"
        + (", as far as the format has a place for them" if lacks else "")
        + _masks(config)
    )


def _masks(config: dict[str, Any]) -> str:
    names = " and ".join(f"`{name}`" for name in config["masks"])
    return f", and {names}: 1 where labels have loss" if names else ""


def _repositories(repositories: dict[str, Any]) -> list[str]:
    """Return the examples of the repositories of a data set of many, those with most of them."""
    rows = Counter({name: sum(one["examples"].values()) for name, one in repositories.items()})
    return _table("Repositories with most examples", dict(rows.most_common(_MOST_REPOSITORIES)))


def _relations(relations: dict[str, dict[str, int]]) -> list[str]:
    """Return what is related to an earlier split: what was left out for it, and what is left."""
    found = [(f"{what}, left out", n) for what, n in relations["left_out"].items()]
    found += [(f"{what}, still across splits", n) for what, n in relations["across_splits"].items()]
    return _table("Related edits", dict(found))


def _license(found: list[str]) -> list[str]:
    """Return the front matter's licence: one that the hub knows by name, else `other`."""
    if len(found) != 1 or found == [NO_LICENSE]:
        return ["license: other"] if len(found) > 1 else []
    names = [_HUB_LICENSES.get(word) for word in found[0].split(" OR ")]
    if None in names:
        return ["license: other", f"license_name: {found[0]}"]
    return ["license:", *(f"- {name}" for name in names)]


def _size(n: int) -> str:
    for limit, name in ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K")):
        if n < limit:
            return name
    return "100K<n<1M" if n < 1_000_000 else "1M<n<10M"


def _table(title: str, rows: dict[str, int], tokens: dict[str, int] | None = None) -> list[str]:
    if not rows:
        return []
    more = (" tokens |", "---:|") if tokens else ("", "")
    lines = [f"## {title}", "", f"| what | how many |{more[0]}", f"|---|---:|{more[1]}"]
    for name, n in rows.items():
        lines.append(f"| `{name}` | {n:,} |" + (f" {tokens[name]:,} |" if tokens else ""))
    return [*lines, ""]
