"""A few small repositories that are related in the ways that repositories are."""

import json
import sysconfig
from functools import cache

import pytest

from rsidx.corpus.configuration import read_configuration
from rsidx.exporters.splits.split import SPLITS
from tests.repositories import Repo

NEEDS = "needs datatrove, of the extra `corpus`"
MANIFEST = '[package]\nname = "{name}"\nedition = "2021"\nlicense = "{license}"\n'


@pytest.fixture(autouse=True, scope="module")
def quick_logs():
    """Each task's log asks for every path of Python's schemes anew; here they are found once."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sysconfig, "get_path", cache(sysconfig.get_path))
        yield


def function(name, n, words=9):
    """Return a function that is like no other of another name or number."""
    lines = "\n".join(
        f"    let {name}_{i} = {name}_start({n * 100 + i}) + other_{name}_{n}({i});"
        for i in range(words)
    )
    return f"pub fn {name}_{n}() -> u32 {{\n{lines}\n    {name}_0\n}}\n"


def grow(repo, name, n_commits, license="MIT", first=0):  # noqa: A002
    """Commit one new function after another; a thousand seconds pass before each."""
    code = (repo.path / "src/lib.rs").read_text() if (repo.path / "src/lib.rs").exists() else ""
    for n in range(first, first + n_commits):
        code += function(name, n)
        repo.time += 1000
        repo.commit(
            f"Add function {n} of {name}",
            {"Cargo.toml": MANIFEST.format(name=name, license=license), "src/lib.rs": code},
        )
    return repo


class Corpus:
    """A corpus in a folder: its list of repositories, and what it was made with."""

    def __init__(self, folder, tokenizer):
        self.folder = folder
        self.out = folder / "out"
        self.file = folder / "corpus.toml"
        self._tokenizer = tokenizer
        self.list = folder / "repositories.txt"
        self.configure()

    def configure(self, export="", **options):
        given = {"work": "work", "workers": 1, "shard_rows": 5, **options}
        lines = [f"{name} = {json.dumps(value)}" for name, value in given.items()]
        self.file.write_text(
            "[corpus]\nrepositories = 'repositories.txt'\nout = 'out'\n"
            + "\n".join(lines)
            + f"\n[export]\ntokenizer = '{self._tokenizer}'\nembargo = '0'\n{export}\n"
        )

    def repo(self, name):
        return Repo(self.folder / "repos" / name)

    def list_all(self, *repos):
        self.list.write_text("".join(f"{repo.path}\n" for repo in repos))

    def run(self):
        stages = pytest.importorskip("rsidx.corpus.stages", reason=NEEDS, exc_type=ImportError)
        return stages.run(read_configuration(self.file), lambda *_: None)

    def metas(self, split=None):
        """Return the meta lines of a split, or of all."""
        return [
            json.loads(line)
            for name in ([split] if split else SPLITS)
            for file in sorted(self.out.glob(f"{name}-*.meta.jsonl"))
            for line in file.read_text().splitlines()
        ]

    def rows(self):
        """Return repository and symbol of each row."""
        return sorted((meta["repository"], meta["symbol"]) for meta in self.metas())

    def content(self):
        """Return the bytes of each file but the manifest, whose times differ."""
        return {
            file.relative_to(self.out).as_posix(): file.read_bytes()
            for file in self.out.rglob("*")
            if file.is_file() and file.name != "manifest.json"
        }


@pytest.fixture
def corpus(tmp_path, tokenizer_file):
    return Corpus(tmp_path, tokenizer_file)
