"""Whatever is done to an index, an export with its cache is the one without.

`RSIDX_TEST_WALKS=200 pytest tests/exporters/pipeline/test_cache_walk.py` is the long run.
"""

import json
import os
import random
import shutil
from contextlib import suppress

import pytest
from tokenizers import Tokenizer

from rsidx.errors import ExportError, IndexStoreError
from rsidx.exporters.config import ExportConfig
from rsidx.exporters.export import export
from rsidx.indexer.forget import forget, forgotten, remember
from rsidx.indexer.gc import collect
from rsidx.indexer.sync import fetch_promised, update
from rsidx.store.database import Database, resolve_url
from tests.exporters.pipeline.growth import contents
from tests.repositories import Repo

N_WALKS = int(os.environ.get("RSIDX_TEST_WALKS", "4"))
N_STEPS = 8
PATHS = ("src/lib.rs", "src/a.rs", "src/b.rs", "src/inner/c.rs")
LICENSES = ("MIT", "Apache-2.0")
SIZES = (150, 400, 100_000)
OPTIONS = (
    {"earlier": ("history", "commit")}, {"kind": "fim"}, {"kind": "sequence"}, {"level": "file"},
    {"max_tokens": 300}, {"no_edit": 0.4}, {"keep": ("secrets", "deletions", "messages")},
    {"markers": "native"}, {"text": True, "columns": "both"}, {"split": "0.5,0.3,0.2"},
    {"context_from": "answer"}, {"licenses": ("MIT",)}, {"keep": ("duplicates", "near_duplicates")},
)  # fmt: skip


def function(n):
    return (
        f"/// Number {n}.\npub fn number_{n}(scale: &Scale) -> u64 {{\n"
        f"    let start = scale.factor * {n};\n    start + {n} + number_{n - 1}(scale)\n}}\n\n"
    )


class Walk:
    """A clone, its index, and what happens to both: steps that a random number chooses."""

    def __init__(self, folder, seed, make_index):
        self.rng = random.Random(seed)
        self.folder = folder
        self.n = 0
        origin = Repo(folder / "origin")
        for _ in range(7):
            self.commit_to(origin)
        self.kind = ("whole", "partial", "shallow")[seed % 3]
        self.repo = origin if self.kind == "whole" else self.clone(origin)
        self.index = make_index(self.repo)
        self.backfill()
        self.steps = [
            self.commit, self.commit, self.amend, self.branch, self.forget, self.forget,
            self.remember, self.remember, self.collect, self.backfill, self.backfill, self.hook,
            self.rebuild, self.restore, self.gain, self.gain,
        ]  # fmt: skip

    def clone(self, origin):
        for setting in ("uploadpack.allowFilter", "uploadpack.allowAnySHA1InWant"):
            origin.git("config", setting, "true")
        how = "--filter=blob:none" if self.kind == "partial" else "--depth=3"
        path = self.folder / "clone"
        origin.git("clone", "-q", how, f"file://{origin.path}", str(path))
        clone = Repo(path)
        clone.time = origin.time
        return clone

    def commit_to(self, repo):
        self.n += 1
        rng, path = self.rng, self.rng.choice(PATHS)
        file = repo.path / path
        if file.exists() and rng.random() < 0.1:
            file.unlink()
        elif file.exists() and rng.random() < 0.2:
            target = rng.choice([other for other in PATHS if other != path])
            repo.write({target: ""})
            repo.git("mv", "-f", path, target, check=False)
        else:
            functions = rng.sample(range(self.n), min(self.n, rng.choice((1, 2, 5))))
            text = "struct Scale { factor: u64 }\n\n" + "".join(map(function, functions))
            repo.write({path: text})
        if rng.random() < 0.3:
            package = {"name": "p", "version": "1.0.0", "license": rng.choice(LICENSES)}
            lines = "".join(f'{key} = "{value}"\n' for key, value in package.items())
            repo.write({"Cargo.toml": f"[package]\n{lines}"})
        repo.commit(f"write number {self.n} in another way")

    def commit(self):
        self.commit_to(self.repo)

    def amend(self):
        self.repo.write({"src/lib.rs": function(self.rng.randrange(self.n))})
        self.repo.git("add", "-A")
        self.repo.git("commit", "-q", "--amend", "-m", f"amend number {self.n} in more words")

    def branch(self):
        """Go back, and forth again later: what is gone from the index may come once more."""
        self.n += 1
        self.repo.git("branch", f"branch-{self.n}")
        tips = self.repo.git("for-each-ref", "--format=%(objectname)", "refs/heads").split()
        self.repo.git("reset", "-q", "--hard", self.rng.choice([*tips, "HEAD~1"]), check=False)
        for name in self.repo.git("branch", "--format=%(refname:short)").split():
            if name != "main" and self.rng.random() < 0.3:
                self.repo.git("branch", "-D", name)

    def backfill(self):
        options = self.rng.choice([{}, {}, {"all_refs": True}, {"since": "2023-11-14 22:16:00"}])
        self.index.sync(max_bytes=self.rng.choice(SIZES), **options)

    def hook(self):
        max_bytes = self.rng.choice(SIZES)
        update(self.index.repository, self.index.database, jobs=1, max_bytes=max_bytes)

    def gain(self):
        """Have what the clone lacked."""
        if self.kind == "partial":
            self.index.sync(max_bytes=SIZES[-1])
            fetch_promised(
                self.index.repository,
                self.index.database,
                jobs=1,
                max_bytes=self.rng.choice(SIZES),
            )
        elif self.kind == "shallow":
            self.repo.git("fetch", "-q", "--deepen=1")

    def forget(self):
        commit = self.rng.choice(self.repo.git("rev-list", "--all").split())
        path = self.rng.choice((*PATHS, "src/inner"))
        blob = self.repo.git("rev-parse", "-q", "--verify", f"{commit}:{path}", check=False)
        # The index may have none of these.
        with suppress(IndexStoreError):
            target = self.rng.choice((path, commit, blob or path))
            forget(self.index.repository, self.index.database, [target])

    def remember(self):
        for _, name in forgotten(self.index.database):
            if self.rng.random() < 0.7:
                remember(self.index.repository, self.index.database, [name])
        if self.rng.random() < 0.5:
            self.backfill()

    def collect(self):
        collect(self.index.repository, self.index.database, max_bytes=self.rng.choice(SIZES))

    def rebuild(self):
        self.index.database.close()
        self.index.file.unlink()
        self.index.database = Database(resolve_url(str(self.index.file)), create=True)
        self.backfill()

    def restore(self):
        """Go back to an index of earlier, beside the cache of now."""
        saved = self.folder / "saved.db"
        if saved.exists() and self.rng.random() < 0.5:
            self.index.database.close()
            shutil.copy(saved, self.index.file)
            self.index.database = Database(resolve_url(str(self.index.file)), create=False)
        else:
            saved.unlink(missing_ok=True)
            self.index.database.back_up(saved, lambda *_: None)


