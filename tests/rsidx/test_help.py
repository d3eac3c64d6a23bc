"""The help: what is listed, where, and how little is imported for it."""

import subprocess
import sys
from pathlib import Path

import click
from click.testing import CliRunner

import rsidx.commands
from rsidx.commands.root import SECTIONS, root


def listed():
    return [name for section in SECTIONS.values() for name in section]


def test_every_command_stands_in_one_section():
    modules = Path(rsidx.commands.__file__).parent.glob("*.py")
    commands = {module.stem for module in modules if f"def {module.stem}(" in module.read_text()}
    assert sorted(listed()) == sorted(commands - {"root"})
    for name in listed():
        command = root.get_command(click.Context(root), name)
        assert command is not None
        assert command.name == name


def test_help_shows_the_sections_and_cuts_no_line_on_a_narrow_terminal():
    out = CliRunner().invoke(root, ["--help"], prog_name="rsidx", terminal_width=80).output
    _, _, commands = out.partition("Index:\n")
    lines = commands.splitlines()
    titles = [line.removesuffix(":") for line in lines if line.endswith(":")]
    assert titles == list(SECTIONS)[1:]
    for section in SECTIONS.values():
        for name, summary in section.items():
            [line] = [line for line in lines if line.startswith(f"  {name} ")]
            assert line.split(maxsplit=1)[1] == summary


def test_help_and_completion_import_no_command():
    code = (
        "import os, sys\n"
        "from rsidx.__main__ import main\n"
        "try:\n"
        "    main(sys.argv[1:])\n"
        "finally:\n"
        "    print([m for m in sys.modules if m.startswith('rsidx.commands.')])\n"
    )
    for arguments, variables in (
        (["--help"], {}),
        (
            [],
            {"_RSIDX_COMPLETE": "bash_complete", "COMP_WORDS": "rsidx ", "COMP_CWORD": "1"},
        ),
    ):
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments],
            capture_output=True, check=True, text=True, env=variables,
        )  # fmt: skip
        assert "backfill" in done.stdout
        assert done.stdout.splitlines()[-1] == "['rsidx.commands.root']"
