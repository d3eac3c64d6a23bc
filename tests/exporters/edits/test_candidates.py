"""Large commits are paired with bounded work."""

import pytest

from rsidx.exporters.edits.candidates import candidates, sketch
from rsidx.exporters.edits.pairing import commit_edits
from rsidx.exporters.edits.similarity import Profile
from rsidx.store import queries
from rsidx.store.reader import Reader

N_MANY = 3000
FUNCTION = """\
fn {name}_{n}(input: &str) -> Result<Token, Error> {{
    let mut lexer = Lexer::new(input, {n});
    lexer.expect(Kind::K{n}, step_{n})?;
    {more}
    Ok(lexer.finish())
}}

"""


def functions(name, numbers, more="lexer.skip();"):
    return "".join(FUNCTION.format(name=name, n=n, more=more) for n in numbers)


@pytest.fixture
def commit(repo, index, monkeypatch):
    """Return the edits between two trees, and how many comparisons they took."""
    n_comparisons = 0
    similarity = Profile.similarity

    def counted(one, other):
        nonlocal n_comparisons
        n_comparisons += 1
        return similarity(one, other)

    monkeypatch.setattr(Profile, "similarity", counted)

    def read(before, after):
        nonlocal n_comparisons
        repo.commit("before", before)
        repo.commit("after", after)
        index.sync()
        n_comparisons = 0
        with index.database.reading() as connection:
            reader = Reader(connection, queries.repository_id(connection, None))
            changes = reader.changes(reader.commits()[-1].id)
            found = commit_edits(reader, changes, max_bytes=4000, new_file_bytes=4000)
            edits = [
                (edit.change, *(s and reader.text(s.chunks[0].id) for s in (edit.old, edit.new)))
                for edit in found.edits
            ]
        return edits, found.n_not_compared, n_comparisons

    return read


def number_of(text):
    return text.partition(b"(")[0].rpartition(b"_")[2]


def test_thousands_of_items_that_moved_and_changed_are_paired(commit):
    """Each is renamed, moved to another file in another order, and changed."""
    before, after = {}, {}
    for first in range(0, N_MANY, 300):
        numbers = range(first, first + 300)
        before[f"a{first}.rs"] = functions("read", numbers)
        after[f"a{first}.rs"] = ""
        after[f"b{N_MANY - first}.rs"] = functions("parse", reversed(numbers), "lexer.go_on(1);")
    edits, n_not_compared, n_comparisons = commit(before, after)
    pairs = [(old, new) for change, old, new in edits if change == "move"]
    assert len(pairs) == N_MANY
    assert all(number_of(old) == number_of(new) for old, new in pairs)
    assert n_comparisons <= 4 * N_MANY
    assert n_not_compared == 0


def test_what_was_compared_with_a_part_alone_is_counted(commit):
    """Of a thousand new functions forty were there before, the others are like nothing."""
    text = "fn new_{n}() -> u{n} {{\n    a{n}(b{n}, c{n}, d{n}, e{n}, f{n}, g{n}, h{n})\n}}\n\n"
    new = [text.format(n=n) for n in range(960)]
    known = functions("parse", range(40), "lexer.skip_blanks(1);")
    edits, n_not_compared, _ = commit(
        {"a.rs": functions("read", range(500))}, {"a.rs": "", "b.rs": known + "".join(new)}
    )
    assert [change for change, *_ in edits].count("move") == 40
    assert n_not_compared == 960


def test_few_items_are_compared_each_with_each(commit):
    before, after = (functions(name, range(60)) for name in ("read", "parse"))
    edits, n_not_compared, n_comparisons = commit(
        {"a.rs": before}, {"a.rs": "", "b.rs": after.replace("skip", "skip_blanks")}
    )
    assert [change for change, *_ in edits].count("move") == 60
    assert n_comparisons == 60 * 60
    assert n_not_compared == 0


def test_equal_items_are_candidates_though_thousands_are_alike():
    sketches = [sketch(Profile.of(functions("read", [n]).encode())) for n in range(N_MANY)]
    news = list(reversed(sketches))
    found = list(candidates(sketches, news, 4))
    assert len(found) <= 4 * N_MANY
    assert {(N_MANY - 1 - n, n) for n in range(N_MANY)} <= set(found)


def test_of_items_that_are_equally_alike_the_nearest_are_candidates():
    equal = [sketch(Profile.of(b"fn read(input: &str) -> Result<Token, Error> {}"))] * N_MANY
    found = list(candidates(equal, equal, 4))
    assert {(n, n) for n in range(N_MANY)} <= set(found)
    assert all(abs(old - new) <= 4 for old, new in found)


def test_an_item_is_compared_with_more_where_few_are_new(commit):
    before, after = functions("read", range(500)), functions("parse", range(10))
    *_, n_comparisons = commit({"a.rs": before}, {"a.rs": "", "b.rs": after.replace("skip", "go")})
    assert 10 * 30 < n_comparisons <= 4000


def test_items_with_the_same_lines_in_another_order_are_candidates():
    lines = [f"    word_{n},\n".encode() for n in range(20)]
    sketches = [sketch(Profile.of(b"".join(of))) for of in (lines, lines[::-1])]
    assert list(candidates(sketches[:1], sketches[1:], 1)) == [(0, 0)]


def test_of_a_long_item_a_few_digests_are_kept():
    words = " ".join(f"word_{n}" for n in range(1000))
    assert len(sketch(Profile.of(words.encode()))) < 50
