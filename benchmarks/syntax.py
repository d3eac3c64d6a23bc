"""Compare what rsidx takes for Rust with the compiler's own parser.

    python benchmarks/syntax.py REPO... --tokenizer FILE [--jobs N] [--examples N]

The judge is rustc, which must be on the PATH: it accepts a file if it can parse it in at least one
edition. Each file version of a history is judged. Those that it accepts should have no syntax
error for rsidx; the rows of an export should be of versions that it accepts, and the edits that
the filter `syntax` leaves out of versions that it refuses. Rust from before 1.0 is counted apart,
by the date of the commit. Index and export are made in a folder that is removed. Prints the table
of `docs/rows.md`.
"""

import argparse
import os
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import rsidx
from rsidx.exporters.config import ExportConfig
from rsidx.exporters.filters.registry import Filters
from rsidx.exporters.pipeline.steps import Steps
from rsidx.exporters.splits.history import history_of
from rsidx.exporters.splits.split import SPLITS, select
from rsidx.indexer.git import history
from rsidx.indexer.git.blobs import blob_reader
from rsidx.indexer.git.discovery import discover
from rsidx.indexer.git.repository import Repository
from rsidx.indexer.rust.parser import parse
from rsidx.store import queries
from rsidx.store.database import Database, resolve_url
from rsidx.store.reader import Reader

EDITIONS = ("2021", "2018", "2015", "2024")
STABLE = datetime(2015, 5, 15, tzinfo=UTC).timestamp()
_BATCH = 40
_MAX_BYTES = 1_000_000
_COLUMNS = (
    "history", "file versions", "accepted", "of these with an error", "rows",
    "of a version refused", "edits left out", "of a version accepted",
)  # fmt: skip


