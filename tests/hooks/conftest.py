import pytest

from tests.repositories import Repo


@pytest.fixture(autouse=True)
def samples(monkeypatch):
    """Where hooks are what it is about, a new repository has git's samples of them."""
    monkeypatch.delenv("GIT_TEMPLATE_DIR")
    monkeypatch.setattr(Repo, "empty", None)
