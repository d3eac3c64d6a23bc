"""Which repository of a shared index a clone is."""

import shutil
from dataclasses import replace

import pytest
from sqlalchemy import text

from rsidx.errors import IndexStoreError
from rsidx.indexer import clone as clone_module
from rsidx.indexer.clone import ID_FILE
from rsidx.indexer.gc import collect
from rsidx.indexer.git.discovery import discover
from rsidx.indexer.identity import name_of
from rsidx.indexer.status import status
from rsidx.indexer.sync import history_scope, sync, update
from rsidx.store import queries
from rsidx.store.database import Database, resolve_url


class Shared:
    """An index that many repositories share."""

    def __init__(self, database):
        self.database = database

    def take(self, path, name=None):
        """Ingest a clone's history, and return what the index calls the repository."""
        repository = replace(discover(path), chosen_name=name)
        scope = history_scope(repository, (), all_refs=True, since=None)
        sync(repository, self.database, scope, jobs=1, max_bytes=100_000)
        return name_of(self.database, discover(path))

    def name(self, path):
        return name_of(self.database, discover(path))

    def tips(self, name):
        with self.database.reading() as connection:
            tips = queries.ref_tips(connection, queries.repository_id(connection, name))
        return {ref.decode(): tip.hex() for ref, tip in tips.items()}

    def names(self):
        return self.column("SELECT name FROM repository ORDER BY id")

    def column(self, query):
        with self.database.reading() as connection:
            return list(connection.execute(text(query)).scalars())


@pytest.fixture
def shared(make_repo, make_index):
    return Shared(make_index(make_repo("nobody"), "shared.db").database)


@pytest.fixture
def bat(make_repo):
    repo = make_repo("bat")
    repo.commit("one", {"src/lib.rs": "fn one() {}\n"})
    repo.commit("two", {"src/lib.rs": "fn two() {}\n"})
    return repo


def clone(repo, path):
    repo.git("clone", "-q", str(repo.path), str(path))
    other = type(repo)(path)
    other.time = repo.time
    return other


def test_a_fork_is_a_repository_of_its_own(bat, shared, tmp_path, caplog):
    assert shared.take(bat.path) == "bat"
    tips = shared.tips("bat")
    fork = clone(bat, tmp_path / "batfork")
    fork.commit("of the fork", {"src/lib.rs": "fn fork() {}\n"})
    assert shared.take(fork.path) == "batfork"
    assert "shares commits; if they are one, `rsidx backfill --name bat`" in caplog.text
    assert shared.tips("bat") == tips
    assert shared.tips("batfork")["HEAD"] == fork.head()
    assert shared.take(bat.path) == "bat"
    # What only the fork has stays when its origin is cleaned, and the other way round.
    for path in (bat.path, fork.path):
        assert collect(discover(path), shared.database, max_bytes=1000).n_commits == 0
        assert status(discover(path), shared.database).behind == {}
    assert shared.column('SELECT count(*) FROM "commit"') == [5]


def test_a_hook_in_a_fork_moves_no_ref_of_its_origin(bat, shared, tmp_path):
    shared.take(bat.path)
    tips = shared.tips("bat")
    fork = clone(bat, tmp_path / "batfork")
    fork.commit("of the fork", {"src/lib.rs": "fn fork() {}\n"})
    update(discover(fork.path), shared.database, jobs=1, max_bytes=1000)
    assert shared.tips("bat") == tips


def test_a_fork_is_the_same_repository_if_the_user_says_so(bat, shared, tmp_path):
    shared.take(bat.path)
    fork = clone(bat, tmp_path / "batfork")
    commit = fork.commit("of the fork", {"src/lib.rs": "fn fork() {}\n"})
    assert shared.take(fork.path, name="bat") == "bat"
    assert shared.names() == ["bat"]
    assert shared.tips("bat")["HEAD"] == commit
    # From now on without being told.
    assert shared.take(fork.path) == "bat"


def test_a_fork_of_a_remote_has_the_owner_in_its_name(bat, shared, tmp_path):
    fork = clone(bat, tmp_path / "forks/bat")
    bat.git("remote", "add", "origin", "https://example.org/first/bat.git")
    fork.git("remote", "set-url", "origin", "git@example.org:second/bat")
    assert shared.take(bat.path) == "bat"
    assert shared.take(fork.path) == "second/bat"


