"""`since` leaves out what is older, by the corrected dates, whoever asks."""

from datetime import UTC, datetime

import pytest

import rsidx
from rsidx.errors import ExportError
from rsidx.exporters.config import ExportConfig
from rsidx.exporters.export import export

DATES = ("2014-05-01", "2016-05-01", "2018-05-01")


def item(n):
    return f"pub fn item_{n}() -> usize {{\n    let limit = {n};\n    (0..limit).sum()\n}}\n"


@pytest.fixture
def config(repo, index, tokenizer_file):
    """A history of three commits, each some years after the one before."""
    for n, date in enumerate(DATES):
        repo.time = int(datetime.fromisoformat(date).replace(tzinfo=UTC).timestamp())
        repo.commit(f"Add item number {n}", {f"src/m{n}.rs": item(n)})
    index.sync()

    def do(since):
        keep = ("near_duplicates",)
        return ExportConfig(str(tokenizer_file), since=since, split="1,0,0", keep=keep)

    return do


@pytest.mark.parametrize(
    ("since", "n_left"),
    [(None, 3), ("2015-01-01", 2), ("2016-05-01T00:01:00", 2), ("2016-05-01T00:01:01Z", 1),
     ("2016-05-01T02:01:00+02:00", 2)],
)  # fmt: skip
def test_commits_from_before_a_date_are_left_out_and_counted(
    index, config, tmp_path, since, n_left
):
    manifest = export(index.database, tmp_path / "out", config(since))
    assert manifest["counts"]["examples"]["train"] == n_left
    assert manifest["dropped"].get("commits_since", 0) == 3 - n_left
    assert index.problems(tmp_path / "out") == []


def test_examples_without_a_data_set_go_by_it_too(index, config):
    with rsidx.open(index.file) as opened:
        assert len(list(opened.examples("HEAD", config("2015-01-01")))) == 2


@pytest.mark.parametrize("since", ["yesterday", "", "2016-13-01", "9" * 30])
def test_what_is_no_date_is_refused(config, since):
    with pytest.raises(ExportError, match="is no date such as"):
        config(since)
