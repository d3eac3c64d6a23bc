"""A split by repository and time: what is held out is unseen in both."""

import pytest

pytest.importorskip("datatrove", reason="needs datatrove, of the extra `corpus`")

from rsidx import Corpus as PublicCorpus
from tests.corpus.conftest import function, grow

SPLITS = ("train", "val", "test")
NAMES = ("alpha", "beta", "gamma", "delta", "epsilon")


def test_what_is_held_out_is_of_unseen_repositories_and_of_an_unseen_time(corpus):
    repos = []
    for number, name in enumerate(NAMES):
        repo = corpus.repo(name)
        repo.time += 100 * number
        # The same code, early and late in each history, and so in each split's time.
        for when in ("early", "late"):
            repo.commit(f"Add {when} code", {f"src/{when}.rs": function("same", 1)})
            grow(repo, name, 5, first=5 * (when == "late"))
        repos.append(repo)
    fork = corpus.repo("fork")
    fork.fill_from(repos[0])
    grow(fork, "forked", 3, first=10)
    corpus.list_all(*repos, fork)
    corpus.configure("split = '0.4,0.3,0.3'", split_by="both")
    manifest = corpus.run()

    metas = {split: corpus.metas(split) for split in SPLITS}
    assert all(metas.values())
    of_groups = [
        {manifest["repositories"][meta["repository"]]["group"] for meta in metas[split]}
        for split in SPLITS
    ]
    assert sum(map(len, of_groups)) == len(set.union(*of_groups))
    times = [[meta["time"] for meta in metas[split]] for split in SPLITS]
    assert max(times[0]) < min(times[1]) <= max(times[1]) < min(times[2])
    assert manifest["dropped"]["commits_other_time"] > 0
    assert [meta["symbol"] for meta in corpus.metas()].count("same_1") == 1
    assert PublicCorpus(corpus.file).verify().problems == ()
