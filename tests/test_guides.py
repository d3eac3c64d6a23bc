"""The guides of docs/: each command in them prints what the page says."""

import doctest
import io
import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from rsidx.__main__ import main

ROOT = Path(__file__).parents[1]
PAGES = ("getting-started", "hooks", "inspecting", "model", "training")
"""In the order of reading: each goes on where the ones before have stopped."""
_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.DOTALL | re.MULTILINE)
# A time, the size of a file, and git's version differ from machine to machine.
_VARIABLE = re.compile(r"\d+\.\d(?= s\b| kB\b)|(?<=git: )[\d.]+")


def transcript(page):
    """Yield the commands of a page's console blocks, each with its output."""
    for block in _BLOCK.findall((ROOT / "docs" / f"{page}.md").read_text("utf-8")):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            lines = part.splitlines(keepends=True)
            n_lines = 1
            while n_lines < len(lines) and lines[n_lines].startswith(">"):
                n_lines += 1
            command = [lines[0], *(line[1:].removeprefix(" ") for line in lines[1:n_lines])]
            yield "".join(command), "".join(lines[n_lines:])


class Shell:
    """Runs commands one after another, in the folder in which the one before has left it."""

    def __init__(self, home):
        self.home = home
        self.folder = home
        date = "2023-09-01T00:00:00+00:00"
        self.environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "GIT_AUTHOR_NAME": "You", "GIT_AUTHOR_EMAIL": "you@example.com",
            "GIT_COMMITTER_NAME": "You", "GIT_COMMITTER_EMAIL": "you@example.com",
            "GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date,
        }  # fmt: skip

    def run(self, command):
        """Return what a command prints."""
        if command.startswith("cd "):
            self.folder /= shlex.split(command)[1]
            return ""
        if command.startswith("rsidx "):
            return self.rsidx(shlex.split(command)[1:]).replace(str(self.home), "/home/you")
        done = subprocess.run(
            ["bash", "-c", command], cwd=self.folder, env=self.environment, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        return done.stdout.replace(str(self.home), "/home/you")

    def rsidx(self, arguments):
        """Return what a command of rsidx prints; in this process, which has loaded it once."""
        printed = io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True)
        with pytest.MonkeyPatch.context() as patched:
            patched.chdir(self.folder)
            for name, value in self.environment.items():
                patched.setenv(name, value)
            with redirect_stdout(printed), redirect_stderr(printed):
                main(arguments)
        return printed.buffer.getvalue().decode()

    def is_current(self):
        return not json.loads(self.run("rsidx status --json"))["behind"]


@pytest.mark.slow
def test_every_command_prints_what_its_page_says(tmp_path, wait):
    home = tmp_path / "you"
    home.mkdir()
    (home / "examples").symlink_to(ROOT / "examples")
    shell = Shell(home)
    wrong = []
    n_commands = 0
    for page in PAGES:
        for command, expected in transcript(page):
            n_commands += 1
            printed = shell.run(command)
            # A trailing blank or a missing last line break is not seen on a page.
            pair = [
                _VARIABLE.sub("N", "\n".join(line.rstrip() for line in text.splitlines()))
                for text in (expected, printed)
            ]
            if not doctest.OutputChecker().check_output(*pair, doctest.ELLIPSIS):
                wrong.append(f"{page}: $ {command}{printed}")
            if command.startswith("git commit"):
                wait(shell.is_current)
    assert not wrong, "\n".join(wrong)
    assert n_commands > 20


def test_every_extra_for_a_user_is_in_the_table_of_getting_started():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    for_developers = {"benchmarks", "conformance", "dev", "docs", "release", "training"}
    page = (ROOT / "docs" / "getting-started.md").read_text("utf-8")
    listed = set(re.findall(r"^\| `rsidx\[(\w+)\]`", page, re.MULTILINE))
    assert listed == set(project["optional-dependencies"]) - for_developers


def test_the_readme_trains_as_the_guide_does():
    python = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
    [readme] = python.findall((ROOT / "README.md").read_text("utf-8"))
    guide = python.findall((ROOT / "docs" / "training.md").read_text("utf-8"))
    assert [readme] == [one for one in guide if "SFT" in one]
