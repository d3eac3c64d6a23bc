"""Which judged edits a model may have seen: those in, or related to, an export's train split."""

import json
from collections.abc import Iterable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from rsidx.errors import EvaluationError
from rsidx.evaluation.edits import edit_id, sides_of
from rsidx.exporters.dataset.format import read_manifest
from rsidx.exporters.dataset.reader import read_metas, readable
from rsidx.exporters.dedup.leakage import BLOCK, LeakIndex, commits_named
from rsidx.exporters.edits.fingerprint import PatchFingerprint
from rsidx.exporters.splits.split import SPLITS
from rsidx.indexer.gitview import GitView

IN_TRAIN = "in_train"
_TRAIN, _TEST = 0, 2
"""Splits, as `LeakIndex` numbers them."""


def seen_in_training(
    edits: Iterable[Mapping[str, Any]], trained_on: Path, git: GitView
) -> dict[str, str]:
    """Return the edits of a result that a model trained on an export may have seen, and why.

    The reason is `in_train`, or one of `rsidx.exporters.dedup.leakage.REASONS`. Raises
    EvaluationError where the repository lacks the code of the export, ExportError where it is none.
    """
    asked = {line["edit_id"]: line for line in edits}
    manifest = read_manifest(trained_on)
    kind = str(manifest["config"]["kind"])
    with readable(trained_on):
        train = list(read_metas(trained_on, SPLITS[0]))
        ids = {edit_id(meta, kind) for meta in train}
        commits = {meta["commit"] for meta in train}
        sides = {json.dumps(sides_of(meta)): sides_of(meta) for meta in train}
    found = {name: IN_TRAIN for name in asked if name in ids}
    for name, line in asked.items():
        prefixes = commits_named(git.message(line["commit"]))
        if any(commit.startswith(prefix) for prefix in prefixes for commit in commits):
            found.setdefault(name, "named")
    left = {name: line for name, line in asked.items() if name not in found}
    return found | _related(left, sides.values(), git)


def _related(
    asked: Mapping[str, Mapping[str, Any]], known: Iterable[Mapping[str, Any]], git: GitView
) -> dict[str, str]:
    """Return which edits nearly repeat one of train, by their code, and how."""
    patches = {name: _fingerprint(line, git) for name, line in asked.items()}
    learned = [_fingerprint(sides, git) for sides in known] if patches else []
    found = {}
    names = iter(patches)
    while block := list(islice(names, BLOCK)):
        index = LeakIndex(patches[name] for name in block)
        for patch in learned:
            index.add(_TRAIN, patch)
        for name in block:
            reason = next(index.reasons(_TEST, patches[name]), None)
            if reason is not None:
                found[name] = reason
    return found


def _fingerprint(sides: Mapping[str, Any], git: GitView) -> PatchFingerprint:
    return PatchFingerprint.of(_text(sides["old"], git), _text(sides["new"], git))


def _text(place: Mapping[str, Any] | None, git: GitView) -> bytes:
    if place is None:
        return b""
    content = git.blob(place["blob"])
    if content is None:
        raise EvaluationError(
            f"the repository lacks {place['blob']}, which the export was made of; name that "
            "repository with -C"
        )
    return content[place["start"] : place["end"]]
