"""What came out of an export: its statistics and its manifest."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import fields
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rsidx import __version__
from rsidx.exporters.config import ExportConfig
from rsidx.exporters.dedup.leakage import COMPARED
from rsidx.exporters.edits.git_diff import git_version
from rsidx.exporters.edits.tiny import KINDS
from rsidx.exporters.filters.secrets import scanner_version
from rsidx.exporters.pipeline.statistics import Statistics
from rsidx.exporters.rendering.encoder import Encoder
from rsidx.exporters.splits.split import SPLITS
from rsidx.setting import declared

_MOST_PATHS = 10
_QUANTILES = (5, 25, 50, 75, 95, 100)


def _quantiles(lengths: Counter[int]) -> dict[str, int]:
    """Return the lengths, in tokens, that so many in a hundred examples do not exceed."""
    wanted = list(_QUANTILES)
    found = {}
    n_seen = 0
    for length, n in sorted(lengths.items()):
        n_seen += n
        while wanted and n_seen * 100 >= wanted[0] * lengths.total():
            found[f"{wanted.pop(0)}%"] = length
    return found


def _chat_template(config: ExportConfig, encoder: Encoder) -> dict[str, str | None]:
    """Return by which template the tokens of messages were counted, None for none."""
    if config.columns != "messages":
        return {}
    source = encoder.chat_template
    return {"chat_template": sha256(source.encode()).hexdigest() if source is not None else None}


def _names_of(given: str | tuple[str, ...]) -> str | list[str]:
    """Return the last part of a path, or of each of several."""
    return Path(given).name if isinstance(given, str) else [Path(one).name for one in given]


def manifest_of(
    config: ExportConfig,
    encoder: Encoder,
    dialect: str,
    repository: str,
    tips: Mapping[str, bytes],
    statistics: Statistics,
) -> dict[str, Any]:
    """Return the manifest, but for the splits and the times of the phases."""
    asked = {field.name: getattr(config, field.name) for field in fields(config)}
    for name, option in declared(ExportConfig).items():
        # A path says where something lay on one machine; hashes and oids say which one it was.
        if option.setting.is_path and asked[name]:
            asked[name] = _names_of(asked[name])
    n_examples = statistics.examples.total()
    return {
        "rsidx_version": __version__,
        "libraries": {
            **{name: version(name) for name in ("tokenizers", "rensa")},
            "secrets": scanner_version(),
            **({"git": git_version()} if config.labels == "changed" else {}),
        },
        "config": asked,
        "repository": repository,
        "tips": {name: tip.hex() for name, tip in tips.items()},
        "tokenizer": {
            "sha256": encoder.source_sha256,
            "dialect": dialect,
            "n_tokens": encoder.n_tokens,
            "n_new_tokens": len(encoder.added),
            "new_tokens": {token: encoder.control(token) for token in encoder.added},
            "bos_token": encoder.bos_token,
            "end_token": encoder.end_token,
            "pad_token": encoder.pad_token,
            **_chat_template(config, encoder),
        },
        "counts": {
            "examples": {name: statistics.examples[name] for name in SPLITS},
            "tokens": {name: statistics.tokens[name] for name in SPLITS},
            "learned_tokens": {name: statistics.learned_tokens[name] for name in SPLITS},
            "examples_by_change": dict(sorted(statistics.by_change.items())),
            "examples_by_kind": dict(sorted(statistics.by_kind.items())),
            "tokens_by_change": dict(sorted(statistics.tokens_by_change.items())),
            "tokens_by_kind": dict(sorted(statistics.tokens_by_kind.items())),
            "tokens_by_role": dict(sorted(statistics.tokens_by_role.items())),
            "excerpts_by_rule": dict(sorted(statistics.excerpts_by_rule.items())),
            "excerpts_by_section": dict(sorted(statistics.excerpts_by_section.items())),
            "references": dict(sorted(statistics.references.items())),
            "needs": dict(sorted(statistics.needs.items())),
            "examples_with_context": statistics.with_context,
            "context_coverage": round(statistics.with_context / n_examples, 4) if n_examples else 0,
            "examples_with_earlier_edits": statistics.with_earlier,
            "examples_of_test_code": statistics.test_code,
            "examples_of_tiny_edits": {kind: statistics.tiny[kind] for kind in KINDS},
            "examples_of_blocks": statistics.blocks,
            "examples_by_verdict": dict(sorted(statistics.verdicts.items())),
            "examples_with_cut_message": statistics.cut_messages,
            "examples_with_old_line_ends": statistics.old_line_ends,
            "examples_by_year": dict(sorted(statistics.years.items())),
            "most_edited_paths": dict(statistics.paths.most_common(_MOST_PATHS)),
            "length_quantiles": _quantiles(statistics.lengths),
            "packed_rows": {name: statistics.packed[name] for name in SPLITS if config.pack},
        },
        "licenses": dict(sorted(statistics.licenses.items())),
        "relations": {
            "left_out": dict(sorted(statistics.related.items())),
            "across_splits": {reason: statistics.across_splits[reason] for reason in COMPARED},
        },
        "now_train": {name: statistics.now_train[name] for name in SPLITS[1:]},
        "dropped": {reason: n for reason, n in sorted(statistics.dropped.items()) if n},
    }
