"""Killed anywhere, the index is sound, and the next run ends where an undisturbed one does.

`RSIDX_TEST_KILLS=200 pytest tests/test_crash.py` is the long run; `RSIDX_TEST_HISTORY=PATH` takes
a real repository instead of a made-up one.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import defaultdict
from contextlib import closing
from itertools import count
from pathlib import Path

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import select

from rsidx.__main__ import main
from rsidx.indexer import ingest
from rsidx.indexer.git.discovery import discover
from rsidx.store import schema
from rsidx.store.database import Database, resolve_url
from rsidx.store.deltas import ChunkTexts, replace_text
from rsidx.store.dump import dump
from rsidx.store.varint import unpack_ids
from tests.crash_driver import MAX_BATCH_COMMITS

N_KILLS = int(os.environ.get("RSIDX_TEST_KILLS", "12"))
HISTORY = os.environ.get("RSIDX_TEST_HISTORY")
DRIVER = Path(__file__).with_name("crash_driver.py")
CONNECTION = "sqlalchemy:Connection.commit"
WRITER = "rsidx.store.writer:Writer."
UNREACHABLE = "rsidx.store.unreachable:"
STAGING = "rsidx.exporters.dataset.staging:"
# What each operation goes through: function, how often it is called at least.
POINTS = {
    "backfill": [
        (CONNECTION, 5), (WRITER + "write_blobs", 5), (WRITER + "write_commits", 5),
        (WRITER + "write_refs", 1), (WRITER + "_train", 1),
        ("rsidx.store.migrate:_upgrade", 1), ("alembic.op:create_table", 8),
    ],
    "sync": [
        (CONNECTION, 2), (WRITER + "write_blobs", 1), (WRITER + "write_commits", 1),
        (WRITER + "write_refs", 1), ("rsidx.store.queries:ref_tips", 1),
    ],
    "migration": [
        ("alembic.op:create_table", 1), ("alembic.op:create_index", 1),
        ("alembic.op:batch_alter_table", 1), (UNREACHABLE + "rebase_dependents", 1),
        (WRITER + "rewrite_blobs", 1), ("rsidx.indexer.refresh:drop_unused_chunks", 1),
        (CONNECTION, 2),
    ],
    "export": [
        ("rsidx.store.cache:Cache.put", 3), ("rsidx.exporters.dataset.writer:RowWriter.write", 40),
        ("rsidx.exporters.export:write_checksums", 1), ("rsidx.exporters.export:write_json", 1),
        (STAGING + "_swap", 1), (STAGING + "_exchange", 1), (STAGING + "_remove_export", 1),
    ],
    "gc": [
        (UNREACHABLE + "delete_rows", 5), (UNREACHABLE + "rebase_dependents", 1),
        (UNREACHABLE + "drop_unused_words", 1),
        ("rsidx.indexer.gc:prune", 1), (CONNECTION, 2),
        ("rsidx.store.database:Database.vacuum", 1),
    ],
    "forget": [
        (UNREACHABLE + "rebase_dependents", 1), ("rsidx.store.erasure:_pack_again", 1),
        ("rsidx.store.erasure:drop_unused_chunks", 1),
        (CONNECTION, 1), ("rsidx.indexer.forget:remove_cache", 1),
        ("rsidx.store.database:Database.vacuum", 1),
    ],
}  # fmt: skip


def fillers(n):
    return "".join(f"pub fn filler_{k}(x: u32) -> u32 {{\n    x + {k}\n}}\n\n" for k in range(n))


@pytest.fixture(scope="module")
def history(tmp_path_factory):
    """A repository with history to take in, and branches that are gone."""
    folder = tmp_path_factory.mktemp("crash")
    path = folder / "repo"
    if HISTORY:
        subprocess.run(["git", "clone", "-q", "--no-hardlinks", HISTORY, str(path)], check=True)
        return path
    make = Stream()
    for n in range(45):
        make.commit("main", f"commit number {n}", {
            "src/lib.rs": f"pub mod a;\npub fn f{n}() -> u32 {{ a::g(F{n}) }}\n" + fillers(150 + n),
            f"src/m{n % 4}.rs": f"pub struct F{n};\nimpl F{n} {{\n    fn g(&self) {{}}\n}}\n",
        })  # fmt: skip
    subprocess.run(["git", "init", "-q", "-b", "main", str(path)], check=True)
    run = ["git", "-C", str(path), "fast-import", "--quiet"]
    subprocess.run(run, input="".join(make.lines).encode(), check=True)
    return path


class Stream:
    """A stream for `git fast-import`."""

    def __init__(self):
        self.lines = []
        self.time = 1_700_000_000

    def commit(self, branch, message, files):
        self.time += 60
        self.lines.append(
            f"commit refs/heads/{branch}\ncommitter C <c@example.com> {self.time} +0000\n"
            f"data {len(message)}\n{message}\n"
        )
        for name, content in files.items():
            self.lines.append(f"M 644 inline {name}\ndata {len(content)}\n{content}\n")


def finish(command):
    """Run a command in this process, undisturbed, in small batches as the driver does."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(ingest, "_MAX_BATCH_COMMITS", MAX_BATCH_COMMITS)
        patched.setattr(os, "setpriority", lambda *_: None)
        assert main(command) == 0


