"""Facts are those that were written, however few of their parts are remembered."""

from rsidx.store import batches, facts_reader, queries, reader
from rsidx.store.reader import Reader

LIB = """\
use std::fmt::{{self, Display}};

pub struct S{n}<T: Clone> {{
    pub a{n}: Vec<T>,
}}

impl<T: Clone> Display for S{n}<T> {{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {{
        write!(f, "{{}}", self.a{n}.len() + free_{n}())
    }}
}}

fn free_{n}() -> usize {{
    helper::of_{n}(before_{n}())
}}
"""


def test_bounds_make_no_difference(repo, index, monkeypatch):
    for n in range(8):
        repo.commit(f"number {n}", {f"src/m{n}.rs": LIB.format(n=n)})
    index.sync()
    plain = facts(index)
    assert sum(len(references) for _, _, references in plain) > 40
    assert sum(bool(imports) for _, imports, _ in plain) == 1
    for name, module in (
        ("_NAMES_KEPT", facts_reader), ("_REFERENCES_KEPT", facts_reader),
        ("_CHUNKS_KEPT", facts_reader), ("_MAX_VALUES", batches), ("_CHUNKS_KEPT", reader),
    ):  # fmt: skip
        monkeypatch.setattr(module, name, 3)
    assert facts(index) == plain


def facts(index):
    found = []
    with index.database.reading() as connection:
        rows = Reader(connection, queries.repository_id(connection, None))
        blobs = [c.new_blob_id for one in rows.commits() for c in rows.changes(one.id)]
        for blob_id in (*blobs, *blobs):
            chunk_ids = [chunk.id for chunk in rows.chunks(blob_id)]
            rows.prefetch_facts(chunk_ids)
            found += [(rows.symbols(i), rows.imports(i), rows.references(i)) for i in chunk_ids]
    return [one for number, one in enumerate(found) if one not in found[:number]]
