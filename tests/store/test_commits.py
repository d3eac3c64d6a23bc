"""A commit that is read alone is the one that is read with all."""

import pytest

from rsidx.indexer.sync import history_scope, sync
from rsidx.store import commits, queries
from rsidx.store.reader import Reader


@pytest.mark.parametrize("bound", [2, 10_000])
def test_one_by_one_and_all_are_the_same(make_repo, make_index, monkeypatch, bound):
    monkeypatch.setattr(commits, "_KEPT", bound)
    monkeypatch.setattr(commits, "_AT_ONCE", min(bound, 256))
    indexes = []
    for name in ("one", "other"):
        repo = make_repo(name)
        for n in range(9):
            repo.commit(f"{name} {n}", {"src/lib.rs": f"fn {name}{n}() {{}}\n"})
        indexes.append(make_index(repo))
        scope = history_scope(indexes[-1].repository, (), all_refs=True, since=None)
        sync(indexes[-1].repository, indexes[0].database, scope, jobs=1, max_bytes=100_000)
    with indexes[0].database.reading() as connection:
        one, other = (
            Reader(connection, queries.repository_id(connection, n)) for n in ("one", "other")
        )
        for reader, stranger in ((one, other), (other, one)):
            every = reader.commits()
            assert len(every) == 9
            for commit in (*every, *reversed(every)):
                assert reader.commit(commit.oid) == commit
                assert stranger.commit(commit.oid) is None
