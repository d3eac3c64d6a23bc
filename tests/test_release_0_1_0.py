"""An index and six exports that rsidx 0.1.0 wrote go on working.

`fixtures/release-0.1.0.tar.xz` holds them: `index.db`, the repository as `repo.bundle`, and the
exports `edits`, `fim` (jsonl.gz, with texts), `sequences` (jsonl.zst), `files` (native markers,
packed, with earlier edits), `texts` (prompt and completion) and `commit` (`--context-at commit`).
"""

import json
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

import rsidx
from rsidx.__main__ import main

RELEASE = Path(__file__).parent / "fixtures" / "release-0.1.0.tar.xz"
EXPORTS = ("edits", "fim", "sequences", "files", "texts", "commit")


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory):
    folder = tmp_path_factory.mktemp("release")
    with tarfile.open(RELEASE) as archive:
        archive.extractall(folder, filter="data")
    repository = folder / "repo"
    bundle = folder / "repo.bundle"
    subprocess.run(["git", "clone", "-q", bundle, repository], check=True)
    # The index knows the repository by its folder's name.
    subprocess.run(["git", "-C", repository, "remote", "remove", "origin"], check=True)
    return folder


@pytest.fixture
def release(unpacked, tmp_path):
    """A copy of the release's files, with the index in its place."""
    folder = tmp_path / "release"
    shutil.copytree(unpacked, folder)
    place = folder / "repo" / ".git" / "rsidx"
    place.mkdir()
    shutil.copy(folder / "index.db", place / "index.db")
    return folder


@pytest.fixture
def run(capsys):
    def run(*args, code=0):
        status = main([str(arg) for arg in args])
        said = "".join(capsys.readouterr())
        assert status == code, said
        return said

    return run


def test_the_index_is_upgraded_and_complete(release, run):
    status = json.loads(run("status", "-C", release / "repo", "--json"))
    counts = status["counts"]
    assert (counts["n_commits"], counts["n_blobs"], counts["n_symbols"]) == (26, 41, 113)
    assert run("backfill", "-C", release / "repo").startswith("0 commits and 0 file versions")


@pytest.mark.slow
@pytest.mark.parametrize("name", EXPORTS)
def test_an_export_is_verified_inspected_and_reported(release, run, name):
    out = release / name
    assert "all hold" in run("verify", "-C", release / "repo", out)
    assert "train 1, id " in run("inspect", out)
    run("report", out)
    page = out.with_name(f"{name}.report.html").read_text("utf-8")
    assert json.loads((out / "manifest.json").read_text("utf-8"))["tips"]["main"][:12] in page


@pytest.mark.slow
@pytest.mark.parametrize("name", EXPORTS)
def test_an_export_is_read_by_a_program(release, name):
    data = rsidx.DataSet(release / name)
    assert data.config.kind == {"fim": "fim", "sequences": "sequence"}.get(name, "edit")
    for split in data.SPLITS:
        rows = list(data.rows(split))
        assert len(rows) == data.manifest["counts"]["examples"][split]
        assert all(row.meta["id"] == row.id for row in rows)
        assert all(len(row.input_ids) == len(row.labels) for row in rows)
        is_text = name == "texts"
        assert all((row.prompt is not None) == is_text != bool(row.input_ids) for row in rows)
    assert data.verify(release / "repo").ok
    assert data.show().meta["id"] == next(data.rows("train")).id
    with rsidx.open(release / "index.db") as index:
        assert len(list(index.commits("main"))) == 26


@pytest.mark.parametrize("name", EXPORTS)
def test_an_export_is_replaced_by_a_new_one(release, run, name):
    out = release / name
    tokenizer = shutil.copytree(out / "tokenizer", release / "tokenizer")
    run("export", "-C", release / "repo", out, "--tokenizer", tokenizer, "--keep", "messages")
    assert json.loads((out / "manifest.json").read_text("utf-8"))["format"] == "rsidx-dataset"
    assert "all hold" in run("verify", "-C", release / "repo", out)


def test_an_edited_row_of_an_export_is_a_problem(release, run):
    metas = release / "edits" / "train.meta.jsonl"
    metas.write_text(metas.read_text("utf-8").replace("src/money.rs", "src/ledger.rs"), "utf-8")
    assert "its checksum does not hold" in run(
        "verify", "-C", release / "repo", release / "edits", code=1
    )


def test_context_from_the_commit_itself_is_looked_for_there(release, run):
    """Most of it is of files that the commit changed, so its parent has other blobs of them."""
    out = release / "commit"
    assert "all hold" in run("verify", "-C", release / "repo", out)
    manifest = json.loads((out / "manifest.json").read_text("utf-8"))
    assert manifest["config"].pop("context_at") == "commit"
    (out / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    said = run("verify", "-C", release / "repo", out, code=1)
    assert "the excerpt of src/money.rs is from a blob that " in said


def test_an_excerpt_of_the_wrong_tree_is_a_problem(release, run):
    out = release / "edits"
    manifest = json.loads((out / "manifest.json").read_text("utf-8"))
    manifest["config"]["context_at"] = "commit"
    (out / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    said = run("verify", "-C", release / "repo", out, code=1)
    assert "is from a blob that " in said


def test_splits_are_kept_from_an_export(release, run):
    out = release / "new"
    tokenizer = release / "edits" / "tokenizer"
    options = ("--tokenizer", tokenizer, "--keep", "messages", "--split", "0.4,0.3,0.3")
    run("export", "-C", release / "repo", out, *options, "--boundaries", release / "edits")
    splits = [
        json.loads((folder / "manifest.json").read_text("utf-8"))["splits"]
        for folder in (release / "edits", out)
    ]
    assert splits[0] == splits[1]


@pytest.mark.parametrize("name", EXPORTS)
def test_prompts_like_an_export_are_those_of_its_release(release, run, name):
    asked = ("prompt", "-C", release / "repo", "--message", "Parse signs.", "src/money.rs:parse")
    assert run(*asked, "--like", release / name, code=1).endswith(
        f"{release / name} has format version 0: rsidx 0.1.0 is the last release that writes its "
        "prompts\n"
    )


def test_no_schema_is_applied_to_an_export(release, run):
    out = release / "edits"
    manifest = json.loads((out / "manifest.json").read_text("utf-8"))
    (out / "manifest.json").write_text(json.dumps({**manifest, "colour": "red"}), "utf-8")
    assert "all hold" in run("verify", "-C", release / "repo", out)
