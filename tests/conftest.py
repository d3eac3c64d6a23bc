import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import threading
import time
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

import pytest
import sqlalchemy
from hypothesis import HealthCheck, settings
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

from rsidx.exporters.verify.dataset import Checked, verify
from rsidx.indexer.git.blobs import blob_reader
from rsidx.indexer.git.repository import discover
from rsidx.indexer.gitview import GitView
from rsidx.indexer.sync import history_scope, sync
from rsidx.store import database as database_module
from rsidx.store.copies import count_rows
from rsidx.store.database import Database, resolve_url
from rsidx.store.migrate import migrate

STARCODER2 = os.environ.get("RSIDX_TEST_STARCODER2")
EXAMPLES = int(os.environ.get("RSIDX_TEST_EXAMPLES", "1"))
"""How many times as many examples are drawn as in a run that somebody waits for."""
PATIENCE_S = 300
"""How long a test waits for what must happen. Only a test that fails ever waits that long, so the
slowest machine decides."""

WORDS = ", in more words"
"""What makes a short message long enough for an export."""

# An example that is slow to make or to run says something about the machine, not about rsidx.
settings.register_profile("rsidx", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("rsidx")


def pytest_collection_modifyitems(items):
    """Begin with the slow tests, so that no worker is left with one at the end."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


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
def quick_databases(tmp_path_factory):
    """Indexes of this process get their tables at once, and do not wait for the disk.

    Running all migrations takes longer than most tests, and so does compiling the statements of
    SQLAlchemy for each index anew. `migrations` brings the migrations back.
    """
    file = tmp_path_factory.mktemp("tables") / "index.db"
    database = Database(resolve_url(str(file)), create=True)
    first = database.engine
    database.close()
    with closing(sqlite3.connect(file)) as connection:
        _begin, *statements, _commit = connection.iterdump()

    def is_new(engine):
        if engine.dialect.name != "sqlite":
            return False
        with engine.connect() as connection:
            return not connection.exec_driver_sql("SELECT count(*) FROM sqlite_master").scalar()

    def migrate_at_once(engine, lock, finish):
        if is_new(engine):
            with lock(), engine.connect() as opened:
                connection = opened.execution_options(rsidx_write=True)
                if is_new(engine):
                    with connection.begin():
                        for statement in statements:
                            connection.exec_driver_sql(statement)
                        finish(connection)
        migrate(engine, lock, finish)

    def set_up(connection, place):
        plain(connection, place)
        connection.execute("PRAGMA synchronous = OFF")

    def create_engine(url, **options):
        engine = sqlalchemy.create_engine(url, **options)
        if engine.dialect.name == "sqlite":
            # A statement is compiled once for all that have the same dialect.
            engine.dialect, engine._compiled_cache = first.dialect, first._compiled_cache
        return engine

    plain = database_module._set_up
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(database_module, "migrate", migrate_at_once)
        patched.setattr(database_module, "_set_up", set_up)
        patched.setattr(database_module, "create_engine", create_engine)
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


class Repo:
    """A real repository with a fixed author and a clock of its own, so that ids are stable."""

    empty = None
    """What `git init` makes: copied, it is the same in a third of the time."""

    def __init__(self, path, *init):
        self.path = path
        self.time = 1_700_000_000
        self.inherited = ()
        """Descriptors that git passes on to its hooks, and these to what they start."""
        if init or self.empty is None or (path / ".git").exists():
            path.mkdir(parents=True, exist_ok=True)
            self.git("init", "-q", "-b", "main", *init)
        else:
            shutil.copytree(self.empty, path / ".git")

    def git(self, *args, check=True, status=False, stdin=None, **variables):
        date = f"{self.time} +0000"
        env = {
            **os.environ,
            "GIT_AUTHOR_NAME": "A U Thor",
            "GIT_AUTHOR_EMAIL": "author@example.com",
            "GIT_COMMITTER_NAME": "C O Mitter",
            "GIT_COMMITTER_EMAIL": "committer@example.com",
            "GIT_AUTHOR_DATE": date,
            "GIT_COMMITTER_DATE": date,
            "GIT_EDITOR": "true",
            **variables,
        }
        done = subprocess.run(
            ["git", "-C", str(self.path), *args],
            env=env,
            check=False,
            capture_output=True,
            input=stdin,
            pass_fds=self.inherited,
        )
        if status:
            return done.returncode
        if check and done.returncode:
            raise AssertionError(f"git {args}: {done.stderr.decode()}")
        return done.stdout.decode("utf-8", "surrogateescape").strip()

    def write(self, files):
        for name, content in files.items():
            path = self.path / name
            if content is None:
                path.unlink()
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)

    padding = ""
    """What is put behind a short message."""

    def commit(self, message="change", files=None, **variables):
        message = self.padded(message)
        self.write(files or {})
        self.time += 60
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message, **variables)
        return self.head()

    def commits(self, changes):
        """Commit each message with its files, all in one process; what else is on disk goes."""
        branch = self.git("symbolic-ref", "HEAD")
        begins = self.git("rev-parse", "-q", "--verify", "HEAD", check=False) == ""
        stream = []
        for message, files in changes:
            self.time += 60
            stream += [
                f"commit {branch}",
                f"author A U Thor <author@example.com> {self.time} +0000",
                f"committer C O Mitter <committer@example.com> {self.time} +0000",
                *data(f"{self.padded(message)}\n"),
                *([] if begins else [f"from {branch}^0"]),
            ]
            begins = True  # Of this stream: what follows goes on from it.
            for name, content in files.items():
                stream += [f"M 100644 inline {name}", *data(content)]
        self.git("fast-import", "--quiet", stdin="\n".join([*stream, ""]).encode())
        self.git("reset", "-q", "--hard")

    def padded(self, message):
        return message + self.padding if len(message) < 10 else message

    def fill_from(self, other):
        """Become a copy of another repository and of what lies in it, such as its index."""
        shutil.copytree(other.path, self.path, symlinks=True, dirs_exist_ok=True)
        self.time = other.time

    def head(self):
        """Return the commit that is checked out; from git's files where that is simple."""
        folder = self.path / ".git"
        head = folder / "HEAD"
        if head.is_file():
            text = head.read_text().strip()
            branch = folder / text.removeprefix("ref: ")
            if not text.startswith("ref: "):
                return text
            if branch.is_file():
                return branch.read_text().strip()
        return self.git("rev-parse", "HEAD")

    def blob(self, revision, path):
        return subprocess.run(
            ["git", "-C", str(self.path), "cat-file", "blob", f"{revision}:{path}"],
            check=True,
            capture_output=True,
        ).stdout


def data(text):
    """Return the lines of a stream for `git fast-import` that hold a text."""
    return f"data {len(text.encode())}", text


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


class Index:
    """An index of a repository, in a file of its own unless told otherwise."""

    def __init__(self, repo, file):
        self.repository = discover(repo.path)
        self.file = file
        self.database = Database(resolve_url(str(file)), create=True)

    def sync(self, *revisions, all_refs=False, since=None, jobs=1, max_bytes=100_000):
        scope = history_scope(self.repository, revisions, all_refs=all_refs, since=since)
        return sync(self.repository, self.database, scope, jobs=jobs, max_bytes=max_bytes)

    def close(self):
        """Close the index; what was written to it has counted its rows."""
        if self.file.exists():
            with closing(sqlite3.connect(self.file)) as connection:
                [[n_rows]] = connection.execute("PRAGMA application_id")
                assert n_rows == count_rows(connection), "a transaction did not count its rows"
        self.database.close()

    def problems(self, out):
        """Return what does not hold of an export."""
        with blob_reader(self.repository, max_bytes=1 << 20) as reader:
            return [p.text for p in verify(out, GitView(self.repository, reader), Checked())]


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


class History(NamedTuple):
    """A repository and an index of it, which several tests read."""

    repo: Repo
    index: Index

    def copy(self, folder):
        """Return a copy for one test, which may change it."""
        repo = Repo(folder / self.repo.path.name)
        repo.fill_from(self.repo)
        repo.padding = self.repo.padding
        file = folder / "index.db"
        self.index.database.back_up(file, lambda *_: None)
        return History(repo, Index(repo, file))


@pytest.fixture(scope="module")
def make_history(tmp_path_factory):
    """Return a function that makes a history for several tests of a module.

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
    """Return a function that gives a test a history of its module, or a copy of it."""
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
def tokenizer_file(tmp_path_factory):
    """A small byte-level BPE with StarCoder2's repository tokens."""
    return _trained(tmp_path_factory, ["<|endoftext|>", "<fim_pad>", "<repo_name>", "<file_sep>"])


@pytest.fixture(scope="session")
def starcoder_like(tmp_path_factory):
    """The same with its tokens for what was redacted."""
    special = ["<|endoftext|>", "<fim_pad>", "<repo_name>", "<file_sep>"]
    return _trained(tmp_path_factory, [*special, "<NAME>", "<EMAIL>", "<KEY>", "<PASSWORD>"])


@pytest.fixture(scope="session")
def qwen_file(tmp_path_factory):
    """One whose control tokens are flagged as not special, as Qwen's are."""
    path = _trained(tmp_path_factory, ["<|endoftext|>"])
    tokenizer = Tokenizer.from_file(str(path))
    tokens = ("<|repo_name|>", "<|file_sep|>", "<|fim_prefix|>")
    tokenizer.add_tokens([AddedToken(t, special=False, normalized=False) for t in tokens])
    tokenizer.save(str(path))
    return path


@pytest.fixture(scope="session")
def starcoder_file(tmp_path_factory):
    tokens = ["<|endoftext|>", "<filename>", "<reponame>"]
    return _trained(
        tmp_path_factory, [*tokens, "<commit_before>", "<commit_msg>", "<commit_after>"]
    )


@pytest.fixture(scope="session")
def plain_file(tmp_path_factory):
    return _trained(tmp_path_factory, ["</s>"])


@pytest.fixture
def starcoder2_file():
    if STARCODER2 is None:
        pytest.skip("RSIDX_TEST_STARCODER2 names no tokenizer.json of StarCoder2")
    return Path(STARCODER2).absolute()


class Hub:
    """A hub of tokenizers on this machine, as `HF_ENDPOINT` names it; it writes down who asks."""

    def __init__(self, address, home):
        self.asked = []
        self.files = {}
        self.environment = {"HF_ENDPOINT": address, "HF_HOME": str(home)}

    def answer(self, request, *, has_body):
        self.asked.append(request.path)
        content = self.files.get(request.path)
        request.send_response(404 if content is None else 200)
        request.send_header("Content-Length", str(len(content or b"")))
        # What is cached is named by it.
        digest = hashlib.sha256(content or b"").hexdigest()
        request.send_header("ETag", f'"{digest}"')
        request.send_header("X-Repo-Commit", "0" * 40)
        request.end_headers()
        if has_body:
            request.wfile.write(content or b"")


@pytest.fixture
def hub(tmp_path):
    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self):
            made.answer(self, has_body=False)

        def do_GET(self):
            made.answer(self, has_body=True)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made = Hub(f"http://127.0.0.1:{server.server_port}", tmp_path / "hf")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield made
        finally:
            server.shutdown()
            thread.join()


def _trained(tmp_path_factory, special):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=500,
        special_tokens=special,
        show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    tokenizer.train_from_iterator(["pub fn new(self) -> Self { let mut x = 1; }"] * 9, trainer)
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    tokenizer.save(str(path))
    return path


def wait_until(condition):
    end = time.monotonic() + PATIENCE_S
    pause_s = 0.01
    while not condition():
        assert time.monotonic() < end, "it did not come true in time"
        # Looking takes time from what is waited for.
        time.sleep(pause_s)
        pause_s = min(1.5 * pause_s, 0.1)


def read_lines(path):
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


@pytest.fixture
def wait():
    return wait_until


@pytest.fixture
def read_jsonl():
    return read_lines
