"""Edits that an edit is shown behind."""

import json

import pytest

from rsidx.errors import ExportError
from rsidx.exporters.config import ExportConfig
from rsidx.exporters.dataset.reader import load_row
from rsidx.exporters.export import export

pytestmark = pytest.mark.usefixtures("wordy")
MANIFEST = {"Cargo.toml": '[package]\nname = "p"\n'}


@pytest.fixture
def exported(index, tokenizer_file, tmp_path):
    def do(**options):
        given_options = {"split": "1,0,0", "embargo": "0", **options}
        out = tmp_path / "out"
        config = ExportConfig(tokenizer=str(tokenizer_file), **given_options)
        manifest = export(index.database, out, config)
        assert index.problems(out) == []
        n_rows = manifest["counts"]["examples"]["train"]
        return [load_row(out, "train", str(n + 1)) for n in range(n_rows)]

    return do


def shown_in(row):
    return "".join(token.text for token in row.tokens if token.role == "context")


def row_of(rows, commit, symbol):
    (found,) = [r for r in rows if (r.meta["commit"], r.meta["symbol"]) == (commit, symbol)]
    return found


@pytest.fixture
def long_lived(repo, index):
    def source(n):
        added = "\npub fn h() {}\n" if n else ""
        return f"pub fn f() -> u32 {{\n    {n}\n}}\n\npub fn g() {{}}\n{added}"

    commits = [repo.commit("the first commit", {"src/a.rs": source(0), **MANIFEST})]
    for n in range(1, 4):
        commits.append(repo.commit(f"number {n} of them", {"src/a.rs": source(100 * n)}))
        repo.commit(f"elsewhere {n} times", {"src/z.rs": f"pub fn z() {{\n    work({n});\n}}\n"})
    repo.git("mv", "src/a.rs", "src/b.rs")
    commits.append(repo.commit("move the file away", {"src/b.rs": source(400)}))
    commits.append(repo.commit("the last commit", {"src/b.rs": source(500)}))
    index.sync()
    return commits


def test_the_last_edits_of_a_file_are_shown_through_its_renames(long_lived, exported):
    row = row_of(exported(earlier=("history",)), long_lived[-1], "f")
    assert [one["commit"] for one in row.meta["earlier"]] == [
        *reversed(long_lived[1:-1]), long_lived[1], long_lived[0],
    ]  # fmt: skip
    assert [one["path"] for one in row.meta["earlier"]][:2] == ["src/b.rs", "src/a.rs"]
    text = shown_in(row)
    numbers = [text.index(f"    {n}\n") for n in (100, 200, 300, 400)]
    assert numbers == sorted(numbers)
    assert "    500\n" not in text
    assert "work(" not in text


def test_where_room_is_short_the_newest_are_shown(long_lived, exported):
    row = row_of(exported(earlier=("history",), context_tokens=300), long_lived[-1], "f")
    found = [one["commit"] for one in row.meta["earlier"]]
    assert found[:2] == [long_lived[-2], long_lived[-3]]
    assert len(found) < len(long_lived)


def test_other_models_read_them_as_files_by_their_own_tokens(long_lived, exported):
    row = row_of(exported(earlier=("history",), markers="native"), long_lived[-1], "f")
    assert (
        "<file_sep>src/a.rs (original)\npub fn f() -> u32 {\n    300\n}\n"
        "<file_sep>src/b.rs (updated)\npub fn f() -> u32 {\n    400\n}\n"
    ) in shown_in(row)


def test_a_secret_in_an_earlier_edit_is_redacted(repo, index, exported):
    secret = "AKIA" + "QWERTYUIOPASDFGH"
    for n in range(3):
        text = f'pub fn f() {{\n    sign("{secret}", {n});\n}}\n\npub fn g() {{\n    {n}\n}}\n'
        repo.commit(f"number {n} of them", {"src/a.rs": text})
    index.sync()
    rows = exported(earlier=("history", "commit"))
    assert any(row.meta["earlier"] for row in rows)
    for row in rows:
        assert secret not in "".join(token.text for token in row.tokens)
        assert row.meta["is_redacted"] == ("sign(" in "".join(t.text for t in row.tokens))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"commit": "last"}, "is not from before"),
        ({"path": "src/z.rs"}, "is not what"),
        ({"old_path": "src/z.rs"}, "is not what"),
        ({"new": "own"}, "is not what"),
    ],
)
def test_verify_sees_an_edit_that_is_not_from_before(
    long_lived, index, exported, tmp_path, change, said
):
    exported(earlier=("history",))
    file = tmp_path / "out" / "train.meta.jsonl"
    metas = [json.loads(line) for line in file.read_text().splitlines()]
    meta = next(m for m in metas if m["commit"] == long_lived[-2] and m["earlier"])
    named = {"last": long_lived[-1], "own": meta["new"]}
    meta["earlier"][0].update({key: named.get(value, value) for key, value in change.items()})
    file.write_text("".join(json.dumps(m) + "\n" for m in metas))
    assert any(said in text for text in index.problems(tmp_path / "out"))


def test_other_kinds_have_none(long_lived, exported):
    assert long_lived
    with pytest.raises(ExportError, match="not for holes"):
        exported(kind="fim", earlier=("history",))
