"""What an export made is kept, and gives the same bytes as making it again."""

import json
import os
import shutil
import signal
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from sqlalchemy import update

from rsidx.errors import ExportError, IndexStoreError
from rsidx.exporters import export as module
from rsidx.exporters.config import ExportConfig
from rsidx.exporters.export import export
from rsidx.exporters.pipeline import cache_key, workers
from rsidx.exporters.rendering import encoder
from rsidx.exporters.rendering.encoder import Encoder
from rsidx.indexer.forget import forget, remember
from rsidx.indexer.gc import collect
from rsidx.store import cache as cache_module
from rsidx.store import schema
from rsidx.store.cache import open_cache, share_cache
from rsidx.store.database import Database, resolve_url

pytestmark = pytest.mark.usefixtures("wordy")

FUNCTION = """\
/// Number {n}.
pub fn number_{n}(scale: &Scale) -> u64 {{
    let start = scale.factor * {n};
    start + {n} + previous_{n}(start)
}}
"""


def grow(repo, index, n_commits, first=0):
    repo.commits((f"add number {n}", changed(n)) for n in range(first, first + n_commits))
    index.sync()


def changed(n):
    functions = "".join(FUNCTION.format(n=k) for k in range(max(0, n - 3), n + 1))
    text = f"struct Scale {{ factor: u64 }}\n{functions}"
    return {"src/lib.rs": text, f"src/f{n % 5}.rs": f"fn f{n}() {{}}\n"}


