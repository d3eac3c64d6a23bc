"""Ask for the prompt of every row of an export that can be asked for, and compare it with the row.

    python benchmarks/parity.py REPO OUT [OUT...] [--db INDEX] [--every N]

Edits are asked for at the row's parent, by their symbol or by a line, and parts of long items by a
line; holes in the new file without what belongs there. Such an export is made with `--text`. Prints
how many rows were asked for, how many were left out, by reason, and the rows that differ or that
are refused; exits 1 if any differs.
"""

import argparse
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from rsidx.errors import RsidxError
from rsidx.exporters.config import ExportConfig
from rsidx.exporters.dataset.reader import config_of, read_rows
from rsidx.exporters.pipeline.commit import Tools, writing_tools
from rsidx.exporters.questions.hole import Hole, fill_prompt_at
from rsidx.exporters.questions.prompt import Prompt, prompt_at
from rsidx.exporters.questions.target import Target
from rsidx.exporters.splits.split import SPLITS
from rsidx.indexer.extract import Extractor
from rsidx.indexer.git.blobs import blob_reader
from rsidx.indexer.git.repository import discover
from rsidx.indexer.gitview import GitView
from rsidx.indexer.worktree import blob_oid
from rsidx.store.database import Database, resolve_url
from rsidx.store.records import innermost

_MAX_BYTES = 1 << 20
_ARGUMENTS = re.compile(r"<[^<>]*>")


class Asker:
    """Asks for the prompts of an export's rows."""

    def __init__(self, database: Database, name: str, config: ExportConfig, git: GitView) -> None:
        self._database = database
        self._name = name
        self._config = config
        self._git = git
        self._tools: Tools = writing_tools(replace(config, fim_spm=0.0))
        self.encoder = self._tools[0]

    def why_not(self, meta: dict[str, Any]) -> str | None:
        """Return why nobody can ask for a row; None if somebody can."""
        if meta["parent"] is None:
            return "no parent"
        if "around" in meta:
            return None
        if meta["change"] == "none":
            return "no-op"
        if meta["change"] != "modify" or meta["path"] != meta["old_path"]:
            return f"{meta['change']}, or a moved file"
        if meta["old"]["start"] == meta["old"]["end"]:
            return "goes on behind another part"
        if any(edit["commit"] == meta["commit"] for edit in meta.get("earlier", ())):
            return "edits of the same commit"
        return None

    def prompt(self, meta: dict[str, Any]) -> Prompt:
        """Return the prompt that somebody gets who asks; raises RsidxError where there is none."""
        parent = bytes.fromhex(meta["parent"])
        if "around" in meta:
            return self._fill(meta, parent)
        target = Target(parent, meta["old_path"], symbol_of(meta))
        if "edit" in meta or not has_symbol(meta):
            target = replace(target, symbol="", line=self._line(meta))
        try:
            return self._ask(target, meta["text"]["message"])
        except RsidxError as error:
            # It is defined more than once, or had another name.
            if "defin" not in str(error):
                raise
        target = replace(target, symbol="", line=self._line(meta))
        return self._ask(target, meta["text"]["message"])

    def _ask(self, target: Target, message: str) -> Prompt:
        config, tools = self._config, self._tools
        return prompt_at(self._database, self._name, target, message, config, tools)

    def _line(self, meta: dict[str, Any]) -> int:
        """Return a line of a row's old code, the last one that is not blank."""
        file = self._git.blob(meta["old"]["blob"])
        assert file is not None
        start, end = meta["old"]["start"], meta["old"]["end"]
        return file.count(b"\n", 0, start + len(file[start:end].rstrip())) + 1

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


def has_symbol(meta: dict[str, Any]) -> bool:
    """Tell whether somebody can name what a row is about."""
    is_head = meta["kind"].startswith("impl") or meta["kind"] == "mod_header"
    return bool(meta["symbol"]) and not is_head


def symbol_of(meta: dict[str, Any]) -> str:
    """Return a row's symbol as somebody would name it: with its type, without type arguments."""
    container = innermost(meta["container"]).removesuffix(" [test]")
    while container != (shorter := _ARGUMENTS.sub("", container)):
        container = shorter
    owner = container.split(" ")[-1]
    return f"{owner}::{meta['symbol']}" if owner else str(meta["symbol"])


def rows_of(out: Path, file_format: str) -> Iterator[tuple[list[int], dict[str, Any]]]:
    """Yield the ids in front of each row's target, and its meta line."""
    for split in SPLITS:
        with (out / f"{split}.meta.jsonl").open("rb") as metas:
            for row, line in zip(read_rows(out, split, file_format), metas, strict=True):
                meta = json.loads(line)
                n_prompt = meta["n_tokens"]["total"] - meta["n_tokens"]["new"] - 1
                yield row["input_ids"][:n_prompt], meta


def compare(repo: Path, db: str | None, out: Path, every: int) -> int:
    """Compare an export's rows with their prompts; return how many differ."""
    repository = discover(repo)
    config = config_of(out)
    index = db if db is not None else str(repository.common_dir / "rsidx" / "index.db")
    database = Database(resolve_url(index), create=False)
    counted: Counter[str] = Counter()
    n_redacted = 0
    with blob_reader(repository, max_bytes=_MAX_BYTES) as reader:
        asker = Asker(database, repository.name, config, GitView(repository, reader))
        for number, (ids, meta) in enumerate(rows_of(out, config.format)):
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
            counted[reason] += 1
    database.close()
    print(f"{out}: {dict(counted.most_common())}; of the same {n_redacted} are redacted")
    return counted["differs"]


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
    given = parser.parse_args()
    n_differ = sum(compare(given.repository, given.db, out, given.every) for out in given.out)
    sys.exit(n_differ > 0)


if __name__ == "__main__":
    main()