class Judge:
    """Asks rustc whether it can parse files, many at a time where it can parse them all."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "judged.rs"

    def accepted(self, files: Sequence[tuple[bytes, bytes]]) -> Iterator[tuple[bytes, bool]]:
        """Yield the id of each file, and whether it is accepted."""
        # As a module, a file parses as it does alone, save for what may only stand at its start.
        modules = [file for file in files if _may_be_module(file[1])]
        together = b"".join(b"mod m {\n" + text + b"\n}\n" for _, text in modules)
        if len(modules) > 1 and not self._parses(together, EDITIONS[:1]):
            half = len(modules) // 2
            yield from self.accepted(modules[:half])
            yield from self.accepted(modules[half:])
        elif len(modules) > 1:
            yield from ((oid, True) for oid, _ in modules)
        else:
            yield from ((oid, self._parses(text, EDITIONS)) for oid, text in modules)
        for oid, text in files:
            if not _may_be_module(text):
                yield oid, self._parses(text, EDITIONS)

    def _parses(self, text: bytes, editions: Sequence[str]) -> bool:
        self._file.write_bytes(text)
        command = ["rustc", "-Zparse-crate-root-only", "-Awarnings", str(self._file), "--edition"]
        environment = {**os.environ, "RUSTC_BOOTSTRAP": "1"}
        return any(
            subprocess.run(
                [*command, edition], env=environment, stderr=subprocess.DEVNULL, check=False
            ).returncode
            == 0
            for edition in editions
        )


def _may_be_module(text: bytes) -> bool:
    return not text.lstrip().startswith((b"\xef\xbb\xbf", b"#!/", b"---", b"}"))


def versions(repository: Repository) -> dict[bytes, float]:
    """Return each version of a Rust file that HEAD reaches, with the date of its first commit."""
    found: dict[bytes, float] = {}
    lines = history.list_commits(repository, ["HEAD"])
    for commit in history.read_commits(repository, lines):
        for change in commit.changes:
            if change.new_blob is not None and change.path.endswith(b".rs"):
                time = found.get(change.new_blob, commit.committer_time)
                found[change.new_blob] = min(time, commit.committer_time)
    return found


def judged(repository: Repository, oids: Iterable[bytes], jobs: int) -> dict[bytes, bool]:
    """Return which of the versions rustc accepts, without those that are too large or not text."""
    verdicts: dict[bytes, bool] = {}
    with (
        tempfile.TemporaryDirectory() as folder,
        blob_reader(repository, max_bytes=_MAX_BYTES) as git,
        ThreadPoolExecutor(jobs) as executor,
    ):

        def judge(number_and_files: tuple[int, list[tuple[bytes, bytes]]]) -> dict[bytes, bool]:
            number, files = number_and_files
            place = Path(folder) / str(number)
            place.mkdir()
            return dict(Judge(place).accepted(files))

        texts = ((oid, text) for oid in oids if (text := git.read(oid)[1]) is not None)
        files = ((oid, text) for oid, text in texts if _is_text(text))
        batches = enumerate(iter(lambda: list(islice(files, _BATCH)), []))
        while some := list(islice(batches, jobs * 4)):
            for verdict in executor.map(judge, some):
                verdicts |= verdict
    return verdicts


def _is_text(text: bytes) -> bool:
    with suppress(UnicodeDecodeError):
        return b"\0" not in text and text.decode("utf-8") is not None
    return False


def with_errors(repository: Repository, oids: Iterable[bytes]) -> set[bytes]:
    """Return those of the versions in which rsidx finds a syntax error."""
    with blob_reader(repository, max_bytes=_MAX_BYTES) as git:
        return {oid for oid in oids if parse(git.read(oid)[1] or b"").errors}


def left_out(reader: Reader, config: ExportConfig) -> Iterator[tuple[bytes, str, float]]:
    """Yield the edits that `syntax` leaves out: the new version, its path, and the date."""
    kept = Steps.of(reader, config).selector
    every = Steps.of(reader, replace(config, keep=("syntax",))).selector
    reached = history_of(reader, reader.ref_tips(), ("HEAD",))
    rejected = Filters("history", config.keep).reason
    commits, _ = select(list(reached.commits.values()), reached.reached, rejected)
    for commit in commits:
        selection = kept.of(commit)
        if any(one.reason == "edits_syntax" for one in selection.left_out):
            for edit in set(every.of(commit).edits) - set(selection.edits):
                if edit.new is None:
                    continue
                path = reader.path(edit.new.path_id).decode("utf-8", "replace")
                yield reader.blob(edit.new.blob_id).oid, path, commit.committer_time


def compare(repo: Path, tokenizer: str, jobs: int, examples: int) -> tuple[Counter[str], ...]:
    """Return the counts of a history, of Rust since 1.0 and of that from before."""
    repository = discover(repo)
    dates = versions(repository)
    verdicts = judged(repository, dates, jobs)
    wrong: dict[str, list[str]] = {}
    counts = Counter[str](), Counter[str]()

    def count(date: float, name: str, *, is_wrong: bool, what: str) -> None:
        era = counts[date < STABLE]
        era[name] += 1
        if is_wrong:
            era[f"{name}, wrong"] += 1
            wrong.setdefault(name, []).append(what)

    errors = with_errors(repository, verdicts)
    for oid, is_accepted in verdicts.items():
        counts[dates[oid] < STABLE]["file versions"] += 1
        if is_accepted:
            count(dates[oid], "accepted", is_wrong=oid in errors, what=oid.hex())
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "index.db"
        with rsidx.open(repo, db=str(file)) as index:
            index.backfill(jobs=jobs)
            data = index.export(Path(folder) / "out", ExportConfig(tokenizer), jobs=jobs)
            for split in SPLITS:
                for row in data.rows(split):
                    meta = row.meta
                    oid = bytes.fromhex(meta["new"]["blob"]) if meta["new"] else b""
                    date = datetime.fromisoformat(meta["time"]).timestamp()
                    is_wrong = not verdicts.get(oid, True)
                    what = f"{meta['commit'][:12]} {meta['path']} {meta['symbol']}"
                    count(date, "rows", is_wrong=is_wrong, what=what)
            database = Database(resolve_url(str(file)), create=False)
            with database.reading() as connection:
                reader = Reader(connection, queries.repository_id(connection, None) or 0)
                for oid, path, date in left_out(reader, ExportConfig(tokenizer)):
                    is_wrong = verdicts.get(oid, False)
                    count(date, "left out", is_wrong=is_wrong, what=f"{oid.hex()[:12]} {path}")
            database.close()
    for name, found in wrong.items():
        for what in found[:examples]:
            print(f"{name}, wrong: {what}")
    return counts


def line(name: str, counts: Counter[str]) -> str:
    """Return a line of the table."""
    cells = [name, f"{counts['file versions']:,}"]
    for what in ("accepted", "rows", "left out"):
        n_wrong = counts[f"{what}, wrong"]
        share = f" ({n_wrong / counts[what]:.2%})" if n_wrong else ""
        cells += [f"{counts[what]:,}", f"{n_wrong:,}{share}"]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("repos", nargs="+", type=Path)
    parser.add_argument("--tokenizer", required=True)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--examples", type=int, default=0)
    options = parser.parse_args()
    lines, total, before = [], Counter[str](), Counter[str]()
    for repo in options.repos:
        since, earlier = compare(repo, options.tokenizer, options.jobs, options.examples)
        lines.append(line(repo.name, since))
        total += since
        before += earlier
    print(f"| {' | '.join(_COLUMNS)} |")
    print("|---" + "|---:" * (len(_COLUMNS) - 1) + "|")
    print("\n".join(lines))
    print(line("all", total))
    print(line("Rust before 1.0", before))


if __name__ == "__main__":
    main()