@pytest.mark.parametrize("has_origin", [False, True])
def test_a_clone_that_is_moved_stays_the_same(bat, shared, tmp_path, has_origin):
    if has_origin:
        bat.git("remote", "add", "origin", "https://example.org/first/bat.git")
    shared.take(bat.path)
    shutil.move(bat.path, tmp_path / "moved")
    assert shared.name(tmp_path / "moved") == "bat"
    assert shared.take(tmp_path / "moved") == "bat"
    # Its place and its remote do not change at once; then the remote may change, too.
    bat.path = tmp_path / "moved"
    bat.git("config", "remote.origin.url", "https://example.org/other/cat.git")
    assert shared.take(bat.path) == "bat"
    assert shared.names() == ["bat"]
    assert len(shared.column("SELECT path FROM clone")) == 1


def test_a_copy_of_a_folder_is_a_repository_of_its_own(bat, shared, tmp_path):
    shared.take(bat.path)
    shutil.copytree(bat.path, tmp_path / "copy")
    with pytest.raises(IndexStoreError, match="the index has bat, and no copy"):
        shared.name(tmp_path / "copy")
    assert shared.take(tmp_path / "copy") == "copy"
    assert shared.name(bat.path) == "bat"
    ids = {(path / ".git" / ID_FILE).read_text() for path in (bat.path, tmp_path / "copy")}
    assert len(ids) == 2


def test_an_index_that_is_copied_with_its_repositories_knows_them(bat, shared, tmp_path):
    shared.take(bat.path)
    (tmp_path / "copies").mkdir()
    shutil.copytree(bat.path, tmp_path / "copies/bat")
    shared.database.back_up(tmp_path / "copies/shared.db", lambda *_: None)
    copy = Shared(Database(resolve_url(str(tmp_path / "copies/shared.db")), create=False))
    assert copy.take(tmp_path / "copies/bat") == "bat"
    assert copy.names() == ["bat"]
    copy.database.close()


def test_a_linked_worktree_is_the_same_repository(bat, shared, tmp_path):
    shared.take(bat.path)
    bat.git("worktree", "add", "-q", str(tmp_path / "linked"))
    assert shared.take(tmp_path / "linked") == "bat"
    assert shared.names() == ["bat"]


def test_another_clone_of_the_remote_is_the_same_repository(bat, shared, tmp_path, caplog):
    one, two = (clone(bat, tmp_path / name) for name in ("one", "two"))
    one.git("remote", "set-url", "origin", "https://robot:Zk4vQ9wLt2@example.org/team/bat.git")
    two.git("remote", "set-url", "origin", "ssh://git@EXAMPLE.org:22/team/bat")
    assert shared.take(one.path) == "bat"
    assert "clone" not in caplog.text
    assert shared.take(two.path) == "bat"
    assert f"another clone of bat, which is also at {one.path}" in caplog.text
    assert shared.names() == ["bat"]
    assert shared.column("SELECT DISTINCT origin FROM clone") == ["example.org/team/bat"]
    # Or else the user says that they are two.
    assert shared.take(two.path, name="mine") == "mine"
    assert shared.take(one.path) == "bat"
    assert shared.take(two.path) == "mine"


def test_a_clone_that_replaces_another_at_its_path_goes_by_its_remote(bat, shared, tmp_path):
    place = tmp_path / "work"
    for remote, name in [("first/bat", "bat"), ("second/bat", "second/bat"), ("first/bat", "bat")]:
        repo = clone(bat, place)
        repo.git("remote", "set-url", "origin", f"https://example.org/{remote}")
        assert shared.take(place) == name
        shutil.rmtree(place)
    assert shared.names() == ["bat", "second/bat"]


def test_a_shallow_clone_goes_by_its_remote(bat, shared, tmp_path):
    shared.take(clone(bat, tmp_path / "one").path)
    bat.commit("three", {"src/lib.rs": "fn three() {}\n"})
    bat.git("clone", "-q", "--depth=1", f"file://{bat.path}", str(tmp_path / "two"))
    assert shared.take(tmp_path / "two") == "bat"


