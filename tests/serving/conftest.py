import pytest

import rsidx
from tests.chats import write_chat
from tests.evaluation.conftest import MANIFEST
from tests.evaluation.server import completion, served
from tests.repositories import Repo

LIB = """\
pub mod inner;

/// Doubles.
pub fn twice(x: u32) -> u32 {
    inner::same(x) + x
}

pub fn rest() {}
"""
INNER = "pub fn same(x: u32) -> u32 {\n    x\n}\n"
MORE = "/// Doubles.\npub fn twice(x: u32) -> u32 {\n    2 * x\n}\n"
BAD = "pub fn twice(x: u32) -> u32 {\n    nowhere(x)\n}\n"


@pytest.fixture(scope="session")
def trained(tmp_path_factory, make_tokenizer):
    """A crate with an index, and data sets of it: of edits, of holes, and of edits as messages."""
    folder = tmp_path_factory.mktemp("trained")
    holes = ("<fim_prefix>", "<fim_suffix>", "<fim_middle>")
    tokenizer_file = make_tokenizer("<|endoftext|>", "<repo_name>", "<file_sep>", *holes)
    repo = Repo(folder / "repo")
    files = {"Cargo.toml": MANIFEST, ".gitignore": "/target\nCargo.lock\n", "src/inner.rs": INNER}
    repo.commit("Begin with two functions of numbers", {**files, "src/lib.rs": LIB})
    repo.commit("Double by adding it up", {"src/lib.rs": LIB.replace("+ x", "+ x + 0")})
    repo.commit("Double without adding zero", {"src/lib.rs": LIB})
    with rsidx.open(repo.path) as index:
        index.backfill(jobs=1)
        for kind in ("edit", "fim"):
            config = rsidx.ExportConfig(str(tokenizer_file), kind=kind, split="1,0,0")
            index.export(folder / kind, config)
        chat = write_chat(folder / "tokenizer", tokenizer_file)
        config = rsidx.ExportConfig(str(chat), columns="messages", split="1,0,0")
        index.export(folder / "chat", config)
    return folder, repo


@pytest.fixture
def crate(trained, repo, monkeypatch):
    """A copy of the crate, for one test."""
    repo.fill_from(trained[1])
    monkeypatch.chdir(repo.path)
    return repo


@pytest.fixture
def edits(trained):
    return trained[0] / "edit"


@pytest.fixture
def chat(trained):
    return trained[0] / "chat"


@pytest.fixture
def holes(trained):
    return trained[0] / "fim"


@pytest.fixture
def server():
    """A server, and what it is told; `says` gives it its answers, one after another."""
    with served() as (url, model):

        def says(*answers):
            left = list(answers)

            def answer(_path, _body):
                text = left.pop(0) if len(left) > 1 else left[0]
                return text if isinstance(text, tuple | dict) else completion(text)

            model.answer = answer

        model.says = says
        model.url = url
        yield model
