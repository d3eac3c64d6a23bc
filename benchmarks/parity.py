"""Ask for the prompt of every row of an export that can be asked for, and compare it with the row.

    python benchmarks/parity.py REPO OUT [OUT...] [--db INDEX] [--every N] [--split NAME ...]

Edits are asked for by their `place`, at the row's parent and after the edits of its commit that it
shows; holes in the new file without what belongs there. Such an export is made with `--text`.
Prints by change how many rows were asked for, how many were left out, by reason, and the rows that
differ or that are refused; exits 1 if any differs.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from rsidx.errors import RsidxError
from rsidx.exporters.config import ExportConfig
from rsidx.exporters.dataset.reader import config_of, read_rows
from rsidx.exporters.edits.edit import Edit, Side
from rsidx.exporters.edits.progress import Progress
from rsidx.exporters.examples.given import Given
from rsidx.exporters.pipeline.commit import Tools, writing_tools
from rsidx.exporters.pipeline.steps import Steps
from rsidx.exporters.questions.hole import Hole, fill_prompt_at
from rsidx.exporters.questions.prompt import Prompt, prompt_at
from rsidx.exporters.questions.target import Target
from rsidx.exporters.splits.split import SPLITS
from rsidx.indexer.extract import Extractor
from rsidx.indexer.git.blobs import blob_reader
from rsidx.indexer.git.discovery import discover
from rsidx.indexer.gitview import GitView
from rsidx.indexer.worktree import blob_oid
from rsidx.store import queries
from rsidx.store.database import Database, resolve_url
from rsidx.store.reader import Reader
from rsidx.store.records import BlobRecord, CommitRow, FileEdit

_MAX_BYTES = 1 << 20


class Progressing:
    """Makes the files of a commit as they stand between two of its edits."""

    def __init__(self, reader: Reader, config: ExportConfig) -> None:
        self._reader = reader
        self._steps = Steps.of(reader, config)
        self._commit: CommitRow | None = None
        self._edits: tuple[Edit, ...] = ()
        self._progress: Progress | None = None
        self._record = lru_cache(1000)(self._extracted)

    def made_before(self, meta: dict[str, Any]) -> tuple[FileEdit, ...]:
        """Return the files as the edits in front of a row's left them, where these changed them."""
        commit = self._reader.commit(bytes.fromhex(meta["commit"]))
        assert commit is not None
        if commit != self._commit:
            self._move(commit)
        assert self._progress is not None
        number = self._number(meta)
        found = []
        for change in self._reader.changes(commit.id):
            path = self._reader.path(change.path_id)
            old_path = self._reader.path(change.old_path_id) if change.old_path_id else None
            sides = self._progress.file(change.path_id, n_made=number)
            content = b"".join(self._reader.text(c.id) for side in sides for c in side.chunks)
            record = self._record(content) if content else None
            is_changed = record is None or change.old_blob_id is None or old_path is not None
            if record is not None and change.old_blob_id is not None:
                is_changed |= record.oid != self._reader.blob(change.old_blob_id).oid
            # What is no Rust has no chunks, and no edits.
            if is_changed and path.endswith(b".rs") and (record or change.old_blob_id):
                found.append(FileEdit(path, old_path, record))
        return tuple(found)

    def _move(self, commit: CommitRow) -> None:
        self._commit = commit
        parent = self._reader.commit(commit.parents[0])
        assert parent is not None
        selection = self._steps.selector.of(commit)
        self._steps.drafter.move_to(parent, {})
        changes = self._reader.changes(commit.id)
        self._edits = self._steps.drafter.in_order((*selection.edits, *selection.others), changes)
        self._progress = Progress(self._reader, changes, self._edits)

    def _number(self, meta: dict[str, Any]) -> int:
        sides = meta.get("edit", meta)
        wanted = (meta["path"], sides["old"], sides["new"])
        for number, edit in enumerate(self._edits):
            path = self._reader.path(edit.path_id).decode("utf-8", "replace")
            if (path, self._range(edit.old), self._range(edit.new)) == wanted:
                return number
        raise AssertionError(meta["id"])

    def _range(self, side: Side | None) -> dict[str, Any] | None:
        if side is None:
            return None
        blob = self._reader.blob(side.blob_id).oid.hex()
        return {"blob": blob, "start": side.start, "end": side.start + side.n_bytes}

    def _extracted(self, content: bytes) -> BlobRecord:
        return Extractor().record(blob_oid(content, "sha1"), len(content), content)


