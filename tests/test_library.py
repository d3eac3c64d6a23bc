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


WRONG = "import rsidx\nrsidx.DataSet('x').manifest + 1\nrsidx.open(5).backfil()\n"


@pytest.mark.slow
def test_a_strict_type_checker_accepts_them(tmp_path, typed):
    example = (ROOT / "examples" / "library.py").read_text("utf-8")
    scripts = {"page.py": SCRIPT, "example.py": example, "wrong.py": WRONG}
    for name, text in scripts.items():
        (tmp_path / name).write_text(text)
    environment = {**os.environ, "MYPYPATH": str(typed)}
    command = [
        sys.executable, "-m", "mypy", "--strict", "--python-version", "3.11", "--config-file", "",
        "--cache-dir", str(ROOT / ".mypy_cache" / "library"), "--follow-imports", "silent",
    ]  # fmt: skip
    done = subprocess.run(
        [*command, *scripts], capture_output=True, check=False, text=True, env=environment,
        cwd=tmp_path,
    )  # fmt: skip
    *errors, last = done.stdout.splitlines()
    assert all(error.startswith("wrong.py:") for error in errors), done.stdout
    assert "wrong.py:3: error" in done.stdout
    assert '"Index" has no attribute "backfil"' in done.stdout
    assert last.endswith("in 1 file (checked 3 source files)"), done.stdout + done.stderr


@pytest.mark.slow
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