@pytest.fixture(scope="module")
def tokenizers(tokenizer_file, tmp_path_factory):
    """One vocabulary, plain; with another end token, a token in front, other flags, other words."""
    tokenizer = Tokenizer.from_file(str(tokenizer_file))
    tokenizer.add_special_tokens(["<fim_prefix>", "<fim_middle>", "<fim_suffix>"])
    plain = json.loads(tokenizer.to_str())
    flagged, cut = json.loads(json.dumps(plain)), json.loads(json.dumps(plain))
    for token in flagged["added_tokens"]:
        token["special"] = token["content"] == "<|endoftext|>"
    cut["pre_tokenizer"] = {
        "type": "Sequence",
        "pretokenizers": [{"type": "Digits", "individual_digits": True}, plain["pre_tokenizer"]],
    }
    variants = {
        "plain": (plain, {}),
        "end": (plain, {"eos_token": "<fim_pad>"}),
        "begin": (plain, {"bos_token": "<fim_pad>", "add_bos_token": True}),
        "flagged": (flagged, {}),
        "cut": (cut, {}),
    }
    folder = tmp_path_factory.mktemp("tokenizers")
    for name, (tokenizer, config) in variants.items():
        (folder / name).mkdir()
        (folder / name / "tokenizer.json").write_text(json.dumps(tokenizer))
        (folder / name / "tokenizer_config.json").write_text(json.dumps(config))
    return [str(folder / name) for name in variants]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(N_WALKS))
def test_an_export_with_the_cache_is_the_one_without(tmp_path, make_index, tokenizers, seed):
    walk = Walk(tmp_path, seed, make_index)
    rng = walk.rng
    # Few ways, so that most exports find something in the cache, if only what another made.
    plain, *others = tokenizers
    ways = (
        {"tokenizer": plain},
        {"tokenizer": rng.choice(others)},
        {"tokenizer": rng.choice(tokenizers), **rng.choice(OPTIONS)},
    )
    for number in range(N_STEPS):
        step = rng.choice(walk.steps) if number else walk.hook
        step()
        config = ExportConfig(**rng.choice(ways))
        copy = tmp_path / f"copy{number}.db"
        walk.index.database.back_up(copy, lambda *_: None)
        found = []
        for database in (walk.index.database, Database(resolve_url(str(copy)), create=False)):
            found.append(exported(database, tmp_path / f"out{number}-{len(found)}", config))
        database.close()
        assert found[0] == found[1], (step.__name__, config)


def exported(database, out, config):
    """Return what an export writes, or why it is refused."""
    try:
        export(database, out, config)
    except ExportError as error:
        return str(error)
    return contents(out)
