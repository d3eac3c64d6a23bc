"""A corpus from its list to its shards."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress

import pytest

pytest.importorskip("datatrove", reason="needs datatrove, of the extra `corpus`")

from loguru import logger

import rsidx
from rsidx import Corpus as PublicCorpus
from rsidx import DataSet
from rsidx.corpus.configuration import read_configuration
from rsidx.corpus.run import Run
from rsidx.errors import ConfigError, CorpusError
from rsidx.indexer.git import remote
from tests.corpus.conftest import grow

N = 8


@pytest.fixture
def two(corpus):
    """Two repositories whose commits take turns."""
    alpha, beta = corpus.repo("alpha"), corpus.repo("beta")
    beta.time += 500
    corpus.list_all(grow(alpha, "alpha", N), grow(beta, "beta", N))
    return alpha, beta


pytestmark = pytest.mark.usefixtures("two")


def test_the_rows_of_all_repositories_are_in_shards_with_their_names_and_licences(corpus):
    manifest = corpus.run()
    metas = corpus.metas()
    assert {(meta["repository"], meta["license"]) for meta in metas} == {
        ("alpha", "MIT"), ("beta", "MIT")
    }  # fmt: skip
    assert len(metas) == sum(manifest["counts"]["examples"].values()) > N
    assert manifest["shards"]["train"] == len(list(corpus.out.glob("train-*.meta.jsonl"))) > 1
    assert [len(rows) for rows in shards(corpus, "train")][:-1] == [5] * (
        manifest["shards"]["train"] - 1
    )
    assert {
        name: sum(one["examples"].values()) for name, one in manifest["repositories"].items()
    } == {name: sum(meta["repository"] == name for meta in metas) for name in ("alpha", "beta")}


def shards(corpus, split):
    for file in sorted(corpus.out.glob(f"{split}-?????.jsonl")):
        yield [json.loads(line) for line in file.read_text().splitlines()]


def test_the_rows_are_those_of_exports_of_each_repository(corpus, two, tmp_path):
    corpus.run()
    found = {
        meta["id"]: row for split in ("train", "val", "test") for row, meta in pairs(corpus, split)
    }
    for repo in two:
        with rsidx.open(repo.path, db=str(tmp_path / f"{repo.path.name}.db")) as index:
            index.backfill()
            config = read_configuration(corpus.file).export
            for example in index.examples("HEAD", config):
                assert found[example.id]["input_ids"] == example.input_ids


def pairs(corpus, split):
    rows = [row for shard in shards(corpus, split) for row in shard]
    return zip(rows, corpus.metas(split), strict=True)


def test_the_splits_follow_each_other_in_time_over_all_repositories(corpus):
    corpus.run()
    times = [[meta["time"] for meta in corpus.metas(split)] for split in ("train", "val", "test")]
    assert all(times)
    assert max(times[0]) < min(times[1]) <= max(times[1]) < min(times[2])


def test_verify_holds_over_all_shards_and_finds_a_changed_row(corpus):
    corpus.run()
    public = PublicCorpus(corpus.file)
    found = public.verify()
    assert found.problems == ()
    assert found.n_rows == len(corpus.metas())
    assert 0 < public.verify(sample=0.5).n_rows < found.n_rows
    file = corpus.out / "train-00001.meta.jsonl"
    of_alpha = ['"repository":"alpha"' in line for line in file.read_text().splitlines()]
    changed = file.read_text().replace('"repository":"alpha"', '"repository":"beta"')
    file.write_text(changed)
    wrong = {p.row for p in public.verify().problems if p.file == "train-00001.jsonl"}
    assert wrong == {n for n, meta in enumerate(of_alpha, 1) if meta}


def test_two_workers_and_a_run_that_goes_on_give_the_same_bytes(corpus):
    corpus.run()
    once = corpus.content()
    corpus.configure(workers=2)
    corpus.run()
    assert corpus.content() == once


def test_a_data_set_of_shards_is_read_as_any_other(corpus):
    manifest = corpus.run()
    data = DataSet(corpus.out)
    rows = list(data.rows("train"))
    assert len(rows) == manifest["counts"]["examples"]["train"]
    assert [row.id for row in rows] == [meta["id"] for meta in corpus.metas("train")]
    assert data.show(7).meta["id"] == rows[6].id
    assert sum(1 for _ in data.dropped()) == sum(
        n for reason, n in manifest["dropped"].items() if reason.startswith(("commits_", "edits_"))
    )


def test_a_repository_that_is_broken_is_left_out_with_its_reason_and_tried_again(corpus, two):
    broken = corpus.repo("broken")
    corpus.list_all(two[0], broken, two[1])
    corpus.run()
    status = PublicCorpus(corpus.file).status()
    assert (status.n_repositories, status.n_taken_in) == (3, 2)
    [failure] = status.failures
    assert failure.name == "broken"
    assert "HEAD" in failure.failure
    assert {meta["repository"] for meta in corpus.metas()} == {"alpha", "beta"}
    grow(broken, "broken", 3)
    corpus.run()
    assert {meta["repository"] for meta in corpus.metas()} == {"alpha", "beta", "broken"}
    assert PublicCorpus(corpus.file).status().failures == ()


def test_a_url_that_did_not_answer_is_tried_again(corpus, two, monkeypatch):
    monkeypatch.setattr(remote, "_PAUSE_S", 0)
    later = two[1].path.rename(corpus.folder / "elsewhere")
    corpus.list.write_text(f"{two[0].path}\nfile://{two[1].path}\n")
    corpus.run()
    [failure] = PublicCorpus(corpus.file).status().failures
    assert (failure.name, "clone" in failure.failure) == ("repos/beta", True)
    later.rename(two[1].path)
    corpus.run()
    assert {meta["repository"] for meta in corpus.metas()} == {"alpha", "repos/beta"}


def test_no_repository_at_all_is_said(corpus):
    corpus.list_all(corpus.repo("empty"))
    with pytest.raises(CorpusError, match="no repository could be taken in: "):
        corpus.run()


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("[corpus]\nout = 'out'\n", "lacks repositories, work"),
        ("[corpus]\nshards = 3\n", "has no option shards"),
        ("[corpora]\n", r"give the tables \[corpus\] and \[export\]"),
        ("[corpus\n", "cannot read"),
    ],
)
def test_a_faulty_configuration_is_one_line(tmp_path, lines, message):
    file = tmp_path / "c.toml"
    file.write_text(lines)
    with pytest.raises(ConfigError, match=message):
        read_configuration(file)


def test_the_log_sinks_of_the_caller_stay(corpus):
    lines = []
    number = logger.add(lines.append, format="{message}", filter=__name__)
    corpus.run()
    logger.info("after the run")
    assert lines == ["after the run\n"]
    logger.remove(number)


def test_a_run_with_nothing_to_do_leaves_the_data_set_alone(corpus):
    corpus.run()
    content, inode = corpus.content(), corpus.out.stat().st_ino
    corpus.run()
    assert corpus.out.stat().st_ino == inode
    # The shards are there once.
    assert not list((corpus.folder / "work").rglob("train-*.jsonl.*"))
    assert not list((corpus.folder / "work").rglob("data/*"))
    shutil.rmtree(corpus.out)
    corpus.run()
    assert corpus.content() == content


def test_another_list_is_another_run_and_leaves_nothing_of_the_first(corpus, two):
    corpus.run()
    first = Run(read_configuration(corpus.file)).folder
    corpus.list_all(two[0])
    corpus.run()
    assert not first.folder.exists("")
    assert {meta["repository"] for meta in corpus.metas()} == {"alpha"}


def test_what_is_removed_later_is_gone_from_what_was_written(corpus, two):
    corpus.run()
    first = corpus.metas()[2]
    assert first["commit"][:12] in str(corpus.metas())
    (corpus.folder / "remove.txt").write_text(f"{two[0].path} {first['commit'][:12]}\n")
    corpus.configure(remove="remove.txt")
    manifest = corpus.run()
    assert first["commit"] not in {meta["commit"] for meta in corpus.metas()}
    assert manifest["dropped"]["commits_removed"] == 1
    (corpus.folder / "remove.txt").write_text(f"{two[0].path}\n")
    corpus.run()
    assert {meta["repository"] for meta in corpus.metas()} == {"beta"}
    assert not list((corpus.folder / "work").rglob("*alpha*"))


def test_a_clone_of_what_opted_out_is_not_taken_in_either(corpus, two):
    corpus.run()
    two[0].git("remote", "add", "origin", "git@git.example.com:some/alpha.git")
    (corpus.folder / "optout.txt").write_text("https://git.example.com/Some/Alpha\n")
    corpus.configure(opt_out="optout.txt")
    corpus.run()
    assert {meta["repository"] for meta in corpus.metas()} == {"beta"}
    assert not list((corpus.folder / "work").rglob("*alpha*"))


def test_a_url_is_cloned(corpus, two):
    corpus.list.write_text(f"file://{two[0].path}\n{two[1].path}\n")
    corpus.run()
    names = {meta["repository"] for meta in corpus.metas()}
    assert names == {"repos/alpha", "beta"}
    assert PublicCorpus(corpus.file).verify().problems == ()


@pytest.mark.slow
def test_a_run_that_is_killed_goes_on_and_ends_with_the_same_bytes(corpus, tmp_path):
    rng = random.Random(7)
    corpus.configure(workers=2)
    start = time.monotonic()
    corpus.run()
    whole = time.monotonic() - start
    expected = corpus.content()
    shutil.rmtree(corpus.out)
    shutil.rmtree(tmp_path / "work")
    command = [sys.executable, "-m", "rsidx", "corpus", "run", str(corpus.file)]
    for _ in range(4):
        process = subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL)
        with suppress(subprocess.TimeoutExpired):
            process.wait(rng.uniform(0.2, 1) * whole)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert subprocess.run(command, check=False, capture_output=True).returncode == 0
    assert corpus.content() == expected
