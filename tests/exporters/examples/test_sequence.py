"""Windows over the files that each commit changed."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rsidx.errors import ExportError
from rsidx.exporters.config import ExportConfig
from rsidx.exporters.dataset.reader import load_row
from rsidx.exporters.examples.draft import Draft
from rsidx.exporters.examples.sequence import FilePiece, windows
from rsidx.exporters.export import export

pytestmark = pytest.mark.usefixtures("wordy")
DRAFT = Draft("r", "p", "", "", "", None, None, (), ())


def function(k, n=0):
    return f"pub fn f{k}() {{\n    work_{k}({n}, alpha_{k}, beta_{k}, gamma_{k});\n}}\n\n"


def source(*bodies):
    return "".join(function(k, n) for k, n in enumerate(bodies))


@given(
    st.lists(st.tuples(st.integers(1, 30), st.booleans()), min_size=1, max_size=30),
    st.floats(0.1, 1),
)
def test_what_is_new_has_loss_once_and_nothing_else_does(sizes, stride):
    pieces = []
    for size, is_new in sizes:
        start = pieces[-1].end if pieces else 0
        pieces.append(FilePiece(start, "x" * size, is_new))
    found = windows(DRAFT, pieces, max_chars=30, stride=stride)
    learned = [place for window in found for place in window.code.learned]
    assert learned == [(piece.start, piece.end) for piece in pieces if piece.is_new]
    starts = {piece.start: number for number, piece in enumerate(pieces)}
    for window in found:
        first = starts[window.part.new_start]
        shown = pieces[first : first + len(window.code.pieces)]
        assert [text for text, _ in window.code.pieces] == [piece.text for piece in shown]
        assert window.code.n_chars <= 30
        assert window.part.new_end == shown[-1].end
        assert window.code.ends_file == (shown[-1] is pieces[-1])
    firsts = [window.part.new_start for window in found]
    assert firsts == sorted(set(firsts))


def test_a_smaller_stride_shows_more_of_what_is_before():
    pieces = [FilePiece(10 * n, "x" * 10, is_new=True) for n in range(12)]
    for stride, starts in ((1, [0, 40, 80]), (0.5, [0, 20, 40, 60, 80])):
        found = windows(DRAFT, pieces, max_chars=40, stride=stride)
        assert [window.part.new_start for window in found] == starts
        n_learned = [sum(has for _, has in window.code.pieces) for window in found]
        assert n_learned == [4, *[4 * stride] * (len(starts) - 1)]


@pytest.fixture
def exported(index, tokenizer_file, tmp_path):
    def do(**options):
        given_options = {"split": "1,0,0", "embargo": "0", "kind": "sequence", **options}
        out = tmp_path / "out"
        export(index.database, out, ExportConfig(tokenizer=str(tokenizer_file), **given_options))
        assert index.problems(out) == []
        n_rows = len((out / "train.jsonl").read_text("utf-8").splitlines())
        return [load_row(out, "train", str(n + 1)) for n in range(n_rows)]

    return do


def learned(row):
    return "".join(token.text for token in row.tokens if token.has_loss)


def test_a_commit_has_loss_on_the_items_that_it_wrote(repo, index, exported):
    repo.commit("first", {"src/lib.rs": source(0, 0, 0)})
    repo.commit("second", {"src/lib.rs": source(0, 7, 0)})
    repo.commit("moved", {"src/lib.rs": function(2) + source(0, 7)})
    index.sync()
    first, second = exported()
    assert learned(first) == source(0, 0, 0) + "<|endoftext|>"
    # The blank line in front of an item is the item's.
    assert learned(second) == "\n" + function(1, 7)[:-1] + "<|endoftext|>"
    shown = "".join(token.text for token in second.tokens if token.role in ("lead", "new"))
    assert shown == source(0, 7, 0)
    start = len(function(0)) - 1
    assert second.meta["learned"] == [[start, start + len(function(1, 7))]]


def test_only_the_window_at_the_end_of_a_file_ends(repo, index, exported):
    repo.commit("first", {"src/lib.rs": source(*range(8))})
    index.sync()
    rows = exported(max_chars=200)
    assert len(rows) > 2
    for row in rows:
        is_last = row.meta["new"]["end"] == len(source(*range(8)))
        assert (row.tokens[-1].text == "<|endoftext|>") == is_last
    assert "".join(map(learned, rows)) == source(*range(8)) + "<|endoftext|>"


def test_a_secret_is_no_text_to_learn_and_ranges_stay_those_of_the_file(repo, index, exported):
    secret = "AKIA" + "QWERTYUIOPASDFGH"
    text = f'const KEY: &str = "{secret}";\n\n{source(1, 2)}'
    repo.commit("first", {"src/lib.rs": text})
    index.sync()
    (row,) = exported()
    assert row.meta["is_redacted"]
    assert secret not in "".join(token.text for token in row.tokens)
    assert row.meta["learned"][-1][1] == len(text)


def test_there_is_no_prompt_to_write_as_text(repo, index, exported):
    repo.commit("first", {"src/lib.rs": source(1)})
    index.sync()
    with pytest.raises(ExportError, match="a sequence has none"):
        exported(columns="both")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"learned": [[0, 5]]}, "what has loss is not what it says"),
        ({"path": "src/b.rs"}, "src/b.rs is not the blob"),
    ],
)
def test_verify_sees_a_window_that_is_not_the_file(repo, index, exported, tmp_path, change, said):
    repo.commit("first", {"src/lib.rs": source(1, 2)})
    index.sync()
    exported()
    file = tmp_path / "out" / "train.meta.jsonl"
    meta = json.loads(file.read_text()) | change
    file.write_text(json.dumps(meta) + "\n")
    assert any(text.startswith(said) for text in index.problems(tmp_path / "out"))
