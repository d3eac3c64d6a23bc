"""Passwords of addresses do not get into what is printed, logged or reported."""

import logging
import subprocess
import sys
from pathlib import Path

import pytest

from rsidx import log
from rsidx.__main__ import main
from rsidx.errors import IndexStoreError, RepositoryError
from rsidx.hooks.install import hook_db
from rsidx.hooks.units import unit
from rsidx.hooks.worker import wake
from rsidx.indexer.git.discovery import discover
from rsidx.passwords import masked
from rsidx.store.database import Database, resolve_url

SECRET = "se" + "kret-word"
ADDRESSES = (
    f"postgresql://user:{SECRET}@host/x",
    f"postgresql+psycopg://user:{SECRET}@host:5432/x?sslmode=require",
    f"postgresql://user:{SECRET}/with/slashes@host/x",
    f"postgresql://user:{SECRET} and 'quotes'@host/x",
    f"postgresql://user:{SECRET}@more@host/x",
    f"postgresql://user:%40{SECRET}%2f@host/x",
    f"postgresql://host/x?user=u&password={SECRET}",
    f"postgresql://host/x?sslpassword={SECRET}&sslmode=require",
    f"https://{SECRET}@host/x",
    f"no address://user:{SECRET}@host/x",
)


@pytest.fixture
def crash(monkeypatch, repo, capfd):
    """Run `status` until it crashes with a text; return the report."""
    monkeypatch.chdir(repo.path)

    def run(text, *arguments):
        def fail(*_, **__):
            raise ZeroDivisionError(text)

        monkeypatch.setattr("rsidx.indexer.status.status", fail)
        monkeypatch.setattr("rsidx.api.access.Database", lambda *_, **__: fail())
        assert main(["status", *arguments]) == 3
        err = capfd.readouterr().err
        assert SECRET not in err
        return Path(err.rstrip().rsplit(" ", 1)[-1]).read_text("utf-8")

    return run


@pytest.mark.parametrize("address", ADDRESSES[:8])
def test_a_crash_report_has_no_password_of_the_arguments(crash, address):
    for arguments in (["--db", address], [f"--db={address}"]):
        text = f"cannot connect to {address}: ({address!r},)"
        if resolve_url(address).password == SECRET:
            text += f" [{SECRET}]"
        report = crash(text, *arguments)
        assert SECRET not in report
        assert "quotes" not in report
        assert "ZeroDivisionError: cannot connect to postgresql" in report
        assert "arguments: ['status', '--db" in report
        assert "@host" in report or "//host" in report


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_crash_report_has_no_password_of_a_variable_or_an_error(crash, monkeypatch, address):
    if "quotes" not in address:
        assert SECRET not in crash(f"cannot connect to {address}: {address!r}")
    monkeypatch.setenv("RSIDX_DB", address.replace("no address", "postgresql"))
    report = crash(f"{address} {{'password': '{SECRET}'}} password={SECRET}")
    assert SECRET not in report


def test_what_holds_no_password_stays_as_it_is():
    for text in (
        "https://example.com/a?b=c@d", "git@github.com:a/b.git", "ssh://git@host/x", "a: b@c",
        "password authentication failed for user", "postgresql://user@host/x", "x = y",
        "/home/user:x@y/z", "tokenizer = 5",
    ):  # fmt: skip
        assert masked(text) == text


@pytest.mark.slow
def test_masking_takes_linear_time():
    program = (
        "import resource; resource.setrlimit(resource.RLIMIT_CPU, (100, 100))\n"
        "from rsidx.passwords import masked\n"
        "for part in ('a://b:', 'password=\\'', 'password', 'password = ', '://@', ' ', 'pass\"', "
        "'a', 'password=\"', ':', '@', \"password' : \"):\n"
        "    masked(part * (1_000_000 // len(part)))\n"
        "    masked('x://' + part * (1_000_000 // len(part)))\n"
    )
    assert subprocess.run([sys.executable, "-P", "-c", program], check=False).returncode == 0


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_error_and_the_log_have_no_password(repo, monkeypatch, capfd, tmp_path, address):
    monkeypatch.chdir(repo.path)
    for bad in (address, address.replace("postgresql", "oracle"), f"{address}:no:port"):
        assert main(["status", "--db", bad]) == 1
        assert SECRET not in capfd.readouterr().err
    log.configure("debug", tmp_path / "x.log")
    try:
        raise ValueError(f"no connection to {ADDRESSES[0]}, password={SECRET}")
    except ValueError:
        logging.getLogger("rsidx").exception("it failed: %s", ADDRESSES[1])
    assert SECRET not in (tmp_path / "x.log").read_text() + capfd.readouterr().err


@pytest.mark.parametrize("address", ADDRESSES[:8])
def test_an_index_is_shown_without_its_password_and_not_kept_in_a_hook(repo, monkeypatch, address):
    monkeypatch.setattr("rsidx.store.database._engine", lambda _: None)
    monkeypatch.setattr("rsidx.store.database.ServerLocks", lambda _: None)
    monkeypatch.setattr("rsidx.store.database.migrate", lambda *_: None)
    assert SECRET not in Database(resolve_url(address), create=False).shown
    with pytest.raises(RepositoryError, match="cannot keep the password"):
        hook_db(discover(repo.path), address)
    with pytest.raises(IndexStoreError, match="cannot keep the password"):
        unit("systemd", discover(repo.path), address)
    started = []
    monkeypatch.setattr("rsidx.hooks.worker.subprocess.Popen", lambda *a, **_: started.append(a))
    wake(discover(repo.path), address, "post-commit")
    assert started
    assert SECRET not in str(started)


def test_an_address_that_is_none_is_not_repeated():
    with pytest.raises(IndexStoreError) as raised:
        resolve_url(f"post gres://u:{SECRET}@h/x")
    assert str(raised.value) == "--db is neither a path nor a database URL"
