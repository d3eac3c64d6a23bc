"""The rows that an export made are kept, and used where making them again gives the same."""

import json
import shutil

import pytest
from sqlalchemy import update

from rsidx.exporters.pipeline import cache_key, session
from rsidx.exporters.rendering import encoder
from rsidx.indexer.forget import forget, remember
from rsidx.indexer.gc import collect
from rsidx.store import schema
from rsidx.store.database import Database, resolve_url
from tests.exporters.pipeline.growth import grow

pytestmark = pytest.mark.usefixtures("wordy")


def test_an_export_after_more_commits_makes_only_these_and_is_the_one_made_anew(
    repo, index, exported, made
):
    grow(repo, index, 20)
    exported("first")
    assert len(made) == 20
    grow(repo, index, 2, first=20)
    made.clear()
    again = exported("again")
    assert len(made) == 2
    assert again == exported("fresh", fresh=True)


def test_another_split_and_other_filters_use_what_was_made(repo, index, exported, made):
    grow(repo, index, 12)
    exported("first")
    made.clear()
    for number, options in enumerate(
        ({"split": "0.3,0.3,0.4"}, {"keep": ("related", "duplicates")}, {"pad": True})
    ):
        kept = exported(f"kept{number}", **options)
        assert not made
        assert kept == exported(f"fresh{number}", fresh=True, **options)
        made.clear()


@pytest.mark.parametrize(
    "options",
    [{"max_tokens": 100}, {"context_tokens": 0}, {"text": True}, {"labels": "all"},
     {"context_from": "answer"}, {"keep": ("deletions",)}, {"markers": "native"}],
)  # fmt: skip
def test_what_was_made_in_another_way_is_not_used(repo, index, exported, made, options):
    grow(repo, index, 8)
    exported("first")
    made.clear()
    other = exported("other", **options)
    assert len(made) == 8
    assert other == exported("fresh", fresh=True, **options)


@pytest.mark.parametrize(
    ("before", "after"),
    [({"state": "missing"}, {"state": "parsed"}),
     ({"extractor_version": 1}, {"extractor_version": 2})],
)  # fmt: skip
def test_what_was_made_of_an_index_that_said_something_else_is_not_used(
    repo, index, exported, made, before, after
):
    grow(repo, index, 6)
    lost = bytes.fromhex(repo.git("rev-parse", "HEAD~3:src/lib.rs"))
    with index.database.writing() as connection:
        change = update(schema.blob).where(schema.blob.c.oid == lost)
        connection.execute(change.values(**before))
        connection.commit()
        exported("first")
        made.clear()
        connection.execute(change.values(**after))
        connection.commit()
    exported("second")
    # The commit that brought the blob, and those behind it.
    assert len(made) == 4


@pytest.mark.parametrize("target", ["src/lib.rs", "commit", "deletion", "blob"])
def test_what_is_forgotten_and_read_again_is_exported_as_if_it_had_never_been_forgotten(
    repo, index, exported, target
):
    grow(repo, index, 8)
    # Of this one only the message is forgotten.
    repo.commit("remove a file of the history", {"src/f1.rs": None})
    index.sync()
    revisions = {"commit": "HEAD~4", "deletion": "HEAD", "blob": "HEAD~4:src/lib.rs"}
    revision = revisions.get(target)
    target = repo.git("rev-parse", revision) if revision else target

    def check(name):
        """Return an export, which is what one without a cache is."""
        keep = ("deletions", "messages", "related")
        kept = exported(name, keep=keep)
        cache = index.database.cache_file
        aside = cache.rename(cache.with_name("aside"))
        assert exported(f"{name}-fresh", keep=keep) == kept
        aside.replace(cache)
        return kept

    before = check("before")
    forget(index.repository, index.database, [target])
    assert check("forgotten")[0] != before[0]
    remember(index.repository, index.database, [target])
    check("remembered")
    index.sync()
    assert check("after") == before


def test_what_was_made_while_blobs_are_read_again_is_not_used_later(repo, index, exported, made):
    grow(repo, index, 6)
    blobs = [bytes.fromhex(repo.git("rev-parse", f"HEAD~{n}:src/lib.rs")) for n in range(3)]
    for number, blob in enumerate(blobs):
        with index.database.writing() as connection:
            change = update(schema.blob).where(schema.blob.c.oid == blob)
            connection.execute(change.values(extractor_version=999))
            connection.commit()
        exported(f"export{number}")
        # At first what all the others were read by becomes the older version.
        assert len(made) == (number + 1 if number else 6)
        made.clear()


