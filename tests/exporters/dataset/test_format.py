"""The versions of the format: which data sets are read, and which prompts are written."""

import json
import shutil

import pytest

from rsidx import __version__
from rsidx.__main__ import main
from rsidx.exporters.dataset import format as dataset_format
from tests.repositories import WORDS, Repo

COMMANDS = {
    "verify": ("verify", "OUT"),
    "report": ("report", "OUT"),
    "inspect": ("inspect", "OUT"),
    "prompt": ("prompt", "src/lib.rs:f", "--message", "Change f.", "--like", "OUT"),
    "export": ("export", "NEW", "--tokenizer", "OUT/tokenizer", "--boundaries", "OUT"),
    "export of a manifest": (
        "export", "NEW", "--tokenizer", "OUT/tokenizer", "--boundaries", "OUT/manifest.json",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def exported(tmp_path_factory, tokenizer_file):
    """A repository with an index, and what was exported of it."""
    folder = tmp_path_factory.mktemp("exported")
    repo = Repo(folder / "repo")
    repo.padding = WORDS
    repo.commits(
        (f"commit {n}", {"src/lib.rs": f"fn f() -> u32 {{\n    {n}\n}}\n"}) for n in range(20)
    )
    place = ("-C", str(repo.path))
    assert main(["backfill", *place]) == 0
    options = ("--tokenizer", str(tokenizer_file), "--jobs", "1")
    assert main(["export", str(folder / "out"), *options, *place]) == 0
    return repo, folder / "out"


@pytest.fixture
def out(exported, capfd, tmp_path, monkeypatch):
    repo, out = exported
    monkeypatch.chdir(repo.path)
    capfd.readouterr()
    return shutil.copytree(out, tmp_path / "out")


@pytest.fixture
def fails(out, capfd):
    """Run a command on the data set, see it fail, and return the one line that it says."""

    def run(command):
        new = str(out.with_name("new"))
        given = [one.replace("OUT", str(out)).replace("NEW", new) for one in COMMANDS[command]]
        assert main(given) == 1
        said = "".join(capfd.readouterr())
        assert said.count("\n") == 1
        return said

    return run


def change(out, **values):
    file = out / "manifest.json"
    file.write_text(json.dumps({**json.loads(file.read_text("utf-8")), **values}), "utf-8")


def test_a_data_set_of_a_future_version_is_refused_in_one_line(out, fails):
    for version in (2, 0, "1", True, None):
        change(out, format_version=version, rsidx_version="7.1.0")
        for command in COMMANDS:
            assert (
                f"has format version {version} (by rsidx 7.1.0), but rsidx {__version__} reads "
                "versions up to 1; upgrade rsidx to read it"
            ) in fails(command)


def test_a_folder_with_another_manifest_is_refused_in_one_line(out, fails):
    for text in ("[]", "{}", '{"format": "csv"}', "[" * 100_000, "nothing"):
        (out / "manifest.json").write_text(text, "utf-8")
        for command in COMMANDS:
            assert "is no export that can be read: " in fails(command)


def test_prompts_of_a_version_that_is_no_longer_written_name_the_last_release(
    out, fails, monkeypatch
):
    monkeypatch.setattr(dataset_format, "LAST_RELEASES", {1: "1.4.2"})
    said = fails("prompt")
    assert f"{out} has format version 1: rsidx 1.4.2 is the last release that writes" in said


def test_an_option_of_a_later_release_is_named_where_a_prompt_would_need_it(out, fails):
    config = json.loads((out / "manifest.json").read_text("utf-8"))["config"]
    change(out, rsidx_version="1.1.0", config={**config, "colour": "red"})
    said = fails("prompt")
    assert f"by rsidx 1.1.0 with options that rsidx {__version__} does not know: colour;" in said
