"""Passwords in the addresses of repositories stay out of the logs and outcomes."""

import pytest

pytest.importorskip("datatrove", reason="needs datatrove, of the extra `corpus`")

from rsidx.errors import CorpusError
from rsidx.indexer.git import remote
from tests.corpus.conftest import grow

SECRET = "correct-horse-battery"


def test_no_log_of_a_run_holds_a_password(corpus, monkeypatch):
    monkeypatch.setattr(remote, "_PAUSE_S", 0)
    alpha = grow(corpus.repo("alpha"), "alpha", 5)
    corpus.list.write_text(f"{alpha.path}\nfile://user:{SECRET}@host/some/gone\n")
    corpus.run()
    files = [file for file in (corpus.folder / "work/runs").rglob("*") if file.is_file()]
    assert any(file.name == "executor.json" for file in files)
    assert [file.name for file in files if SECRET in file.read_text(errors="replace")] == []


@pytest.mark.parametrize("user", [f"user:{SECRET}", SECRET])
def test_slurm_gets_no_address_with_a_password(corpus, user):
    corpus.list.write_text(f"https://{user}@git.example.com/some/gone\n")
    corpus.configure(executor="slurm")
    with pytest.raises(CorpusError, match="the address of some/gone has a password"):
        corpus.run()
    files = [file for file in (corpus.folder / "work").rglob("*") if file.is_file()]
    assert [file.name for file in files if SECRET in file.read_text(errors="replace")] == []
