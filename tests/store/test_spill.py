"""What an export spills to disk."""

import tempfile
from contextlib import closing

import pytest

from rsidx.errors import ExportError
from rsidx.exporters.config import ExportConfig
from rsidx.exporters.export import export
from rsidx.store import spill
from rsidx.store.spill import SpillList, SpillMap, SpillSorter, TemporaryDatabase


def test_keys_keep_the_number_that_they_were_given_first(tmp_path):
    with closing(SpillMap(tmp_path)) as numbers:
        keys = [n.to_bytes(16) for n in range(20_000)]
        assert all(numbers.add(key, n) for n, key in enumerate(keys))
        assert not any(numbers.add(key, 1) for key in keys[::100])
        assert [numbers.get(key) for key in keys[::100]] == list(range(0, 20_000, 100))
        assert numbers.get(b"") is numbers.get(b"other") is None


def test_values_come_back_by_their_numbers(tmp_path):
    with closing(SpillList(tmp_path)) as values:
        for number in range(5000):
            values.append(b"%d" % number)
        assert len(values) == 5000
        assert [values[number] for number in (0, 17, 4999)] == [b"0", b"17", b"4999"]
        with pytest.raises(IndexError):
            values[5000]


def test_rows_come_back_by_their_keys_and_equal_ones_as_they_came(tmp_path):
    keys = [n * 7919 % 100 for n in range(1000)]
    with closing(SpillSorter(tmp_path, n_values=2)) as sorter:
        for number, key in enumerate(keys):
            sorter.add(key, number, b"x" * number)
        rows = list(sorter.rows())
        assert [row[:2] for row in rows] == sorted(zip(keys, range(1000), strict=True))
        assert all(row[2] == b"x" * row[1] for row in rows)
        assert list(sorter.rows(from_key=50)) == [row for row in rows if row[0] >= 50]


def test_its_file_has_no_name_and_is_nobody_elses(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    with closing(TemporaryDatabase(folder)) as one, closing(TemporaryDatabase(folder)) as other:
        for each in (one, other):
            each.execute("CREATE TABLE t (x)")
            each.execute("INSERT INTO t VALUES (zeroblob(10000000))")
        assert list(folder.iterdir()) == []


@pytest.fixture
def full_disk(monkeypatch):
    """Temporary files that hold no more than some pages."""
    plain = TemporaryDatabase.__init__

    def init(self, *args):
        plain(self, *args)
        self.execute("PRAGMA max_page_count = 3")

    monkeypatch.setattr(spill.TemporaryDatabase, "__init__", init)


@pytest.mark.usefixtures("wordy", "full_disk")
def test_a_full_disk_is_one_line_and_the_cache_stays(repo, index, tokenizer_file, tmp_path):
    text = "".join(f"pub fn f{n}() -> u32 {{\n    other_{n}({n})\n}}\n\n" for n in range(900))
    repo.commit("begin a file", {"src/lib.rs": "pub fn first() {}\n"})
    repo.commit("all of it", {"src/lib.rs": f"pub fn first() {{}}\n\n{text}"})
    index.sync()
    config = ExportConfig(tokenizer=str(tokenizer_file))
    with pytest.raises(ExportError, match=r"cannot write to .*: database or disk is full"):
        export(index.database, tmp_path / "out", config)
    assert index.database.cache_file.exists()
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path, monkeypatch):
    with pytest.raises(ExportError, match=r"cannot write to .*: No such file"):
        TemporaryDatabase(tmp_path / "none")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(ExportError, match="gone: No such file"):
        TemporaryDatabase()