def contents(out):
    """Return the bytes of every file, and the manifest without its times and own checksum."""
    files = {path.name: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    manifest = json.loads(files.pop("manifest.json"))
    del manifest["phases_s"], manifest["sha256"]
    return files, manifest


@pytest.fixture
def exported(index, tokenizer_file, tmp_path):
    def do(name, *, fresh=False, jobs=1, **options):
        if fresh:
            index.database.cache_file.unlink(missing_ok=True)
        usual = {"tokenizer": str(tokenizer_file), "split": "0.6,0.2,0.2"}
        config = ExportConfig(**usual | options)
        export(index.database, tmp_path / name, config, jobs=jobs)
        return contents(tmp_path / name)

    return do


@pytest.fixture
def made(monkeypatch):
    """The commits whose entries were made in this process."""
    found = []
    plain = workers._make

    def make(maker, commits):
        found.extend(commits)
        return plain(maker, commits)

    monkeypatch.setattr(workers, "_make", make)
    return found


def test_an_export_after_more_commits_makes_only_these_and_is_the_one_made_anew(
    repo, index, exported, made
):
    grow(repo, index, 20)
    exported("first")
    assert len(made) == 20
    grow(repo, index, 2, first=20)
    made.clear()
    again = exported("again")
    assert len(made) == 2
    assert again == exported("fresh", fresh=True)


def test_another_split_and_other_filters_use_what_was_made(repo, index, exported, made):
    grow(repo, index, 12)
    exported("first")
    made.clear()
    for number, options in enumerate(
        ({"split": "0.3,0.3,0.4"}, {"keep": ("related", "duplicates")}, {"pad": True})
    ):
        kept = exported(f"kept{number}", **options)
        assert not made
        assert kept == exported(f"fresh{number}", fresh=True, **options)
        made.clear()


@pytest.mark.parametrize(
    "options",
    [{"max_tokens": 100}, {"context_tokens": 0}, {"text": True}, {"labels": "all"},
     {"context_from": "answer"}, {"keep": ("deletions",)}, {"markers": "native"}],
)  # fmt: skip
def test_what_was_made_in_another_way_is_not_used(repo, index, exported, made, options):
    grow(repo, index, 8)
    exported("first")
    made.clear()
    other = exported("other", **options)
    assert len(made) == 8
    assert other == exported("fresh", fresh=True, **options)


@pytest.mark.parametrize(
    ("before", "after"),
    [({"state": "missing"}, {"state": "parsed"}),
     ({"extractor_version": 1}, {"extractor_version": 2})],
)  # fmt: skip
def test_what_was_made_of_an_index_that_said_something_else_is_not_used(
    repo, index, exported, made, before, after
):
    grow(repo, index, 6)
    lost = bytes.fromhex(repo.git("rev-parse", "HEAD~3:src/lib.rs"))
    with index.database.writing() as connection:
        change = update(schema.blob).where(schema.blob.c.oid == lost)
        connection.execute(change.values(**before))
        connection.commit()
        exported("first")
        made.clear()
        connection.execute(change.values(**after))
        connection.commit()
    exported("second")
    # The commit that brought the blob, and those behind it.
    assert len(made) == 4


@pytest.mark.parametrize("target", ["src/lib.rs", "commit", "deletion", "blob"])
def test_what_is_forgotten_and_read_again_is_exported_as_if_it_had_never_been_forgotten(
    repo, index, exported, target
):
    grow(repo, index, 8)
    # Of this one only the message is forgotten.
    repo.commit("remove a file of the history", {"src/f1.rs": None})
    index.sync()
    revisions = {"commit": "HEAD~4", "deletion": "HEAD", "blob": "HEAD~4:src/lib.rs"}
    revision = revisions.get(target)
    target = repo.git("rev-parse", revision) if revision else target

    def check(name):
        """Return an export, which is what one without a cache is."""
        keep = ("deletions", "messages", "related")
        kept = exported(name, keep=keep)
        cache = index.database.cache_file
        aside = cache.rename(cache.with_name("aside"))
        assert exported(f"{name}-fresh", keep=keep) == kept
        aside.replace(cache)
        return kept

    before = check("before")
    forget(index.repository, index.database, [target])
    assert check("forgotten")[0] != before[0]
    remember(index.repository, index.database, [target])
    check("remembered")
    index.sync()
    assert check("after") == before


def test_what_was_made_while_blobs_are_read_again_is_not_used_later(repo, index, exported, made):
    grow(repo, index, 6)
    blobs = [bytes.fromhex(repo.git("rev-parse", f"HEAD~{n}:src/lib.rs")) for n in range(3)]
    for number, blob in enumerate(blobs):
        with index.database.writing() as connection:
            change = update(schema.blob).where(schema.blob.c.oid == blob)
            connection.execute(change.values(extractor_version=999))
            connection.commit()
        exported(f"export{number}")
        # At first what all the others were read by becomes the older version.
        assert len(made) == (number + 1 if number else 6)
        made.clear()


def test_what_was_made_of_an_index_that_is_gone_is_not_used(repo, index, exported, made):
    grow(repo, index, 6)
    exported("first")
    made.clear()
    index.database.close()
    index.file.unlink()
    index.database = Database(resolve_url(str(index.file)), create=True)
    index.sync(max_bytes=200)
    small = exported("small")
    assert len(made) == 6
    assert small == exported("fresh", fresh=True)


def test_a_commit_that_is_read_again_with_its_renames_is_made_again(
    repo, index, exported, monkeypatch
):
    grow(repo, index, 3)
    repo.git("mv", "src/lib.rs", "src/moved.rs")
    text = (repo.path / "src/moved.rs").read_text().replace("scale.factor * 2", "scale.factor")
    tip = repo.commit("rename and change", {"src/moved.rs": text})
    with monkeypatch.context() as patched:
        # In a partial clone git is not asked for renames.
        patched.setitem(vars(index.repository), "is_partial", True)
        index.sync()
    first = exported("first", split="1,0,0")
    repo.git("reset", "-q", "--hard", "HEAD~1")
    collect(index.repository, index.database, max_bytes=100_000)
    repo.git("reset", "-q", "--hard", tip)
    index.sync()
    again = exported("again", split="1,0,0")
    assert again != first
    assert again == exported("fresh", split="1,0,0", fresh=True)


def test_history_that_comes_in_below_what_was_exported_is_seen(repo, index, exported):
    repo.commits(
        (f"write number {n}", {"src/lib.rs": f"fn number() -> u8 {{\n    {n}\n}}\n"})
        for n in range(5)
    )
    index.sync(since=f"@{repo.time - 70}")
    first = exported("first", split="1,0,0", earlier=("history",))
    index.sync()
    again = exported("again", split="1,0,0", earlier=("history",))
    assert again != first
    assert again == exported("fresh", split="1,0,0", earlier=("history",), fresh=True)


def test_a_file_that_is_too_large_costs_only_the_commits_behind_it(repo, index, exported, made):
    grow(repo, index, 5)
    exported("first")
    made.clear()
    repo.commit("add a large file", {"src/large.rs": "// large\n" * 12_000 + "fn large() {}\n"})
    index.sync()
    exported("second")
    assert len(made) == 1
    grow(repo, index, 2, first=5)
    exported("third")
    assert len(made) == 3
    made.clear()
    assert index.sync(max_bytes=200_000).n_read_again == 1
    again = exported("fourth")
    assert len(made) == 3
    assert again == exported("fresh", fresh=True)


def test_another_version_of_the_code_does_not_use_it(repo, index, exported, made, monkeypatch):
    grow(repo, index, 3)
    exported("first")
    made.clear()
    build = module.shared_key
    monkeypatch.setattr(module, "shared_key", lambda *args: build(*args)[::-1])
    exported("second")
    assert len(made) == 3


@pytest.mark.parametrize(
    "other", [{"eos_token": "<file_sep>"}, {"bos_token": "<fim_pad>", "add_bos_token": True}]
)
def test_another_end_or_beginning_of_the_same_tokenizer_does_not_use_it(
    repo, index, exported, tokenizer_file, tmp_path, other
):
    grow(repo, index, 3)
    folder = tmp_path / "tokenizer"
    folder.mkdir()
    shutil.copy(tokenizer_file, folder / "tokenizer.json")
    exported("first", tokenizer=str(folder))
    (folder / "tokenizer_config.json").write_text(json.dumps(other))
    again = exported("again", tokenizer=str(folder))
    assert again == exported("fresh", fresh=True, tokenizer=str(folder))


@pytest.mark.parametrize("library", ["license-expression", "rensa", "tokenizers"])
def test_another_version_of_a_library_does_not_use_it(
    repo, index, exported, made, monkeypatch, library
):
    grow(repo, index, 3)
    exported("first")
    made.clear()
    plain = cache_key.version
    monkeypatch.setattr(cache_key, "version", lambda name: "0" if name == library else plain(name))
    if library == "tokenizers":
        monkeypatch.setattr(encoder.tokenizers, "__version__", "0")
    exported("second")
    assert len(made) == 3


@pytest.mark.slow
def test_processes_make_the_same_bytes(repo, index, exported, monkeypatch):
    monkeypatch.setattr(workers, "_ALONE_COMMITS", 4)
    monkeypatch.setattr(workers, "_COMMITS_A_TASK", 3)
    grow(repo, index, 30)
    alone = exported("alone")
    assert exported("both", fresh=True, jobs=2) == alone
    assert sum(len(rows) for rows in alone[0].values()) > 10_000


@pytest.mark.slow
def test_a_helper_goes_on_while_this_process_is_busy(repo, index, exported, monkeypatch, wait):
    monkeypatch.setattr(workers, "_ALONE_COMMITS", 4)
    monkeypatch.setattr(workers, "_COMMITS_A_TASK", 2)
    grow(repo, index, 30)
    plain, found = workers._make, []

    class Tasks(workers._Tasks):
        def __init__(self, *args):
            super().__init__(*args)
            found.append(self)

    def make(maker, commits):
        [tasks] = found
        wait(lambda: not any(tasks._stretches))
        return plain(maker, commits)

    monkeypatch.setattr(workers, "_Tasks", Tasks)
    monkeypatch.setattr(workers, "_make", make)
    exported("both", jobs=2)


def test_an_export_that_was_interrupted_goes_on(
    repo, index, exported, made, monkeypatch, tokenizer_file
):
    monkeypatch.setattr(workers, "_COMMITS_A_TASK", 4)
    grow(repo, index, 12)

    def interrupt(n_done, _):
        if n_done >= 8:
            raise KeyboardInterrupt

    config = ExportConfig(tokenizer=str(tokenizer_file))
    with pytest.raises(KeyboardInterrupt):
        export(index.database, index.file.parent / "broken", config, progress=interrupt)
    assert not (index.file.parent / "broken").exists()
    made.clear()
    exported("whole", split="0.8,0.1,0.1")
    assert len(made) == 4


def test_a_process_that_dies_is_a_clear_error_and_what_was_made_is_kept(
    repo, index, exported, made, monkeypatch
):
    monkeypatch.setattr(workers, "_ALONE_COMMITS", 4)
    monkeypatch.setattr(workers, "_COMMITS_A_TASK", 2)
    grow(repo, index, 30)
    start = workers._Helper.start

    def start_and_kill(helper):
        start(helper)
        [process] = helper._executor._processes
        os.kill(process, signal.SIGKILL)

    monkeypatch.setattr(workers._Helper, "start", start_and_kill)
    with pytest.raises(ExportError, match="a process of the export died"):
        exported("broken", jobs=2)
    with closing(sqlite3.connect(index.database.cache_file)) as connection:
        kept = connection.execute("SELECT count(*) FROM entry WHERE length(key) = 20")
        [n_kept] = kept.fetchone()
    assert n_kept >= 2
    made.clear()
    exported("whole")
    assert len(made) == 30 - n_kept


@pytest.mark.parametrize("damage", ["garbage", "cut"])
def test_a_damaged_cache_is_begun_anew(repo, index, exported, made, damage):
    grow(repo, index, 10)
    first = exported("first")
    file = index.database.cache_file
    content = file.read_bytes()
    rest = content[: len(content) // 2] if damage == "cut" else content[:100] + b"no page" * 5000
    file.write_bytes(rest)
    assert exported("second") == first
    made.clear()
    assert exported("third") == first
    assert not made


def other_database(file):
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript("CREATE TABLE mine (x); INSERT INTO mine VALUES (1)")


def other_text(file):
    file.write_text("mine")


@pytest.mark.parametrize("make", [other_database, other_text])
def test_a_file_of_the_cache_s_name_that_is_none_is_left_alone(repo, index, exported, caplog, make):
    grow(repo, index, 4)
    first = exported("first")
    file = index.database.cache_file
    file.unlink()
    make(file)
    before = file.read_bytes()
    assert exported("second") == first
    assert "is no cache of rsidx" in caplog.text
    forget(index.repository, index.database, ["src/lib.rs"])
    assert file.read_bytes() == before


def test_a_cache_of_version_0_1_0_is_used_and_can_be_removed(repo, index, exported, made):
    grow(repo, index, 4)
    first = exported("first")
    with closing(sqlite3.connect(index.database.cache_file)) as connection:
        connection.execute("PRAGMA application_id = 0")
    made.clear()
    assert exported("second") == first
    assert not made
    forget(index.repository, index.database, ["src/lib.rs"])
    assert not index.database.cache_file.exists()


def test_a_full_disk_is_one_line_and_what_was_made_stays(repo, index, exported, monkeypatch):
    grow(repo, index, 10)
    first = exported("first")
    plain = cache_module._connect

    def connect(file):
        connection = plain(file)
        [n_pages] = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {n_pages}")
        return connection

    monkeypatch.setattr(cache_module, "_connect", connect)
    size = index.database.cache_file.stat().st_size
    with pytest.raises(IndexStoreError, match=r"cannot write .*cache: database or disk is full"):
        exported("other", text=True, max_tokens=700)
    assert index.database.cache_file.stat().st_size == size
    monkeypatch.undo()
    assert exported("second") == first


def test_damage_that_is_found_late_is_a_clear_error_once(repo, index, exported):
    grow(repo, index, 10)
    first = exported("first")
    connection = sqlite3.connect(index.database.cache_file)
    connection.executescript("DROP TABLE entry; CREATE TABLE entry (key BLOB, build_id)")
    connection.close()
    with pytest.raises(IndexStoreError, match="was removed"):
        exported("second")
    assert exported("third") == first


@pytest.fixture
def encoded(monkeypatch, tmp_path):
    """What the tokenizer was asked to encode, in every process, in the order of the files."""
    file = tmp_path / "encoded"
    plain = Encoder._encoded

    def encode(self, texts):
        with file.open("a", encoding="utf-8") as lines:
            lines.writelines(f"{json.dumps(text)}\n" for text in texts)
        return plain(self, texts)

    monkeypatch.setattr(Encoder, "_encoded", encode)

    def take():
        found = file.read_text("utf-8").splitlines() if file.exists() else []
        file.unlink(missing_ok=True)
        return found

    return take


@pytest.mark.slow
def test_a_text_is_encoded_once_whatever_is_asked_for(repo, index, exported, encoded):
    grow(repo, index, 12)
    exported("first")
    first = encoded()
    assert len(first) > 20
    assert len(first) == len(set(first))
    options = ({"max_tokens": 100}, {"text": True}, {"labels": "all"}, {"context_tokens": 50})
    for number, asked in enumerate(options):
        again = exported(f"again{number}", **asked)
        assert set(first).isdisjoint(encoded())
        assert again == exported(f"fresh{number}", fresh=True, **asked)
        exported("first")
        encoded()


def test_ids_of_another_tokenizer_are_not_used(repo, index, exported, encoded):
    grow(repo, index, 6)
    exported("first")
    first = encoded()
    native = exported("native", markers="native", text=True)
    assert set(first) & set(encoded())
    assert native == exported("fresh", fresh=True, markers="native", text=True)


def test_a_cache_that_is_in_use_is_done_without(tmp_path):
    file = tmp_path / "cache"
    with open_cache(file, [b"build"]) as one, open_cache(file, [b"build"]) as other:
        one.of(b"build").put([(b"key", b"value")])
        assert other.of(b"build").missing([b"key"]) == [b"key"]
        other.of(b"build").put([(b"key", b"other")])
        assert one.of(b"build").get(b"key") == b"value"


def test_the_cache_drops_what_was_used_longest_ago(tmp_path):
    def kept():
        with closing(sqlite3.connect(tmp_path / "cache")) as connection:
            return {row[0] for row in connection.execute("SELECT name FROM build WHERE n_bytes")}

    for build in (b"a", b"b", b"a", b"c"):
        with open_cache(tmp_path / "cache", [build], max_bytes=2500) as cache:
            cache.of(build).get_or_make([b"key"], lambda _, build=build: [build * 1000])
    assert kept() == {b"a", b"b", b"c"}
    with open_cache(tmp_path / "cache", [b"d"], max_bytes=2500):
        assert kept() == {b"a", b"c"}
    with open_cache(tmp_path / "cache", [b"c", b"a"], max_bytes=1) as cache:
        assert kept() == {b"c"}
        assert cache.of(b"c").missing([b"key"]) == []
        assert cache.of(b"a").missing([b"key"]) == [b"key"]


def test_a_cache_of_an_older_layout_is_begun_anew(tmp_path):
    with sqlite3.connect(tmp_path / "cache") as connection:
        connection.executescript("CREATE TABLE entry (key BLOB PRIMARY KEY, build BLOB)")
    connection.close()
    with open_cache(tmp_path / "cache", [b"build"]) as cache:
        cache.of(b"build").put([(b"key", b"value")])
        assert cache.of(b"build").get(b"key") == b"value"


def make_slowly(file, number, barrier):
    """Ask for overlapping values, some at a time; return the keys that were made here."""
    made = []

    def make(keys):
        if not made:
            # Nobody has asked for these; all three are making some at one time.
            barrier.wait()
        made.extend(keys)
        time.sleep(0.05)
        return [key[::-1] for key in keys]

    with share_cache(file, b"build") as cache:
        for step in range(0, 60, 3):
            keys = [b"%03d" % ((number * 20 + step + n) % 60) for n in range(6)]
            assert cache.get_or_make(keys, make) == {key: key[::-1] for key in keys}
    return made


def test_of_several_that_want_the_same_at_one_time_one_makes_it(tmp_path):
    file, barrier = tmp_path / "cache", threading.Barrier(3)
    with open_cache(file, [b"build"]), ThreadPoolExecutor(3) as pool_of_three:
        futures = [pool_of_three.submit(make_slowly, file, n, barrier) for n in range(3)]
        made = [future.result() for future in futures]
    every = [key for keys in made for key in keys]
    assert all(made)
    assert len(every) == len(set(every)) == 60


def test_what_a_dead_process_had_begun_is_made_by_another(tmp_path, monkeypatch):
    def die(_):
        raise KeyboardInterrupt

    with open_cache(tmp_path / "cache", [b"build"]) as cache:
        with pytest.raises(KeyboardInterrupt):
            cache.of(b"build").get_or_make([b"key"], die)
        monkeypatch.setattr(cache_module, "_TIMEOUT_S", 0.1)
        made = cache.of(b"build").get_or_make([b"key"], lambda keys: [b"late"] * len(keys))
        assert made == {b"key": b"late"}
    monkeypatch.setattr(cache_module, "_TIMEOUT_S", 60)
    with (
        open_cache(tmp_path / "cache", [b"build"]) as cache,
        share_cache(tmp_path / "cache", b"build") as shared,
    ):
        # A claim that still held would be waited for.
        monkeypatch.setattr(cache_module.time, "sleep", die)
        assert shared.get_or_make([b"key"], lambda _: [b"v"]) == {b"key": b"v"}
        assert cache.of(b"build").get(b"key") == b"v"


def test_nobody_else_may_read_the_cache(repo, index, exported):
    grow(repo, index, 2)
    exported("out")
    assert index.database.cache_file.stat().st_mode & 0o777 == 0o600
