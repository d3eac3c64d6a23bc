"""How much of a data set one repository or path may be."""

import json
from collections import Counter

import pytest

from rsidx.corpus.balance import Balance, KeptEdit, Sampler
from rsidx.corpus.configuration import read_configuration
from rsidx.errors import ConfigError
from tests.corpus.conftest import grow


def edits(n, repository="alpha", path="src/lib.rs", split="train"):
    return [KeptEdit(repository, f"{n:040x}", 0, path, "f", split, 2) for n in range(n)]


def left(every, **options):
    sampler = Sampler(Balance(**options))
    for edit in every:
        sampler.add(edit)
    out = set(sampler.too_many())
    return [edit for edit in every if edit not in out]


def test_no_more_rows_of_a_repository_and_of_a_path_than_asked_for_in_each_split():
    every = [
        *edits(20), *edits(20, path="src/b.rs"), *edits(20, split="val"), *edits(3, "beta")
    ]  # fmt: skip
    rows = Counter()
    for edit in left(every, rows_per_repository=15, rows_per_path=9):
        rows[edit.split, edit.repository] += edit.n_rows
    # An edit has two rows, which stay together.
    assert rows == {("train", "alpha"): 14, ("val", "alpha"): 8, ("train", "beta"): 6}


def test_a_weight_takes_its_share_and_the_seed_draws_which():
    every = edits(400)
    half = left(every, weights={"alpha": 0.5})
    assert 160 < len(half) < 240
    assert left(every, weights={"alpha": 0.5}) == half
    assert left(every, weights={"alpha": 0.5}, seed=1) != half
    assert left(every, path_weights={"src/**": 0.0}) == []
    assert left(every, path_weights={"tests/**": 0.0}) == every
    fewer = left(every, weights={"alpha": 0.25})
    assert set(fewer) < set(half)


def test_what_is_too_much_is_counted_and_listed(corpus):
    corpus.list_all(grow(corpus.repo("alpha"), "alpha", 9), grow(corpus.repo("beta"), "beta", 3))
    corpus.configure(rows_per_repository=4)
    manifest = corpus.run()
    for name in ("alpha", "beta"):
        assert all(n <= 4 for n in manifest["repositories"][name]["examples"].values())
    n = manifest["dropped"]["edits_balance"]
    lines = (corpus.out / "dropped.jsonl").read_text().splitlines()
    assert sum('"reason":"edits_balance"' in line for line in lines) == n > 0


def test_what_is_too_much_is_counted_as_nothing_else(corpus):
    corpus.list_all(grow(corpus.repo("alpha"), "alpha", 9), grow(corpus.repo("beta"), "beta", 3))
    # Some rows are too long.
    corpus.configure("max-tokens = 300")
    assert corpus.run()["dropped"]["examples_over_max_tokens"] > 0
    with corpus.file.open("a") as file:
        file.write("[corpus.weights]\nalpha = 0\nbeta = 0\n")
    manifest = corpus.run()
    assert manifest["dropped"].keys() == {"edits_balance"}
    lines = (corpus.out / "dropped.jsonl").read_text().splitlines()
    assert {json.loads(line)["reason"] for line in lines} == {"edits_balance"}


def test_a_weight_is_a_share(corpus):
    with corpus.file.open("a") as file:
        file.write("[corpus.weights]\nalpha = 2\n")
    with pytest.raises(ConfigError, match="the weight of alpha is 2"):
        read_configuration(corpus.file)
