"""docs/library.md and examples/library.py: what they show runs, and is typed."""

import doctest
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import rsidx

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "library.md").read_text("utf-8")
[SCRIPT] = re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


@pytest.fixture
def place(tmp_path, monkeypatch, tokenizer_file):
    """A folder that has nothing to do with rsidx, with a repository and a tokenizer in it."""
    folder = tmp_path / "neutral"
    folder.mkdir()
    git = ["git", "-C", folder / "sample"]
    subprocess.run(["git", "init", "-q", "-b", "main", folder / "sample"], check=True)
    with (ROOT / "examples" / "sample-history.fi").open("rb") as stream:
        subprocess.run([*git, "fast-import", "--quiet"], stdin=stream, check=True)
    subprocess.run([*git, "checkout", "-q", "main"], check=True)
    shutil.copy(tokenizer_file, folder / "tokenizer.json")
    monkeypatch.chdir(folder)
    return folder


def run(*arguments, code=0):
    command = [sys.executable, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout, done.stderr


@pytest.mark.slow
def test_the_script_runs_as_it_stands_there(place):
    (place / "sample").rename(place / "ripgrep")
    script = SCRIPT.replace("example.id,", "print('example', example.id),").replace(
        "row.id,", "print('row', row.id),"
    )
    # Processes are started, which would run it again if they ran the main module: it has no guard.
    script = script.replace("index.update()", "index.backfill(jobs=2)")
    (place / "script.py").write_text(script)
    said, complaints = run("script.py")
    assert complaints == ""
    assert said.count("example ") >= said.count("row ") > 26
    (place / "script.py").write_text(SCRIPT)
    assert run("script.py") == ("", "")
    assert rsidx.DataSet("out").verify("ripgrep").ok


@pytest.mark.slow
def test_the_script_makes_an_index_where_there_is_none(place):
    (place / "sample").rename(place / "ripgrep")
    (place / "script.py").write_text(SCRIPT)
    assert run("script.py") == ("", "")
    with rsidx.open("ripgrep") as index:
        assert len(list(index.commits())) == 1


@pytest.fixture(scope="module")
def typed(tmp_path_factory):
    """The packages as an installed rsidx has them, for a type checker: links, and py.typed."""
    folder = tmp_path_factory.mktemp("site-packages")
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]
    (folder / "rsidx").mkdir()
    for name, source in settings["package-dir"].items():
        if name == "rsidx":
            for file in (ROOT / source).iterdir():
                is_listed = file.name in settings["package-data"]["rsidx"]
                if file.is_dir() or file.suffix == ".py" or is_listed:
                    (folder / "rsidx" / file.name).symlink_to(file)
        elif "/" not in source:
            (folder / "rsidx" / name.removeprefix("rsidx.")).symlink_to(ROOT / source)
    assert (folder / "rsidx" / "py.typed").exists()
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("name", ["the page", "the example"])
def test_a_strict_type_checker_accepts_it(tmp_path, typed, name):
    script = tmp_path / "script.py"
    example = (ROOT / "examples" / "library.py").read_text("utf-8")
    script.write_text(SCRIPT if name == "the page" else example)
    environment = {**os.environ, "MYPYPATH": str(typed)}
    command = [
        sys.executable, "-m", "mypy", "--strict", "--python-version", "3.11", "--config-file", "",
        "--cache-dir", str(ROOT / ".mypy_cache" / "library"), "--follow-imports", "silent",
    ]  # fmt: skip

    def check(text):
        script.write_text(text)
        return subprocess.run(
            [*command, str(script)], capture_output=True, check=False, text=True, env=environment,
            cwd=tmp_path,
        )  # fmt: skip

    done = check(script.read_text())
    assert done.returncode == 0, done.stdout + done.stderr
    wrong = check("import rsidx\nrsidx.DataSet('x').manifest + 1\nrsidx.open(5).backfil()\n")
    assert "3: error" in wrong.stdout, wrong.stdout
    assert '"Index" has no attribute "backfil"' in wrong.stdout


def test_the_examples_print_what_the_page_says(place):
    assert place.exists()
    text = "".join(re.findall(r"^```pycon\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE))
    examples = doctest.DocTestParser().get_doctest(text, {}, "library.md", "library.md", 0)
    said = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    found = runner.run(examples, out=said.append)
    assert found.failed == 0, "".join(said)
    assert found.attempted > 30


def test_every_public_name_is_on_the_page():
    on_page = set(re.findall(r"^\.\. auto\w+:: rsidx\.(\w+)", PAGE, re.MULTILINE))
    assert on_page == set(rsidx.__all__)


@pytest.mark.slow
def test_the_example_counts_edits_and_tokens(place):
    script = ROOT / "examples" / "library.py"
    options = ("--tokenizer", "tokenizer.json", "--out", "data", "--top", "2")
    said, complaints = run(script, "sample", *options)
    assert complaints == ""
    lines = said.splitlines()
    assert lines[0] == "26 commits were new to the index"
    assert re.fullmatch(r" +3 +[\d,]+  src/ledger.rs: transfer of impl Ledger", lines[2]), said
    assert rsidx.DataSet(place / "data").verify(place / "sample").ok
    assert run(script, "sample", *options)[0].startswith("0 commits")
    _, complaints = run(script, "nowhere", *options, code=1)
    assert complaints.startswith(
        "library.py: there is neither a repository nor an index at nowhere"
    )
