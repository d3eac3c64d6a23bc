"""Repositories that are related, licensed, listed or broken: each ends where it must."""

import json

import pytest

from rsidx import Corpus as PublicCorpus
from rsidx import DataSet
from tests.corpus.conftest import MANIFEST, Corpus, function, grow

N = 8
COPIED = {f"src/part_{n}.rs": function("part", n) for n in range(6)}
COPIED["Cargo.toml"] = MANIFEST.format(name="alpha", license="MIT")


@pytest.fixture(scope="module")
def planted(tmp_path_factory, tokenizer_file):
    corpus = Corpus(tmp_path_factory.mktemp("planted"), tokenizer_file)
    alpha = corpus.repo("alpha")
    alpha.commit("Begin with parts", COPIED)
    grow(alpha, "alpha", N)
    fork = corpus.repo("fork")
    fork.fill_from(alpha)
    grow(fork, "forked", 2)
    vendor = corpus.repo("vendor")
    vendor.time += 300
    vendor.commit(
        "Copy the parts of alpha", {f"deep/{name}": text for name, text in COPIED.items()}
    )
    grow(vendor, "vendor", N)
    relicensed = corpus.repo("relicensed")
    relicensed.time += 600
    grow(relicensed, "free", 4)
    grow(relicensed, "copyleft", 4, license="GPL-3.0-only", first=4)
    opted_out, bench = grow(corpus.repo("private"), "private", 3), corpus.repo("bench")
    grow(bench, "bench", 3)
    bench.git("remote", "add", "origin", "https://github.com/sharkdp/fd.git")
    bench_fork = corpus.repo("bench-fork")
    bench_fork.fill_from(bench)
    bench_fork.git("remote", "remove", "origin")
    grow(bench_fork, "benched", 2, first=3)
    broken = corpus.repo("broken")
    repos = [alpha, fork, vendor, relicensed, opted_out, bench, bench_fork, broken]
    corpus.list_all(*repos)
    (corpus.folder / "optout.txt").write_text(f"{opted_out.path}  # asked on a Monday\n")
    corpus.configure("license = ['MIT']", opt_out="optout.txt", benchmarks="leave-out")
    return corpus, corpus.run()


def names(corpus, repository):
    return {symbol for name, symbol in corpus.rows() if name == repository}


def test_what_a_fork_shares_is_counted_once_and_what_it_adds_is_its_own(planted):
    corpus, manifest = planted
    of_fork = {meta["commit"] for meta in corpus.metas() if meta["repository"] == "fork"}
    assert names(corpus, "fork") == {"forked_0", "forked_1"}
    assert "alpha_3" in names(corpus, "alpha")
    assert not of_fork & {m["commit"] for m in corpus.metas() if m["repository"] == "alpha"}
    assert manifest["repositories"]["fork"]["dropped"]["commits_shared"] == N + 1
    assert manifest["repositories"]["fork"]["group"] == "alpha"


def test_a_copy_of_another_s_code_is_of_its_group(planted):
    corpus, manifest = planted
    groups = {name: one["group"] for name, one in manifest["repositories"].items()}
    assert groups == {
        "alpha": "alpha", "fork": "alpha", "vendor": "alpha", "relicensed": "relicensed",
        "bench": "bench", "bench-fork": "bench",
    }  # fmt: skip
    copied = {f"part_{n}" for n in range(6)}
    assert copied & names(corpus, "alpha")
    assert not copied & names(corpus, "vendor")


def test_code_under_another_licence_is_left_out_from_the_commit_that_changes_it(planted):
    corpus, manifest = planted
    assert {meta["license"] for meta in corpus.metas()} == {"MIT"}
    assert names(corpus, "relicensed") == {f"free_{n}" for n in range(4)}
    assert manifest["repositories"]["relicensed"]["dropped"]["edits_license"] == 4


def test_what_opted_out_is_nowhere(planted):
    corpus, manifest = planted
    assert "private" not in manifest["repositories"]
    assert not list((corpus.folder / "work").rglob("*private*"))
    assert not [file for file in corpus.folder.glob("out/**/*") if b"private" in read(file)]


def read(file):
    return file.read_bytes() if file.is_file() else b""


def test_a_benchmark_s_repository_is_left_out_with_its_forks(planted):
    corpus, manifest = planted
    assert not names(corpus, "bench") | names(corpus, "bench-fork")
    dropped = {name: one["dropped"] for name, one in manifest["repositories"].items()}
    assert dropped["bench"]["commits_benchmark"] == 3
    assert dropped["bench-fork"]["commits_benchmark"] == 2


def test_one_that_is_broken_is_said(planted):
    corpus, manifest = planted
    assert "broken" not in manifest["repositories"]
    [failure] = PublicCorpus(corpus.file).status().failures
    assert failure.name == "broken"


def test_all_of_it_holds(planted):
    corpus, _ = planted
    assert PublicCorpus(corpus.file).verify().problems == ()


def test_each_duplicate_names_the_edit_that_it_repeats(planted):
    corpus, manifest = planted
    lines = (corpus.out / "duplicates.jsonl").read_text().splitlines()
    of_vendor = [line for line in map(json.loads, lines) if line["repository"] == "vendor"]
    n = manifest["repositories"]["vendor"]["dropped"]["edits_duplicates"]
    assert len(of_vendor) == n > 0
    assert {line["like"]["repository"] for line in of_vendor} == {"alpha"}
    ids = {meta["id"] for meta in corpus.metas()}
    assert all(line["like"]["row"] in ids for line in of_vendor)


@pytest.mark.slow
def test_whole_groups_are_in_one_split(planted, corpus):
    corpus.list.write_text(planted[0].list.read_text())
    corpus.configure("split = '0.4,0.3,0.3'", split_by="repository")
    manifest = corpus.run()
    splits_of = {}
    for split in ("train", "val", "test"):
        for meta in corpus.metas(split):
            group = manifest["repositories"][meta["repository"]]["group"]
            splits_of.setdefault(group, set()).add(split)
    assert all(len(splits) == 1 for splits in splits_of.values())
    assert len(set.union(*splits_of.values())) == 3
    assert PublicCorpus(corpus.file).verify().problems == ()


def test_card_and_report_say_where_each_ended(planted, tmp_path):
    corpus, manifest = planted
    assert manifest["corpus"]["failed"] == ["broken"]
    assert manifest["corpus"]["n_opted_out"] == 1
    card = (corpus.out / "README.md").read_text()
    assert "path: train-?????.jsonl" in card
    assert "| `vendor` |" in card
    page = DataSet(corpus.out).report(tmp_path / "page.html").read_text()
    for words in (
        "Not taken in: broken.",
        "1 opted out.",
        "3 commits_benchmark",
        "4 edits_license",
    ):
        assert words in page
