"""The cache key covers all code that decides what a commit's rows are."""

import shutil
import subprocess
import sys
from pathlib import Path

from rsidx.exporters.config import ExportConfig
from rsidx.exporters.pipeline import cache_key
from rsidx.exporters.pipeline.cache_key import CommitKeys, code_files, shared_key
from rsidx.exporters.pipeline.commit import writing_tools
from rsidx.store import queries
from rsidx.store.reader import Reader
from rsidx.store.records import CommitRow

LOADED = """
import sys
import rsidx.exporters.pipeline.workers
for name, module in sorted(sys.modules.items()):
    if name.startswith(("rsidx.exporters.", "rsidx.store.")):
        print(module.__file__)
"""


def test_the_key_covers_every_module_that_a_worker_loads():
    done = subprocess.run(
        [sys.executable, "-c", LOADED], capture_output=True, text=True, check=True
    )
    loaded = {Path(line) for line in done.stdout.splitlines()}
    assert len(loaded) > 40
    assert loaded <= set(code_files())


def test_a_change_in_any_of_the_folders_changes_the_key(
    repo, index, tokenizer_file, tmp_path, monkeypatch
):
    repo.commit("one", {"src/lib.rs": "fn one() {}\n"})
    index.sync()
    config = ExportConfig(tokenizer=str(tokenizer_file))
    encoder, dialect, _ = writing_tools(config)

    def key():
        with index.database.reading() as connection:
            reader = Reader(connection, queries.repository_id(connection, None))
            return shared_key(config, encoder, dialect, reader)

    plain = key()
    assert key() == plain
    files = code_files()
    one_of_each = {file.parent: number for number, file in enumerate(files)}
    assert len(one_of_each) > 14
    for folder, number in one_of_each.items():
        copy = tmp_path / "changed"
        shutil.copy(files[number], copy)
        with copy.open("a") as file:
            file.write("# changed\n")
        changed = (*files[:number], copy, *files[number + 1 :])
        monkeypatch.setattr(cache_key, "code_files", lambda changed=changed: changed)
        assert key() != plain, folder


class Facts:
    """A reader that says of some commits what does not follow from git."""

    def __init__(self, **facts):
        self.facts = {name.encode(): found for name, found in facts.items()}

    def irregularities(self):
        return self.facts


def chain(names):
    """Return commits, each the parent of the next."""
    parents = [(), *((name.encode(),) for name in names)]
    rows = zip(names, parents, strict=False)
    return [
        CommitRow(n, name.encode(), parent, n, n, is_bot=False, state="ok")
        for n, (name, parent) in enumerate(rows)
    ]


def test_what_a_commit_stands_on_is_in_its_key_and_where():
    commits = chain("abc")
    plain, first, second = (
        CommitKeys(Facts(**facts), commits)
        for facts in ({}, {"a": ["boundary"]}, {"b": ["boundary"]})
    )
    assert plain[b"c"] == b"c"
    assert len({keys[b"c"] for keys in (plain, first, second)}) == 3
    assert first[b"b"] != plain[b"b"] == b"b"
    assert second[b"a"] == plain[b"a"]
