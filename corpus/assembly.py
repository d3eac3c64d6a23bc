"""Putting a corpus together: its shards, one manifest, and the pages that describe it."""

import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from rsidx.corpus.configuration import CorpusConfig
from rsidx.corpus.decision import DROPPED, DUPLICATES
from rsidx.corpus.decision import SUMMARY as DECISION
from rsidx.corpus.plan import SUMMARY as PLAN
from rsidx.corpus.repositories import Listed
from rsidx.corpus.run import Stage
from rsidx.corpus.shards import COUNTS, DATA, shards_of
from rsidx.corpus.workspace import Workspace
from rsidx.exporters.dataset import card
from rsidx.exporters.dataset.croissant import FILE, describe
from rsidx.exporters.dataset.destination import Destination
from rsidx.exporters.dataset.dropped import FILE as DROPPED_FILE
from rsidx.exporters.dataset.format import read_manifest
from rsidx.exporters.dataset.inventory import sealed
from rsidx.exporters.dataset.layout import MANIFEST, write_checksums, write_json
from rsidx.exporters.dataset.manifest import manifest_of
from rsidx.exporters.dataset.moved import MovedRows
from rsidx.exporters.dataset.reader import read_metas
from rsidx.exporters.dataset.staging import staging
from rsidx.exporters.pipeline.commit import writing_tools
from rsidx.exporters.pipeline.statistics import Statistics
from rsidx.exporters.splits.split import SPLITS

DUPLICATES_FILE = "duplicates.jsonl"
TAKEN, FINISHED = "taken.json", "finished.json"
"""That the shards were moved away, and the seal of the data set that they are in."""


def assemble(
    config: CorpusConfig,
    destination: Destination,
    out: Workspace,
    listed: Sequence[Listed],
    of_run: Mapping[str, Any],
) -> dict[str, Any]:
    """Write the data set of a run whose stages are done; return its manifest.

    `of_run` is what the manifest says of the run itself: `phases_s`, and parts of `corpus`. The
    data set appears in one step, as an export does.
    """
    encoder, dialect, _ = writing_tools(config.export)
    plan, decision = out.read_json(PLAN), out.read_json(DECISION)
    with staging(destination) as folder:
        _take(out, folder)
        counted = _Counted(out, decision, [one.name for one in listed])
        counted.whole.now_train.update(_now_train(folder, destination.path))
        _write_lists(folder, out, [name for _, name in shards_of(out)])
        encoder.save(folder / "tokenizer", max_tokens=config.export.max_tokens)
        tips = {name: bytes.fromhex(tip) for name, tip in plan["tips"].items()}
        name = destination.path.name
        manifest = manifest_of(config.export, encoder, dialect.name, name, tips, counted.whole)
        manifest |= {
            "splits": plan["splits"],
            "shards": {split: counted.shards[split] for split in SPLITS},
            "repositories": counted.by_repository(plan, listed),
            "corpus": {
                "split_by": config.split_by,
                "shard_rows": config.shard_rows,
                **of_run["corpus"],
            },
        }
        (folder / "README.md").write_text(card.render(manifest), "utf-8")
        write_json(folder / FILE, describe(folder, manifest, card.description(manifest)))
        files = write_checksums(folder)
        manifest = sealed({**manifest, "phases_s": of_run["phases_s"]}, files)
        write_json(folder / MANIFEST, manifest)
    out.write_json(FINISHED, manifest["sha256"])
    return manifest


def _take(out: Workspace, folder: Path) -> None:
    """Move the files of the shards here: a data set may be too large to be there twice."""
    out.write_json(TAKEN, value=True)
    data = out.within(DATA)
    for name in sorted(data.folder.find("")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        if data.folder.is_local():
            shutil.move(data.local(name), folder / name)
        else:
            data.folder.get_file(name, str(folder / name))


def finished(destination: Destination, out: Workspace) -> dict[str, Any] | None:
    """Return the manifest of the data set that a run has put in its place; None for none there."""
    seal = out.read_json(FINISHED)
    if seal is None or not (destination.path / MANIFEST).exists():
        return None
    manifest = read_manifest(destination.path)
    return manifest if manifest.get("sha256") == seal else None


def write_again(out: Workspace) -> None:
    """Have shards written again that were taken away."""
    if out.folder.exists(TAKEN):
        for name in (DATA, Stage.WRITE.logs, TAKEN):
            out.remove(name)


class _Counted:
    """What is counted of a corpus: as a whole, and of each repository."""

    def __init__(self, out: Workspace, decision: Mapping[str, Any], names: Sequence[str]) -> None:
        self.whole = Statistics.of(decision["across"])
        self.parts = {name: Statistics() for name in names}
        self.shards: Counter[str] = Counter()
        self._add(decision["repositories"])
        for split, shard in shards_of(out):
            counts = out.read_json(f"{COUNTS}/{shard}.json")
            self.shards[split] += 1
            self.whole.packed.update(counts["packed"])
            self._add(counts["repositories"])

    def _add(self, repositories: Mapping[str, Any]) -> None:
        for name, counts in repositories.items():
            statistics = Statistics.of(counts)
            self.parts[name].add(statistics)
            self.whole.add(statistics)

    def by_repository(
        self, plan: Mapping[str, Any], listed: Sequence[Listed]
    ) -> dict[str, dict[str, Any]]:
        """Return what the manifest says of each repository."""
        return {
            one.name: {
                "tip": plan["tips"][one.name],
                "group": listed[plan["groups"][number]].name,
                "examples": {split: self.parts[one.name].examples[split] for split in SPLITS},
                "tokens": {split: self.parts[one.name].tokens[split] for split in SPLITS},
                "licenses": dict(sorted(self.parts[one.name].licenses.items())),
                "dropped": dict(sorted(self.parts[one.name].dropped.items())),
            }
            for number, one in enumerate(listed)
        }


def _write_lists(folder: Path, out: Workspace, shards: Sequence[str]) -> None:
    """Write what was left out, and of which edit each duplicate is one."""
    with (folder / DROPPED_FILE).open("wb") as file:
        for name in (DROPPED, *(f"{COUNTS}/{shard}.dropped.jsonl" for shard in shards)):
            with out.folder.open(name, "rb") as lines:
                shutil.copyfileobj(lines, file)
    with (folder / DUPLICATES_FILE).open("wb") as file, out.folder.open(DUPLICATES, "rb") as lines:
        shutil.copyfileobj(lines, file)


def _now_train(folder: Path, before: Path) -> Counter[str]:
    """Count the rows of train that were in another split of what is replaced, by that split."""
    with closing(MovedRows(before, folder)) as moved:
        splits = (moved.split_before(row_id) for row_id in _ids(folder, before))
        return Counter(split for split in splits if split is not None)


def _ids(folder: Path, before: Path) -> Iterator[str]:
    if before.exists():
        for meta in read_metas(folder, SPLITS[0]):
            yield meta["id"]