def test_what_was_made_of_an_index_that_is_gone_is_not_used(repo, index, exported, made):
    grow(repo, index, 6)
    exported("first")
    made.clear()
    index.database.close()
    index.file.unlink()
    index.database = Database(resolve_url(str(index.file)), create=True)
    index.sync(max_bytes=200)
    small = exported("small")
    assert len(made) == 6
    assert small == exported("fresh", fresh=True)


def test_a_commit_that_is_read_again_with_its_renames_is_made_again(
    repo, index, exported, monkeypatch
):
    grow(repo, index, 3)
    repo.git("mv", "src/lib.rs", "src/moved.rs")
    text = (repo.path / "src/moved.rs").read_text().replace("scale.factor * 2", "scale.factor")
    tip = repo.commit("rename and change", {"src/moved.rs": text})
    with monkeypatch.context() as patched:
        # In a partial clone git is not asked for renames.
        patched.setitem(vars(index.repository), "is_partial", True)
        index.sync()
    first = exported("first", split="1,0,0")
    repo.git("reset", "-q", "--hard", "HEAD~1")
    collect(index.repository, index.database, max_bytes=100_000)
    repo.git("reset", "-q", "--hard", tip)
    index.sync()
    again = exported("again", split="1,0,0")
    assert again != first
    assert again == exported("fresh", split="1,0,0", fresh=True)


def test_history_that_comes_in_below_what_was_exported_is_seen(repo, index, exported):
    repo.commits(
        (f"write number {n}", {"src/lib.rs": f"fn number() -> u8 {{\n    {n}\n}}\n"})
        for n in range(5)
    )
    index.sync(since=f"@{repo.time - 70}")
    first = exported("first", split="1,0,0", earlier=("history",))
    index.sync()
    again = exported("again", split="1,0,0", earlier=("history",))
    assert again != first
    assert again == exported("fresh", split="1,0,0", earlier=("history",), fresh=True)


def test_a_file_that_is_too_large_costs_only_the_commits_behind_it(repo, index, exported, made):
    grow(repo, index, 5)
    exported("first")
    made.clear()
    repo.commit("add a large file", {"src/large.rs": "// large\n" * 12_000 + "fn large() {}\n"})
    index.sync()
    exported("second")
    assert len(made) == 1
    grow(repo, index, 2, first=5)
    exported("third")
    assert len(made) == 3
    made.clear()
    assert index.sync(max_bytes=200_000).n_read_again == 1
    again = exported("fourth")
    assert len(made) == 3
    assert again == exported("fresh", fresh=True)


def test_another_version_of_the_code_does_not_use_it(repo, index, exported, made, monkeypatch):
    grow(repo, index, 3)
    exported("first")
    made.clear()
    build = session.shared_key
    monkeypatch.setattr(session, "shared_key", lambda *args: build(*args)[::-1])
    exported("second")
    assert len(made) == 3


@pytest.mark.parametrize(
    "other", [{"eos_token": "<file_sep>"}, {"bos_token": "<fim_pad>", "add_bos_token": True}]
)
def test_another_end_or_beginning_of_the_same_tokenizer_does_not_use_it(
    repo, index, exported, tokenizer_file, tmp_path, other
):
    grow(repo, index, 3)
    folder = tmp_path / "tokenizer"
    folder.mkdir()
    shutil.copy(tokenizer_file, folder / "tokenizer.json")
    exported("first", tokenizer=str(folder))
    (folder / "tokenizer_config.json").write_text(json.dumps(other))
    again = exported("again", tokenizer=str(folder))
    assert again == exported("fresh", fresh=True, tokenizer=str(folder))


@pytest.mark.parametrize("library", ["license-expression", "rensa", "tokenizers"])
def test_another_version_of_a_library_does_not_use_it(
    repo, index, exported, made, monkeypatch, library
):
    grow(repo, index, 3)
    exported("first")
    made.clear()
    plain = cache_key.version
    monkeypatch.setattr(cache_key, "version", lambda name: "0" if name == library else plain(name))
    if library == "tokenizers":
        monkeypatch.setattr(encoder.tokenizers, "__version__", "0")
    exported("second")
    assert len(made) == 3
