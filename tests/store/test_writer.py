"""What is written again replaces what was there, with all that was about it."""

import pytest
from sqlalchemy import Column, ForeignKey, Table, func, insert, select

from rsidx.store import schema
from rsidx.store.queries import repository_id
from rsidx.store.records import BlobRecord, CommitRecord
from rsidx.store.writer import Writer


@pytest.fixture
def notes():
    """Tables that a later version may add: of notes about commits, and about blobs."""
    tables = [
        Table(
            f"{parent.name}_note",
            schema.metadata,
            Column("of", ForeignKey(parent.c.id), primary_key=True),
        )
        for parent in (schema.commit, schema.blob)
    ]
    yield tables
    for table in tables:
        schema.metadata.remove(table)


def test_rows_of_any_table_about_a_commit_or_a_blob_go_before_it_is_written_again(
    repo, index, notes
):
    oid = bytes.fromhex(repo.commit("a commit", {"src/lib.rs": "fn f() {}\n"}))
    with index.database.writing() as connection:
        schema.metadata.create_all(connection, notes)
        connection.commit()
    index.sync()
    blob = bytes.fromhex(repo.git("rev-parse", "HEAD:src/lib.rs"))
    with index.database.writing() as connection:
        for table in notes:
            connection.execute(insert(table).values(of=1))
        writer = Writer(connection, repository_id(connection, index.repository.name))
        writer.write_commits([CommitRecord(oid, (), 0, 0, "a commit", False, "ok")], [1], 1)
        writer.rewrite_blobs([BlobRecord(blob, 0, "missing", 1)])
        counts = [connection.scalar(select(func.count()).select_from(table)) for table in notes]
        connection.commit()
    assert counts == [0, 0]