def test_a_remote_that_was_made_anew_is_another_repository(bat, make_repo, shared):
    other = make_repo("else/bat")
    other.commit("unrelated", {"src/lib.rs": "fn unrelated() {}\n"})
    for repo in (bat, other):
        repo.git("remote", "add", "origin", "https://example.org/team/bat")
    assert shared.take(bat.path) == "bat"
    assert shared.take(other.path) == "team/bat"


def test_repositories_of_one_name_get_names_of_their_own(make_repo, shared, caplog):
    names = []
    for number, folder in enumerate(("a/utils", "b/utils", "c/b/utils")):
        repo = make_repo(folder)
        repo.commit("first", {"src/lib.rs": f"fn f{number}() {{}}\n"})
        names.append(shared.take(repo.path))
    assert names == ["utils", "b/utils", "utils-2"]
    assert "in the index as b/utils, for another one is called utils; `--name`" in caplog.text
    assert shared.tips("utils-2")["HEAD"] == repo.head()


def test_the_user_names_a_repository(bat, make_repo, shared, caplog):
    assert shared.take(bat.path, name="first") == "first"
    assert shared.take(bat.path, name="other") == "other"
    assert "first is now called other in the index" in caplog.text
    assert shared.names() == ["other"]
    stranger = make_repo("stranger")
    stranger.commit("unrelated", {"src/lib.rs": "fn unrelated() {}\n"})
    with pytest.raises(IndexStoreError, match="another repository called other, which shares no"):
        shared.take(stranger.path, name="other")
    assert shared.names() == ["other"]


def test_a_clone_that_cannot_have_a_file_is_known_by_its_place(bat, shared, monkeypatch, tmp_path):
    def refused(*_, **__):
        raise PermissionError

    monkeypatch.setattr(clone_module, "put", refused)
    monkeypatch.setattr(clone_module.os, "access", lambda *_: False)
    assert shared.take(bat.path) == "bat"
    assert not (bat.path / ".git" / ID_FILE).exists()
    assert shared.take(bat.path) == "bat"
    fork = clone(bat, tmp_path / "fork")
    assert shared.take(fork.path) == "fork"
    assert shared.names() == ["bat", "fork"]


def test_an_index_of_an_earlier_version_goes_by_the_name_once(bat, shared, tmp_path):
    shared.take(bat.path)
    with shared.database.writing() as connection:
        connection.execute(text("DELETE FROM clone"))
        connection.commit()
    fork = clone(bat, tmp_path / "fork")
    fork.git("remote", "remove", "origin")
    with pytest.raises(IndexStoreError, match="the index has bat, and no fork"):
        shared.name(fork.path)
    assert shared.name(bat.path) == "bat"
    assert shared.take(bat.path) == "bat"
    assert shared.take(fork.path) == "fork"
    assert shared.names() == ["bat", "fork"]


def test_the_index_in_a_repository_s_own_folder_is_its_own(bat, make_index, tmp_path):
    place = "bat/.git/rsidx/index.db"
    (tmp_path / place).parent.mkdir()
    index = make_index(bat, place)
    index.sync()
    with index.database.writing() as connection:
        connection.execute(text("DELETE FROM clone"))
        connection.commit()
    for name in ("cat", "dog"):
        bat.git("config", "remote.origin.url", f"https://example.org/team/{name}")
        assert index.sync().n_commits == 0
    own = Shared(index.database)
    assert own.names() == ["bat"]
    # Nothing of the machine is in an index that may be sent to another.
    assert own.column("SELECT path FROM clone") == [None]
    fork = clone(bat, tmp_path / "fork")
    assert own.take(fork.path) == "fork"
    assert own.name(bat.path) == "bat"


def test_an_index_that_is_put_into_another_clone_is_that_clone_s(bat, make_index, tmp_path):
    copy = clone(bat, tmp_path / "copy")
    copy.git("remote", "remove", "origin")
    for repo in (bat, copy):
        (repo.path / ".git/rsidx").mkdir()
    index = make_index(bat, "bat/.git/rsidx/index.db")
    index.sync()
    index.database.back_up(tmp_path / "copy/.git/rsidx/index.db", lambda *_: None)
    restored = make_index(copy, "copy/.git/rsidx/index.db")
    assert restored.sync().n_commits == 0
    assert Shared(restored.database).names() == ["bat"]