class Scene:
    """A repository, an index of it in some state, and what to do."""

    def __init__(self, folder, history, operation, tokenizer):
        self.folder = folder
        self.operation = operation
        self.repo = folder / "repo"
        shutil.copytree(history, self.repo, symlinks=True)
        self.file = folder / "index" / "index.db"
        self.out = folder / "out"
        place = ["-C", str(self.repo), "--db", str(self.file)]
        backfill = ["backfill", *place, "--jobs", "1"]
        export = ["export", str(self.out), "-C", str(self.repo), "--db", str(self.file)]
        export += ["--tokenizer", str(tokenizer), "--jobs", "1", "--keep", "messages"]
        self.command = {
            "backfill": backfill, "sync": ["hooks", "run", *place], "migration": backfill,
            "export": export, "gc": ["gc", *place], "forget": ["forget", "src", *place],
        }[operation]  # fmt: skip
        if operation != "backfill":
            finish(backfill)
        if operation == "migration":
            self.make_old()
        if operation == "sync":
            self.git("reset", "-q", "--hard", "HEAD~2")
            shutil.rmtree(self.file.parent)
            finish(backfill)
            self.git("reset", "-q", "--hard", "ORIG_HEAD")
        elif operation == "gc":
            self.git("reset", "-q", "--hard", "HEAD~9")
            self.git("reflog", "expire", "--expire=now", "--all")
        elif operation == "export":
            finish(export)
            self.file.with_name(f"{self.file.name}.cache").unlink()

    def git(self, *args):
        subprocess.run(["git", "-C", str(self.repo), *args], check=True)

    def make_old(self):
        """Make the index what an earlier schema and an earlier extractor had left."""
        database = Database(resolve_url(str(self.file)), create=False)
        with closing(database), database.writing() as connection:
            for statement in (
                "DROP TABLE clone", "DROP TABLE syntax_errors", "DROP TABLE forgotten",
                "DROP INDEX ix_commit_state",
                "UPDATE alembic_version SET version_num = '0002'",
                "UPDATE blob SET extractor_version = 1",
            ):  # fmt: skip
                connection.exec_driver_sql(statement)
            texts, chunk = ChunkTexts(connection, 1 << 24), schema.chunk.c
            based = connection.execute(select(chunk.id).where(chunk.base_id.is_not(None)))
            for chunk_id in based.scalars().all():
                replace_text(connection, chunk_id, texts.pack_full(texts.get(chunk_id)))
            operations = Operations(MigrationContext.configure(connection))
            with operations.batch_alter_table("chunk") as table:
                table.drop_constraint("fk_chunk_base_id_chunk", "foreignkey")
                table.drop_column("base_id")
            with operations.batch_alter_table("commit") as table:
                table.drop_column("extractor_version")
            connection.commit()

    def start(self, command, point=("-", "0", "before")):
        driver = [sys.executable, "-P", str(DRIVER), *map(str, point), *command]
        return subprocess.Popen(driver, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def run(self, command, point=("-", "0", "before")):
        process = self.start(command, point)
        _, err = process.communicate()
        assert process.returncode in (0, -signal.SIGKILL), err.decode()
        return process.returncode

    def result(self):
        """What the index says; for an export, the files."""
        if self.operation == "export":
            return {
                str(path.relative_to(self.out)): path.read_bytes()
                for path in sorted(self.out.rglob("*"))
                if path.is_file() and path.name != "manifest.json"
            }
        database = Database(resolve_url(str(self.file)), create=False)
        with closing(database), database.reading() as connection:
            return list(dump(connection))

    def check_sound(self):
        """The file is whole, and no commit lacks a fact."""
        if not self.file.exists():
            return
        database = Database(resolve_url(str(self.file)), create=False)
        with closing(database), database.reading() as connection:
            assert database.damage() is None
            assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
            lists = connection.exec_driver_sql("SELECT blob_id, chunk_ids FROM blob_chunks")
            chunks = {i for (i,) in connection.exec_driver_sql("SELECT id FROM chunk")}
            listed = {row[0] for row in lists if chunks.issuperset(unpack_ids(row[1]))}
            parsed = connection.exec_driver_sql(
                "SELECT id FROM blob WHERE state IN ('parsed', 'errors') AND n_bytes > 0"
            )
            assert listed.issuperset(i for (i,) in parsed)
        if self.operation == "export":
            # The last one, or the new one: whole in any case.
            check = ["sha256sum", "--check", "--quiet", "SHA256SUMS"]
            subprocess.run(check, cwd=self.out, check=True, capture_output=True)


def kills():
    """Named points and random moments, by turns of each operation; many kills go through all."""
    rng = random.Random(1)
    named = [
        (operation, point, rng.randint(1, most), rng.choice(("before", "after")))
        for operation, points in POINTS.items()
        for point, most in points
    ]
    moments = [(operation, None, rng.random(), "") for operation in POINTS for _ in range(3)]
    wanted = []
    if N_KILLS < 100:
        turns = defaultdict(count)
        drawn = rng.sample([*named, *moments], len(named) + len(moments))
        wanted = sorted(drawn, key=lambda kill: next(turns[kill[0]]))
    while len(wanted) < N_KILLS:
        wanted += [(o, p, rng.randint(1, dict(POINTS[o])[p]), w) for o, p, _, w in named]
        wanted += [(o, p, rng.random(), w) for o, p, _, w in moments]
    return sorted(wanted[:N_KILLS], key=lambda kill: kill[0])


@pytest.fixture(scope="module")
def scenes(history, tmp_path_factory, tokenizer_file):
    """For each operation: the scene before it, what an undisturbed run gives, and its time."""
    made = {}

    def of(operation):
        if operation not in made:
            folder = tmp_path_factory.mktemp(operation)
            before = Scene(folder / "before", history, operation, tokenizer_file)
            whole = folder / "whole"
            shutil.copytree(folder / "before", whole, symlinks=True)
            scene = moved(before, whole)
            start = time.monotonic()
            assert scene.run(scene.command) == 0
            made[operation] = before, scene.result(), time.monotonic() - start
        return made[operation]

    return of


def moved(scene, folder):
    """The same scene in another folder."""
    other = object.__new__(Scene)
    other.__dict__.update(scene.__dict__)
    for name in ("repo", "file", "out"):
        place = getattr(scene, name).relative_to(scene.folder)
        setattr(other, name, folder / place)
    other.folder = folder
    other.command = [word.replace(str(scene.folder), str(folder)) for word in scene.command]
    return other


@pytest.mark.slow
@pytest.mark.usefixtures("migrations")
@pytest.mark.parametrize("kill", kills(), ids=lambda k: "-".join(map(str, k)))
def test_killed_and_run_again_it_is_as_if_nothing_had_been(kill, scenes, tmp_path):
    operation, point, number, when = kill
    before, expected, seconds = scenes(operation)
    shutil.copytree(before.folder, tmp_path / "scene", symlinks=True)
    scene = moved(before, tmp_path / "scene")
    if point is not None:
        if scene.run(scene.command, (point, number, when)) == 0:
            # Called less often here: at least the first time is a point.
            shutil.rmtree(tmp_path / "scene")
            shutil.copytree(before.folder, tmp_path / "scene", symlinks=True)
            assert scene.run(scene.command, (point, 1, when)) == -signal.SIGKILL
    else:
        process = scene.start(scene.command)
        time.sleep(seconds * number)
        process.kill()
        process.communicate()
    scene.check_sound()
    finish(scene.command)
    scene.check_sound()
    assert scene.result() == expected
    left = {path.name for path in scene.folder.iterdir()}
    assert left <= {"repo", "index", "out"}
    assert discover(scene.repo).common_dir.exists()
