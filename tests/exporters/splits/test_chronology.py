"""Dates that are absurd or missing: they stop nothing, and harm no other commit's."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rsidx.__main__ import main
from rsidx.exporters.config import ExportConfig
from rsidx.exporters.dataset.order import newest
from rsidx.exporters.export import export
from rsidx.exporters.splits.chronology import believable
from rsidx.indexer import sync as sync_module
from rsidx.store.dates import LATEST, moment, parsed, spelled
from tests.repositories import Repo

DAY_S = 86_400
START = 1_500_000_000
ABSURD = ("9223372036854775807 +0000", "9223372036854775808 +0000", "99999999999999999999 +0000",
          "253402300800 +0000", "99999999999 +0000", "2147483648 +0000", "7 +0000", "0 +0000",
          "-5 +0000", "", "abc +0000", "1500000000")  # fmt: skip
N_COMMITS = 9


@pytest.fixture(scope="module")
def usual(tmp_path_factory):
    """A history, a commit a day, and the trees of its commits."""
    repo = Repo(tmp_path_factory.mktemp("usual") / "repo")
    trees = []
    for n in range(N_COMMITS):
        repo.write({"src/lib.rs": "".join(f"pub fn f{k}() {{}}\n" for k in range(n + 1))})
        repo.git("add", "-A")
        trees.append(repo.git("write-tree"))
    commit_on_top(repo, "", trees, [f"{START + n * DAY_S} +0000" for n in range(N_COMMITS)])
    return repo, trees


def commit_on_top(repo, commit, trees, dates):
    """Commit the last trees at their dates, which may be none, and check the last one out."""
    for n in range(N_COMMITS - len(dates), N_COMMITS):
        lines = [f"tree {trees[n]}", *([f"parent {commit}"] if commit else [])]
        when = dates[n - N_COMMITS]
        lines += [f"{who} N <n@example.org> {when}" for who in ("author", "committer")]
        text = "\n".join([*lines, "", f"Add function number {n}", ""])
        options = ("-t", "commit", "-w", "--stdin", "--literally")
        commit = repo.git("hash-object", *options, stdin=text.encode())
    repo.git("update-ref", "refs/heads/main", commit)
    repo.git("reset", "-q", "--hard")


@pytest.fixture
def history_with(repo, usual):
    """Return a function that makes the usual history, with another date of one commit."""
    model, trees = usual

    def make(date, at):
        repo.fill_from(model)
        dates = [date, *(f"{START + n * DAY_S} +0000" for n in range(at + 1, N_COMMITS))]
        parent = repo.git("rev-parse", f"HEAD~{N_COMMITS - at}") if at else ""
        commit_on_top(repo, parent, trees, dates)
        return repo

    return make


def metas(out, split):
    return [json.loads(line) for line in (out / f"{split}.meta.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("at", [0, 4, N_COMMITS - 1], ids=["first", "middle", "last"])
@pytest.mark.parametrize("date", [ABSURD[1], "2147483648 +0000", "7 +0000", ""])
def test_a_commit_with_an_absurd_date_harms_no_other(
    history_with, make_index, tokenizer_file, tmp_path, date, at
):
    index = make_index(history_with(date, at))
    assert index.sync().n_commits == N_COMMITS

    def exported(name, **options):
        out = tmp_path / name
        export(index.database, out, ExportConfig(tokenizer=str(tokenizer_file), **options))
        assert index.problems(out) == []
        return [metas(out, split) for split in ("train", "val", "test")]

    train, _, _ = exported("all", split="1,0,0", half_life=30)
    assert len(train) == N_COMMITS
    assert all(meta["weight"] > 0.7 for meta in train if meta["symbol"] != f"f{at}")
    # By date, each but the absurd one goes where it would if that were not there.
    borders = ",".join(spelled(START + n * DAY_S) for n in (2, 6))
    splits = exported("dates", split=borders)
    names = [[int(meta["symbol"][1:]) for meta in split if meta["symbol"] != f"f{at}"]
             for split in splits]  # fmt: skip
    others = [n for n in range(N_COMMITS) if n != at]
    assert names == [
        [n for n in others if n < 2], [n for n in others if 2 <= n < 6],
        [n for n in others if n >= 6],
    ]  # fmt: skip


@pytest.mark.parametrize("date", ABSURD)
def test_every_command_that_reads_dates_goes_on(history_with, monkeypatch, capfd, date):
    monkeypatch.chdir(history_with(date, N_COMMITS - 1).path)
    assert main(["backfill", "HEAD~2"]) == 0
    assert main(["status"]) == 0
    assert main(["backfill", "--since", "2001-01-01"]) == 0
    assert main(["backfill"]) == 0
    assert main(["status"]) == 0
    assert main(["show", "HEAD"]) == 0
    assert main(["gc"]) == 0
    assert "unexpected" not in capfd.readouterr().err


def test_an_index_in_which_an_earlier_version_stored_such_a_date_goes_on(
    repo, history_with, index, monkeypatch
):
    history_with("9223372036854775807 +0000", N_COMMITS - 2)
    parent = repo.git("rev-parse", "HEAD~1")
    with monkeypatch.context() as earlier:
        earlier.setattr(sync_module.history.dates, "LATEST", (1 << 63) - 1)
        index.sync(parent)
    report = sync_module.update(index.repository, index.database, jobs=1, max_bytes=1000)
    assert report.n_commits == 1


def test_dates_are_stored_and_spelled_within_what_a_calendar_has():
    texts = (b"", b"-1", b"12", b"253402300799", b"253402300800", b"9" * 30, b"x")
    assert [parsed(text) for text in texts] == [0, 0, 12, LATEST, LATEST, LATEST, 0]
    assert spelled(0) == "1970-01-01T00:00:00+00:00"
    assert spelled(1 << 63) == "9999-12-31T23:59:59+00:00"
    assert moment(-1).year == 1970


def chain(*dates):
    return [(str(n), (str(n - 1),) if n else (), date) for n, date in enumerate(dates)]


def test_dates_that_most_others_contradict_are_not_believed():
    days = [START + n * DAY_S for n in range(8)]
    for wrong in (days[0] - 900 * DAY_S, days[0] + 9000 * DAY_S, LATEST, 1, 0):
        for at in range(2, 6):
            found = believable(chain(*days[:at], wrong, *days[at + 1 :]))
            assert [found[str(n)] for n in range(8) if n != at] == days[:at] + days[at + 1 :]
            assert days[at - 1] <= found[str(at)] <= days[at + 1] + 1


def test_a_clock_that_is_a_little_behind_is_believed_less_than_the_commit_before():
    dates = (START, START + 100, START + 50, START + 200)
    assert list(believable(chain(*dates)).values()) == [
        START,
        START + 100,
        START + 101,
        START + 200,
    ]


@given(
    st.lists(
        st.tuples(
            st.integers(0, LATEST) | st.integers(START, START + 9 * DAY_S),
            st.lists(st.integers(0, 30), max_size=2),
        ),
        max_size=25,
    )
)
def test_no_commit_is_older_than_its_parents_whatever_the_order_of_branches(shape):
    history = [
        (n, tuple({p % n for p in parents}) if n else (), date)
        for n, (date, parents) in enumerate(shape)
    ]
    named = [(f"{n:04}", tuple(f"{p:04}" for p in ps), date) for n, ps, date in history]
    dates = believable(named)
    assert all(dates[oid] > dates[p] for oid, parents, _ in named for p in parents)
    # Another order with parents first gives the same dates.
    depth = {}
    for oid, parents, _ in named:
        depth[oid] = 1 + max((depth[p] for p in parents), default=0)
    other = sorted(named, key=lambda commit: (depth[commit[0]], -int(commit[0])))
    assert believable(other) == dates


def test_the_newest_date_is_one_that_others_come_near():
    days = [START + n * DAY_S for n in range(10)]
    assert newest(days) == days[-1]
    assert newest([*days, LATEST]) == days[-1]
    assert newest(days[:1]) == days[0]
    assert newest([]) == 0


def test_the_format_says_how_such_dates_are_spelled(
    history_with, tokenizer_file, tmp_path, monkeypatch
):
    monkeypatch.chdir(history_with("253402300800 +0000", N_COMMITS - 1).path)
    assert main(["backfill"]) == 0
    out = tmp_path / "out"
    assert main(["export", str(out), "--tokenizer", str(tokenizer_file), "--split", "1,0,0"]) == 0
    assert metas(out, "train")[-1]["time"] == "9999-12-31T23:59:59+00:00"
