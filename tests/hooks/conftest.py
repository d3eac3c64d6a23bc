import pytest

from tests.hooks.installed import install
from tests.repositories import Repo


@pytest.fixture(autouse=True)
def samples(monkeypatch):
    """Where hooks are what it is about, a new repository has git's samples of them."""
    monkeypatch.delenv("GIT_TEMPLATE_DIR")
    monkeypatch.setattr(Repo, "empty", None)


@pytest.fixture
def hooked(repo):
    repo.commit("one", {"a.rs": "fn a() {}\n"})
    install(repo)
    return repo
