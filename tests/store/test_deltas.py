"""Versions of chunks: kept as differences, and read as they were."""

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from rsidx.indexer.forget import forget
from rsidx.indexer.gc import collect
from rsidx.store import schema
from rsidx.store.codec import Codec
from rsidx.store.delta_bases import DeltaBases
from rsidx.store.deltas import MAX_DEPTH, ChunkTexts
from rsidx.store.dump import dump
from rsidx.store.reader import Reader
from rsidx.store.records import ChunkFacts, ChunkRecord, Symbol
from tests.conftest import EXAMPLES

N_VERSIONS = 50


def version(n):
    """A function of some length, of which a version changes one line."""
    lines = [f"    let value_{k} = compute_{k * 7919 % 101}(input, {k});\n" for k in range(30)]
    lines[n % 30] = f"    let changed_{n} = {n};\n"
    return "pub fn long(input: u32) -> u32 {\n" + "".join(lines) + "    input\n}\n"


@pytest.fixture
def versions(repo, index):
    repo.commits(
        (f"version {n}", {"src/lib.rs": version(n), "src/other.rs": f"fn o{n}() {{}}\n"})
        for n in range(N_VERSIONS)
    )
    index.sync()
    return index


def rows_of(index):
    with index.database.reading() as connection:
        c = schema.chunk.c
        return connection.execute(select(c.id, c.base_id, func.length(c.text))).all()


def depths(index):
    base = {row.id: row.base_id for row in rows_of(index)}

    def depth(chunk_id):
        return 0 if base[chunk_id] is None else 1 + depth(base[chunk_id])

    return [depth(chunk_id) for chunk_id in base]


def texts_in(repo, index):
    """Every version of the file, as git has it and as the index has it."""
    oids = [repo.git("rev-parse", f"{commit}:src/lib.rs") for commit in
            repo.git("log", "--format=%H", "--", "src/lib.rs").split()]  # fmt: skip
    expected = [repo.git("cat-file", "-p", oid) + "\n" for oid in oids]
    with index.database.reading() as connection:
        reader = Reader(connection, 1)
        ids = reader.blob_ids(bytes.fromhex(oid) for oid in oids)
        found = [reader.blob_text(ids[bytes.fromhex(oid)]).decode() for oid in oids]
    return expected, found


def test_versions_are_kept_as_differences_and_read_as_they_were(repo, versions):
    expected, found = texts_in(repo, versions)
    assert len(found) == N_VERSIONS
    assert found == expected
    assert max(depths(versions)) == MAX_DEPTH
    assert sum(depth > 0 for depth in depths(versions)) >= N_VERSIONS * MAX_DEPTH // 18
    assert all(row.base_id is None or row.base_id < row.id for row in rows_of(versions))
    whole = Codec({})
    small = sum(row[2] for row in rows_of(versions) if row.base_id is not None)
    assert small * 4 < sum(len(whole.compress(version(n).encode())) for n in range(N_VERSIONS))


def test_commits_that_come_one_by_one_are_versions_too(repo, make_index):
    index = make_index(repo)
    for n in range(8):
        repo.commit(f"version {n}", {"src/lib.rs": version(n)})
        index.sync()
    assert sorted(depths(index)) == list(range(8))


def test_what_a_kept_version_was_made_of_may_go(repo, versions):
    tree = repo.git("rev-parse", "HEAD^{tree}")
    kept = repo.git("commit-tree", tree, "-m", "all that is left")
    repo.git("reset", "-q", "--hard", kept)
    repo.commit("next", {"src/lib.rs": version(N_VERSIONS)})
    versions.sync()
    collect(versions.repository, versions.database, max_bytes=100_000)
    expected, found = texts_in(repo, versions)
    assert len(found) == 2
    assert found == expected
    assert sorted(depths(versions))[-2:] == [0, 1]


def test_a_version_of_what_is_forgotten_stays_and_has_nothing_of_it(repo, make_index):
    secret = "hunter2_do_not_tell"
    body = version(0)
    repo.commit("one", {"src/lib.rs": body.replace("input, 7)", f"input, {secret})")})
    blob = repo.git("rev-parse", "HEAD:src/lib.rs")
    repo.commit("two", {"src/lib.rs": body})
    repo.commit("three", {"src/lib.rs": version(1)})
    index = make_index(repo)
    index.sync()
    assert sorted(depths(index)) == [0, 1, 2]
    forget(index.repository, index.database, [blob])
    assert secret.encode() not in index.file.read_bytes()
    with index.database.reading() as connection:
        lines = list(dump(connection))
    assert sum(line.startswith("chunk ") for line in lines) == 2
    assert not any(secret in line for line in lines)
    assert sorted(depths(index)) == [0, 1]


def test_a_version_that_comes_before_the_one_it_replaced_is_kept_whole(versions):
    symbol = Symbol("fn", "f", "", "", False, "", 0, 9, 0, 6)
    new = {
        chunk_id: ChunkRecord(bytes([n]), "fn", "", b"fn f() {}", ChunkFacts((symbol,)))
        for n, chunk_id in enumerate((1001, 1002, 1003))
    }
    blobs = [(901, 902, [1001]), (902, None, [1002]), (903, 902, [1003])]
    with versions.database.reading() as connection:
        assert DeltaBases(connection).find(blobs, new) == {1003: 1002}


@settings(
    max_examples=15 * EXAMPLES,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(seed=st.integers(0, 1000), kept_bytes=st.sampled_from([0, 1, 2000, 20_000, 1 << 20]))
def test_little_memory_and_any_order_give_the_same_texts(versions, seed, kept_bytes):
    draw = random.Random(seed)
    with versions.database.reading() as connection:
        plain = ChunkTexts(connection, 1 << 24)
        texts = ChunkTexts(connection, kept_bytes)
        ids = [row.id for row in connection.execute(select(schema.chunk.c.id))]
        for _ in range(20):
            asked = draw.sample(ids, draw.randrange(1, 6))
            if draw.random() < 0.5:
                texts.read(asked)
            for chunk_id in asked:
                assert texts.get(chunk_id) == plain.get(chunk_id)


@given(base=st.binary(min_size=1, max_size=300), text=st.binary(min_size=1, max_size=300))
def test_a_text_comes_back_whatever_it_is_compressed_against(base, text):
    codec = Codec({})
    for before, after in ((base, text), (base, base + text), (base, text + base * 3)):
        data = codec.compress_delta(before, after)
        assert data is None or codec.decompress_delta(before, data) == after
