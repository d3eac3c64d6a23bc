"""Over generated histories: context is of the parent's tree, however the snapshots were reached."""

import re
import subprocess
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rsidx.exporters.config import ExportConfig
from rsidx.exporters.context.builder import EARLIER_RULE
from rsidx.exporters.pipeline.steps import Steps
from rsidx.store import queries
from rsidx.store.reader import Reader
from tests.conftest import EXAMPLES

pytestmark = pytest.mark.usefixtures("wordy")

STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            "add add edit edit rename move branch switch merge module manifest".split()
        ),
        st.integers(0, 5),
        st.integers(0, 12),
    ),
    min_size=4,
    max_size=14,
)  # fmt: skip
DEFINED = re.compile(r"\bfn d(\d+)\(")
_numbers = count()


class History:
    """A repository whose functions have numbers; code also names ones that are still to come."""

    def __init__(self, repo):
        self.repo = repo
        self.n_functions = 0
        self.n_branches = 0
        repo.commit("first", {"Cargo.toml": '[package]\nname = "app"\nedition = "2021"\n'})
        self.commit({f"src/m{n}.rs": self.function(n) for n in range(3)}, ["m0", "m1", "m2"])

    def function(self, called):
        number = self.n_functions
        self.n_functions += 1
        return (
            f"use crate::m0::*;\nuse super::m1;\n\npub fn d{number}() {{\n    d{called}();\n"
            f"    m1::d{called + 1}();\n    crate::m2::d{called + 2}();\n"
            f"    let x = {number};\n}}\n"
        )

    def files(self):
        return sorted(p for p in self.repo.path.rglob("*.rs") if p.name != "lib.rs")

    def commit(self, files, modules=None):
        # Some are declared before their file is there, or when it is gone.
        names = modules or [*(p.stem for p in self.files()), "m0", "m1", "m2", "m3"]
        for path in files:
            names += [Path(path).stem] if path.endswith(".rs") else []
        root = "".join(f"pub mod {name};\n" for name in sorted(set(names)))
        self.repo.commit("change", {"src/lib.rs": root, **files})

    def step(self, kind, which, called):
        files = self.files()
        path = files[which % len(files)]
        name = path.relative_to(self.repo.path).as_posix()
        if kind == "add":
            self.commit({name: path.read_text() + self.function(called).split("\n\n")[1]})
        elif kind == "edit":
            self.commit({name: path.read_text().replace("let x = ", "let x = 1 + ")})
        elif kind == "rename" and len(files) > 1:
            to = f"src/m{which}x.rs"
            if not (self.repo.path / to).exists():
                self.repo.git("mv", name, to)
                self.commit({})
        elif kind == "move" and len(files) > 1:
            other = files[(which + 1) % len(files)]
            head, _, body = path.read_text().partition("\n\n")
            at = other.relative_to(self.repo.path).as_posix()
            self.commit({name: head + "\n\n", at: other.read_text() + body})
        elif kind == "module":
            self.commit({f"src/m{which}.rs": self.function(called)})
        elif kind == "manifest":
            text = f'[package]\nname = "app{called}"\nedition = "{("2015", "2021")[which % 2]}"\n'
            self.commit({"Cargo.toml": text})
        else:
            self.branch(kind, which)

    def branch(self, kind, which):
        git = self.repo.git
        branches = git("branch", "--format=%(refname:short)").split()
        if kind == "branch":
            self.n_branches += 1
            git("checkout", "-q", "-b", f"b{self.n_branches}")
        elif kind == "switch":
            git("checkout", "-q", branches[which % len(branches)])
        elif kind == "merge":
            self.repo.time += 60
            git(
                "merge", "-q", "-X", "ours", "-m", "m", branches[which % len(branches)], check=False
            )
            git("add", "-A")
            git("commit", "-q", "--allow-empty", "-m", "merged")


def tree(repo, commit):
    """Return path → text of a commit's Rust files, by git alone."""
    if commit is None:
        return {}
    found = {}
    for name in repo.git("ls-tree", "-r", "--name-only", commit).split():
        if name.endswith(".rs"):
            found[name] = subprocess.run(
                ["git", "-C", str(repo.path), "show", f"{commit}:{name}"],
                capture_output=True, check=True,
            ).stdout.decode()  # fmt: skip
    return found


@pytest.mark.slow
def test_context_is_of_the_parents_tree_and_does_not_depend_on_the_way(make_repo, make_index):
    n_named = [0]

    @settings(max_examples=10 * EXAMPLES)
    @given(steps=STEPS)
    def check(steps):
        number = next(_numbers)
        repo = make_repo(f"r{number}")
        history = History(repo)
        for step in steps:
            history.step(*step)
        index = make_index(repo, f"i{number}.db")
        index.sync(all_refs=True)
        with index.database.reading() as connection:
            n_named[0] += checked(repo, Reader(connection, queries.repository_id(connection, None)))

    check()
    assert n_named[0] > 10


def checked(repo, reader):
    """Check the context of every edit of a history; return how many functions it named."""
    # Looking at the answer names the most definitions.
    kept = ("merges", "duplicates", "deletions")
    config = ExportConfig(tokenizer="", keep=kept, context_from="answer")
    rows = reader.commits()
    steps = Steps.of(reader, config)
    n_named = 0
    for row in rows:
        before = tree(repo, row.parents[0].hex() if row.parents else None)
        after = tree(repo, row.oid.hex())
        selection = steps.selector.of(row)
        drafts, dropped = steps.drafter.of_commit(row, selection)
        assert (drafts, dropped) == Steps.of(reader, config).drafter.of_commit(row, selection)
        for draft in (drafted.draft for drafted in drafts):
            for excerpt, path in zip(draft.excerpts, draft.excerpt_paths, strict=True):
                # What the commit made before this edit is of the tree that it left.
                files = after if excerpt.rule == EARLIER_RULE else before
                defined = {n for text in files.values() for n in DEFINED.findall(text)}
                source = files[path].encode()
                parts = [source[a:b].decode() for a, b in excerpt.ranges]
                shown = "".join(p if p.endswith("\n") else f"{p}\n" for p in parts)
                assert shown == excerpt.text
                assert set(DEFINED.findall(shown)) <= defined
                n_named += excerpt.section == "functions"
    return n_named
