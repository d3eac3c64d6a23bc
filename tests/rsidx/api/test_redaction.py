"""What leaves the public API is redacted, but for both sides of an edit, which say so."""

import dataclasses
from collections.abc import Mapping

import pytest
from planted import PLANTED

import rsidx
from tests.repositories import Repo

KEYS = {one.name: one.code for one in PLANTED}
KEY, OTHER = KEYS["github_classic"], KEYS["npm"]
PEOPLE = "Signed-off-by: Bob Builder <bob.builder@example.com>"
PERSON = ("Bob Builder", "bob.builder@example.com")
LIB = (
    'pub const TOKEN: &str = "{key}";\n\n'
    "pub fn login(user: &str) -> bool {{\n"
    '    send(user, TOKEN, "{key}") > {n}\n'
    "}}\n\n"
    "pub fn again() -> bool {{\n"
    '    login("{other}")\n'
    "}}\n"
)


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """A repository with an index, of which each test has a copy."""
    repo = Repo(tmp_path_factory.mktemp("begun") / "repo")
    for n in range(3):
        code = LIB.format(key=KEY, other=OTHER, n=n)
        message = f"Log in with {KEY} once more, {n}\n\nAsk {PERSON[1]} for it.\n\n{PEOPLE}"
        repo.commit(message, {"src/lib.rs": code, "Cargo.toml": '[package]\nname = "x"\n'})
    with rsidx.open(repo.path) as index:
        index.backfill()
    return repo


@pytest.fixture
def filled(repo, begun):
    repo.fill_from(begun)
    return repo


@pytest.fixture
def index(filled):
    with rsidx.open(filled.path) as opened:
        yield opened


def texts(value):
    """Yield every text in a value, however deep, and how it is printed."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from (text for pair in value.items() for text in texts(pair))
    elif isinstance(value, list | tuple | set | frozenset):
        yield from (text for one in value for text in texts(one))
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from texts(getattr(value, field.name))
    yield repr(value)


def shown_in(*values):
    return "\n".join(text for value in values for text in texts(value))


def hides(*values):
    """Return what is shown, once it has been seen that it has no secret, person or raw mark."""
    shown = shown_in(*values)
    for secret in (KEY, OTHER, *PERSON, "\ue0fe", "\ue0ff"):
        assert secret not in shown
    return shown


def test_a_commit_says_no_secret_and_names_nobody(index):
    for commit in index.commits():
        assert hides(commit.message, repr(commit)).startswith("Log in with <KEY> once more")
        assert "Ask <EMAIL> for it." in commit.message


def test_both_sides_of_an_edit_are_as_they_are_and_nothing_else_of_it_is(index):
    for commit in index.commits():
        edits = list(commit.edits())
        hides([dataclasses.replace(edit, old="", new="") for edit in edits])
    assert KEY in "".join(edit.new for edit in edits)
    assert "not redacted" in rsidx.Edit.__doc__
    assert "not redacted" in rsidx.Edit.diff.__doc__


def test_what_is_asked_of_the_code_has_no_secret(filled, index, starcoder_like, tmp_path):
    (filled.path / "src/new.rs").write_text(f'pub fn unsaved() -> &str {{\n    go("{OTHER}")\n}}\n')
    data = index.export(tmp_path / "out", rsidx.ExportConfig(str(starcoder_like), split="1,0,0"))
    for code in (index.at(), index.at("worktree")):
        uses = hides(code.references("login"), code.references("TOKEN", names=True))
        assert 'login("<KEY>")' in uses
        hides(code.symbols("TOKEN"), code.symbols("login"))
        assert "<KEY>" in hides(code.context("src/lib.rs", "login"), code.context("src/lib.rs"))
        prompt = code.prompt("src/lib.rs", "login", f"Use {OTHER} now", like=data)
        assert "Use <KEY> now" in hides(prompt)
    hides(code.symbols("unsaved"), code.context("src/new.rs", "unsaved"))


@pytest.mark.parametrize("values", [{}, {"level": "file"}, {"kind": "sequence"}, {"text": True}])
def test_examples_and_rows_have_no_secret(index, starcoder_like, tmp_path, values):
    config = rsidx.ExportConfig(str(starcoder_like), split="1,0,0", **values)
    examples = list(index.examples("HEAD", config))
    assert examples
    shown = [dataclasses.replace(one, meta={**one.meta, "text": {}}) for one in examples]
    assert "<KEY>" in hides(shown)
    data = index.export(tmp_path / "out", config)
    hides(data.manifest, data.show().tokens, data.config, repr(data), repr(index))
    for one in (*examples, *data.rows("train")):
        assert KEY not in shown_in(one)


def test_the_rest_has_no_secret(index):
    hides(index.status(), index.name, index.address, index.forgotten(), index.last_error())
    hides(list(index.hooks.check()), index.hooks.state(), index.update())