class Asker:
    """Asks for the prompts of an export's rows."""

    def __init__(self, database: Database, reader: Reader, config: ExportConfig, git: GitView):
        self._database = database
        self._name = reader.repository_name()
        self._config = config
        self._git = git
        self._tools: Tools = writing_tools(replace(config, fim_spm=0.0))
        self._progress = Progressing(reader, config)
        self.encoder = self._tools[0]

    def why_not(self, meta: dict[str, Any]) -> str | None:
        """Return why nobody can ask for a row; None if somebody can."""
        if meta["parent"] is None:
            return "no parent"
        if "around" in meta or meta["place"] is not None:
            return None
        if meta["part"][1] > 1 or "edit" in meta:
            return f"part of {meta['change']}"
        renamed = ", a file with a new name" if meta.get("is_rename") else ""
        return f"no address: {meta['change']}{renamed}"

    def prompt(self, meta: dict[str, Any]) -> Prompt:
        """Return the prompt that somebody gets who asks; raises RsidxError where there is none."""
        parent = bytes.fromhex(meta["parent"])
        if "around" in meta:
            return self._fill(meta, parent)
        place, *rest = meta["place"]
        options = dict(zip(rest[::2], rest[1::2], strict=True))
        after = options.get("--after")
        path, _, line = place.partition(":")
        given = next((Given(kind, text) for kind, text in meta.get("given", {}).items()), None)
        target = Target(
            parent,
            path,
            line=int(line) if line else None,
            after=int(after) if after is not None else None,
            edited=self._progress.made_before(meta) if "commit" in self._config.earlier else (),
            given=given,
        )
        message, config, tools = meta["text"]["message"], self._config, self._tools
        return prompt_at(self._database, self._name, target, message, config, tools)

    def _fill(self, meta: dict[str, Any], parent: bytes) -> Prompt:
        new = meta["new"]
        file = self._git.blob(new["blob"])
        assert file is not None
        left = file[: new["start"]] + file[new["end"] :]
        record = Extractor().record(blob_oid(left, "sha1"), len(left), left)
        line = left.count(b"\n", 0, new["start"]) + 1
        column = new["start"] - (left.rfind(b"\n", 0, new["start"]) + 1) + 1
        is_suffix_first = meta["around"]["is_suffix_first"]
        hole = Hole(parent, meta["path"], record, line, column, is_suffix_first)
        return fill_prompt_at(self._database, self._name, hole, self._config, self._tools)


def rows_of(
    out: Path, splits: Sequence[str], file_format: str
) -> Iterator[tuple[list[int], dict[str, Any]]]:
    """Yield the ids in front of each row's target, and its meta line."""
    for split in splits:
        with (out / f"{split}.meta.jsonl").open("rb") as metas:
            for row, line in zip(read_rows(out, split, file_format), metas, strict=True):
                meta = json.loads(line)
                n_prompt = meta["n_tokens"]["total"] - meta["n_tokens"]["new"] - 1
                yield row["input_ids"][:n_prompt], meta


def compare(repo: Path, db: str | None, out: Path, splits: Sequence[str], every: int) -> int:
    """Compare an export's rows with their prompts; return how many differ."""
    repository = discover(repo)
    config = config_of(out)
    index = db if db is not None else str(repository.common_dir / "rsidx" / "index.db")
    database = Database(resolve_url(index), create=False)
    counted: Counter[tuple[str, str]] = Counter()
    n_redacted = 0
    with (
        blob_reader(repository, max_bytes=_MAX_BYTES) as blobs,
        database.reading() as connection,
    ):
        reader = Reader(connection, queries.indexed_repository(connection, config.name))
        asker = Asker(database, reader, config, GitView(repository, blobs))
        for number, (ids, meta) in enumerate(rows_of(out, splits, config.format)):
            if number % every:
                continue
            reason = asker.why_not(meta)
            if reason is None:
                try:
                    prompt = asker.prompt(meta)
                except RsidxError as error:
                    print(f"{meta['id']} {meta['path']} {meta['symbol']}: {error}")
                    reason = "refused"
                else:
                    is_same = prompt.input_ids == ids
                    reason = "same" if is_same else "differs"
                    n_redacted += meta["is_redacted"] and is_same
                    if not is_same:
                        show(asker, meta, ids, prompt.input_ids)
            counted[meta["change"], reason] += 1
    database.close()
    for change in sorted({change for change, _ in counted}):
        reasons = Counter({why: n for (of, why), n in counted.items() if of == change})
        share = reasons["same"] / reasons.total()
        print(f"{out} {change}: {share:.1%} same; {dict(reasons.most_common())}")
    print(f"{out}: of the same {n_redacted} are redacted")
    return sum(n for (_, why), n in counted.items() if why == "differs")


def show(asker: Asker, meta: dict[str, Any], row: list[int], asked: list[int]) -> None:
    """Print where a row and its prompt part."""
    pairs = zip(row, asked, strict=False)
    at = next(
        (n for n, (one, other) in enumerate(pairs) if one != other), min(len(row), len(asked))
    )
    texts = [asker.encoder.decode(ids[max(0, at - 8) : at + 24]) for ids in (row, asked)]
    print(f"{meta['id']} {meta['path']} {meta['symbol']} at token {at}: {texts}")


def main() -> None:
    """Compare, and exit 1 where a prompt differs."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("repository", type=Path)
    parser.add_argument("out", type=Path, nargs="+")
    parser.add_argument("--db", help="The index, if it is not the repository's own.")
    parser.add_argument("--every", type=int, default=1, help="Ask for one of so many rows.")
    parser.add_argument("--split", nargs="+", choices=SPLITS, default=list(SPLITS))
    given = parser.parse_args()
    n_differ = sum(
        compare(given.repository, given.db, out, given.split, given.every) for out in given.out
    )
    sys.exit(n_differ > 0)


if __name__ == "__main__":
    main()
