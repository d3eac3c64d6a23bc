"""What a later run takes anew: newer commits, other clones, another tokenizer."""

import shutil

import pytest
from tokenizers import Tokenizer

pytest.importorskip("datatrove", reason="needs datatrove, of the extra `corpus`")

from rsidx import Corpus as PublicCorpus
from tests.corpus.conftest import grow

N = 8


@pytest.fixture
def alpha(corpus):
    repo = grow(corpus.repo("alpha"), "alpha", N)
    corpus.list.write_text(f"file://{repo.path}\n")
    return repo


def made_anew(corpus):
    """Return what a run makes in a work folder of its own."""
    for name in ("work", "out"):
        shutil.rmtree(corpus.folder / name, ignore_errors=True)
    corpus.run()
    return corpus.content()


def commits(corpus):
    return {meta["commit"] for meta in corpus.metas()}


def test_a_clone_that_was_fetched_gives_its_newer_commits(corpus, alpha):
    corpus.run()
    before = commits(corpus)
    grow(alpha, "alpha", 2, first=N)
    corpus.run()
    assert commits(corpus) == before
    [clone] = (corpus.folder / "work/clones").glob("*.git")
    alpha.git("-C", str(clone), "fetch", "-q", "origin", "+refs/heads/*:refs/heads/*")
    corpus.run()
    now = corpus.content()
    assert alpha.head() in commits(corpus) > before
    assert len(list((corpus.folder / "work/runs").glob("*/decision"))) == 0
    assert len(list((corpus.folder / "work/runs").glob("*/*/decision"))) == 1
    assert made_anew(corpus) == now


def test_a_clone_that_was_removed_is_made_again(corpus, alpha):
    corpus.run()
    grow(alpha, "alpha", 1, first=N)
    shutil.rmtree(corpus.folder / "work/clones")
    corpus.run()
    assert alpha.head() in commits(corpus)


@pytest.mark.parametrize("options", [{"clone_depth": 3}, {"clone_filter": "blob:limit=1k"}])
def test_a_clone_with_other_options_is_another_one(corpus, alpha, options):
    alpha.git("config", "uploadpack.allowFilter", "true")
    corpus.run()
    of_all = corpus.content()
    corpus.configure(**options)
    corpus.run()
    found = corpus.content()
    assert len(corpus.metas()) > 0
    assert found != of_all
    assert PublicCorpus(corpus.file).verify().problems == ()
    assert made_anew(corpus) == found
    corpus.configure()
    corpus.run()
    assert corpus.content() == of_all


def test_an_earlier_revision_gives_what_it_gives_to_an_empty_index(corpus, alpha):
    # A file of the tip alone, which another repository has, too.
    beta = grow(corpus.repo("beta"), "beta", 5)
    shared = {f"src/{n}.rs": f"// {n}\n" * 60 for n in range(6)}
    for repo in (alpha, beta):
        repo.commit("Add what both have", shared)
    early = alpha.git("rev-parse", "HEAD~2").strip()
    corpus.list.write_text(f"{alpha.path}\n{beta.path}\n")
    corpus.run()
    corpus.list.write_text(f"{alpha.path} {early}\n{beta.path}\n")
    manifest = corpus.run()
    found = corpus.content()
    assert manifest["repositories"]["beta"]["group"] == "beta"
    assert made_anew(corpus) == found


@pytest.mark.usefixtures("alpha")
def test_a_tokenizer_that_was_changed_in_its_place_encodes_anew(corpus, tokenizer_file):
    own = corpus.folder / "tokenizer.json"
    shutil.copy(tokenizer_file, own)
    corpus.file.write_text(corpus.file.read_text().replace(str(tokenizer_file), str(own)))
    corpus.run()
    before = corpus.content()
    tokenizer = Tokenizer.from_file(str(own))
    tokenizer.add_tokens(["let alpha_"])
    tokenizer.save(str(own))
    corpus.run()
    found = corpus.content()
    assert found != before
    assert made_anew(corpus) == found
