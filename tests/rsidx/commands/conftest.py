import pytest

from rsidx.__main__ import main
from rsidx.exporters import tokenizer
from tests.repositories import WORDS, Repo

RUST = "/// A thing.\npub struct Thing;\n\nimpl Thing {\n    pub fn act(&self) {}\n}\n"


@pytest.fixture
def cli(repo, monkeypatch, capfd):
    monkeypatch.chdir(repo.path)
    # A tokenizer learns as much from a few of these as from a thousand, and is trained sooner.
    monkeypatch.setattr(tokenizer, "_FIRST_REPEATS", 50)
    monkeypatch.setattr(tokenizer, "_MAX_REPEATS", 100)

    def run(*arguments, status=0):
        assert main([str(a) for a in arguments]) == status
        return capfd.readouterr()

    return run


@pytest.fixture(scope="session")
def begun(tmp_path_factory):
    """A repository with an index, of which each test has a copy."""
    repo = Repo(tmp_path_factory.mktemp("begun") / "repo")
    repo.padding = WORDS
    repo.commit("one", {"src/lib.rs": RUST})
    repo.commit("two", {"src/lib.rs": RUST.replace("{}", "{ work(); }")})
    assert main(["backfill", "-C", str(repo.path)]) == 0
    return repo


@pytest.fixture
def filled(repo, begun, monkeypatch):
    repo.fill_from(begun)
    monkeypatch.chdir(repo.path)
    return repo
