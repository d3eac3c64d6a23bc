import os
from pathlib import Path

import pytest

from rsidx.__main__ import main


@pytest.fixture
def cli(repo, monkeypatch, capfd):
    monkeypatch.chdir(repo.path)

    def run(*arguments, status=0):
        assert main([str(a) for a in arguments]) == status
        return capfd.readouterr()

    return run


@pytest.fixture
def mine():
    """The user's own file, to be written."""
    path = Path(os.environ["XDG_CONFIG_HOME"]) / "rsidx/config.toml"
    path.parent.mkdir(parents=True)
    return path
