"""Where a hole in a file is: in which item of the old file, or between two."""

import pytest

from rsidx.exporters.edits import place
from rsidx.exporters.edits.diff import opcodes
from rsidx.exporters.edits.edit import name_of
from rsidx.store import queries
from rsidx.store.reader import Reader

OLD = """\
fn one() {}

fn two() { go(1) }

impl Size {
    fn three(&self) {
        go(3);
    }

    fn four(&self) {}
}
"""


CASES = [
    ("two() { go(1", "two() { go(@1", ("modify", "two", "")),
    ("fn one() {}\n\nfn two() { go(1", "fn two() { go(@1", ("modify", "two", "")),
    ("fn one() {}\n\nfn two() { go(1) }\n", "@\n", ("modify", "one", "")),
    ("        go(3);\n", "        @\n", ("modify", "three", "impl Size")),
    ("        go(3);\n", "        let größe = @;\n", ("modify", "three", "impl Size")),
    ("fn two", "@\n\nfn two", ("add", "", "")),
    ("    fn four", "    @\n\n    fn four", ("add", "", "impl Size")),
    ("fn four(&self) {}\n}\n", "fn four(&self) {}\n}\n\n@\n", ("add", "", "")),
    ("fn four(&self) {}\n}\n", "fn four(&self) {}\n}\n@", ("add", "", "")),
    ("fn one() {}\n", "@fn one() {}\n", ("add", "", "")),
]


def name_of_old(reader, found):
    return name_of(reader, found.old) if found.old is not None else ""


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("head", ["", 'const HEAD: &str = "left\rover";\n\n'])
def test_a_hole_is_in_the_item_that_it_changes_or_between_two(repo, index, line_end, head):
    repo.commit("old", {"src/lib.rs": (head + OLD).replace("\n", line_end)})
    index.sync()
    with index.database.reading() as connection:
        reader = Reader(connection, queries.repository_id(connection, None))
        [change] = reader.changes(reader.commits()[0].id)
        places = []
        for before, after, _ in CASES:
            assert OLD.count(before) == 1
            marked = (head + OLD.replace(before, after)).replace("\n", line_end).encode()
            file, offset = marked.replace(b"@", b""), marked.index(b"@")
            found = place.place_of_hole(reader, change.path_id, change.new_blob_id, file, offset)
            places.append((found.change, name_of_old(reader, found), found.container))
            if found.insertion is not None:
                chunks = reader.chunks(found.insertion.blob_id)[: found.insertion.position]
                text = b"".join(reader.text(chunk.id) for chunk in chunks)
                assert marked[:offset].rstrip() == text.rstrip()
    assert places == [expected for _, _, expected in CASES]


def test_only_the_lines_near_a_hole_are_compared(repo, index, monkeypatch):
    def text(value):
        methods = (f"fn m{n}() {{\n    let x = {value};\n    go(x);\n}}\n" for n in range(300))
        return "".join(methods).encode()

    repo.commit("old", {"src/lib.rs": text("old")})
    index.sync()
    sizes = []

    def counting(old, new):
        sizes.extend([len(old), len(new)])
        return opcodes(old, new)

    monkeypatch.setattr(place, "opcodes", counting)
    with index.database.reading() as connection:
        reader = Reader(connection, queries.repository_id(connection, None))
        [change] = reader.changes(reader.commits()[0].id)
        for number in (0, 150, 299):
            new = text("new")
            offset = new.index(b"new", new.index(b"m%d()" % number))
            file = new[:offset] + new[offset + 3 :]
            found = place.place_of_hole(reader, change.path_id, change.new_blob_id, file, offset)
            assert name_of_old(reader, found) == f"m{number}"
    assert 0 < max(sizes) < 10
