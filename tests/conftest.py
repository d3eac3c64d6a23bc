import gc
import json
import os
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from tokenizers import AddedToken, Tokenizer

from rsidx.store import database as database_module
from rsidx.store.migrate import migrate
from tests.hub import serve
from tests.indexes import History, Index
from tests.patience import wait_until
from tests.quick_databases import quick_databases
from tests.repositories import WORDS, Repo
from tests.trained import REDACTED, STARCODER, STARCODER2, train

REAL_STARCODER2 = os.environ.get("RSIDX_TEST_STARCODER2")
EXAMPLES = int(os.environ.get("RSIDX_TEST_EXAMPLES", "1"))
"""How many times as many examples are drawn as in a run that somebody waits for."""

# An example that is slow to make or to run says something about the machine, not about rsidx.
settings.register_profile("rsidx", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("rsidx")


def pytest_collection_modifyitems(items):
    """Begin with the slow tests, so that no worker is left with one at the end."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


def pytest_collection_finish():
    """Leave the tests and what they import out of all later collections of garbage."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True, scope="session")
def no_settings(tmp_path_factory):
    """Nothing of the user's, also where a fixture serves several tests."""
    with pytest.MonkeyPatch.context() as patched:
        for name in list(os.environ):
            if name.startswith(("GIT_", "RSIDX")):
                patched.delenv(name)
        set_home(patched, tmp_path_factory.mktemp("home"))
        # In place of the machine's: each commit would start two more processes to look whether
        # there is something to pack, and a pack would be waited for until it is on the disk.
        settings_file = tmp_path_factory.mktemp("git") / "config"
        settings_file.write_text("[maintenance]\nauto = false\n[core]\nfsync = none\n")
        patched.setenv("GIT_CONFIG_SYSTEM", str(settings_file))
        # Without the samples of hooks: most files that tests would write and remove are these.
        patched.setenv("GIT_TEMPLATE_DIR", "")
        patched.setenv("TZ", "UTC")
        empty = Repo(tmp_path_factory.mktemp("empty"))
        patched.setattr(Repo, "empty", empty.path / ".git")
        yield


@pytest.fixture(autouse=True, scope="session")
def no_migrations(tmp_path_factory):
    """Indexes of this process are made quickly; `migrations` brings the migrations back."""
    with quick_databases(tmp_path_factory.mktemp("tables") / "index.db"):
        yield


@pytest.fixture
def migrations(monkeypatch):
    """A new index gets its tables by the migrations, as it does outside of these tests."""
    monkeypatch.setattr(database_module, "migrate", migrate)


def set_home(monkeypatch, home):
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / ".config"))


@pytest.fixture(autouse=True)
def environment(request, tmp_path, monkeypatch):
    """A home of its own, without git's configuration and rsidx's; and nothing for later tests."""
    n_failed = request.session.testsfailed
    before = dict(os.environ)
    home = tmp_path / "home"
    home.mkdir()
    set_home(monkeypatch, home)
    # A worker that runs in this process must not slow down all later tests.
    monkeypatch.setattr(os, "setpriority", lambda *_: None)
    yield
    os.environ.clear()
    os.environ.update(before)
    if request.session.testsfailed == n_failed:
        # What is removed at once is never written to the disk.
        shutil.rmtree(tmp_path, ignore_errors=True)


@pytest.fixture
def wordy(monkeypatch):
    """No message of a commit is too short for an export."""
    monkeypatch.setattr(Repo, "padding", WORDS)


@pytest.fixture
def make_repo(tmp_path):
    def make(name="repo", *init):
        return Repo(tmp_path / name, *init)

    return make


@pytest.fixture
def repo(make_repo):
    return make_repo()


@pytest.fixture
def make_index(tmp_path):
    made = []

    def make(repo, name="index.db"):
        index = Index(repo, tmp_path / name)
        made.append(index)
        return index

    yield make
    for index in made:
        index.close()


@pytest.fixture
def index(repo, make_index):
    return make_index(repo)


@pytest.fixture(scope="session")
def make_history(tmp_path_factory):
    """Return a function that makes a history for several tests.

    Its repository is empty as yet, and its messages are long enough for an export.
    """
    made = []

    def make():
        folder = tmp_path_factory.mktemp("history")
        repo = Repo(folder / "repo")
        repo.padding = WORDS
        made.append(History(repo, Index(repo, folder / "index.db")))
        return made[-1]

    yield make
    for history in made:
        history.index.close()


@pytest.fixture
def writable():
    """The test that uses this changes its history, so it gets a copy: see `history_for`."""


@pytest.fixture
def history_for(request, tmp_path):
    """Return a function that gives a test a shared history, or a copy of it."""
    copies, shared = [], []

    def choose(history):
        if "writable" in request.fixturenames:
            copies.append(history.copy(tmp_path))
            return copies[-1]
        shared.append((history.repo, history.repo.time, history.repo.head()))
        return history

    yield choose
    for history in copies:
        history.index.close()
    for repo, time_before, head in shared:
        assert (repo.time, repo.head()) == (time_before, head), "the test is not `writable`"


@pytest.fixture(scope="session")
def make_tokenizer(tmp_path_factory):
    """Return a function that writes a small byte-level BPE with some special tokens."""
    return lambda *special: train(tmp_path_factory.mktemp("tokenizer") / "tokenizer.json", special)


@pytest.fixture(scope="session")
def tokenizer_file(make_tokenizer):
    """One with StarCoder2's repository tokens."""
    return make_tokenizer(*STARCODER2)


@pytest.fixture(scope="session")
def starcoder_like(make_tokenizer):
    """The same with its tokens for what was redacted."""
    return make_tokenizer(*STARCODER2, *REDACTED)


@pytest.fixture(scope="session")
def qwen_file(make_tokenizer):
    """One whose control tokens are flagged as not special, as Qwen's are."""
    path = make_tokenizer("<|endoftext|>")
    tokenizer = Tokenizer.from_file(str(path))
    tokens = ("<|repo_name|>", "<|file_sep|>", "<|fim_prefix|>")
    tokenizer.add_tokens([AddedToken(t, special=False, normalized=False) for t in tokens])
    tokenizer.save(str(path))
    return path


@pytest.fixture(scope="session")
def starcoder_file(make_tokenizer):
    return make_tokenizer(*STARCODER)


@pytest.fixture(scope="session")
def plain_file(make_tokenizer):
    return make_tokenizer("</s>")


@pytest.fixture
def starcoder2_file():
    if REAL_STARCODER2 is None:
        pytest.skip("RSIDX_TEST_STARCODER2 names no tokenizer.json of StarCoder2")
    return Path(REAL_STARCODER2).absolute()


@pytest.fixture
def hub(tmp_path):
    with serve(tmp_path / "hf") as made:
        yield made


def read_lines(path):
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


@pytest.fixture
def wait():
    return wait_until


@pytest.fixture
def read_jsonl():
    return read_lines
