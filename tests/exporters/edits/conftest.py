"""The edits of a commit, read from its index."""

import pytest

from rsidx.exporters.edits.pairing import commit_edits
from rsidx.store import queries
from rsidx.store.reader import Reader
from tests.exporters.edits.base import BASE


@pytest.fixture
def edits_of(repo, index):
    """Return the edits of the newest commit, and what they leave out; the first one has `BASE`."""

    def read(max_bytes=4000, new_file_bytes=0):
        index.sync()
        with index.database.reading() as connection:
            reader = Reader(connection, queries.repository_id(connection, None))
            newest = reader.commits()[-1]
            found = commit_edits(
                reader,
                reader.changes(newest.id),
                max_bytes=max_bytes,
                new_file_bytes=new_file_bytes,
            )

            def text(side):
                return side and b"".join(reader.text(c.id) for c in side.chunks).decode()

            return [
                (e.change, e.kind, e.name, text(e.old), text(e.new)) for e in found.edits
            ], dict(found.dropped)

    repo.commit("base", {"a.rs": BASE})
    return read
