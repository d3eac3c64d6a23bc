"""Shell completion, in the shells themselves."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

BASH = """
COMPREPLY=() COMP_WORDS=({words}) COMP_CWORD={at}
_rsidx_completion rsidx
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
ZSH = """
words=({words}) CURRENT={at}+1
_rsidx_completion
"""
FISH = """
complete --do-complete "{line}"
"""
LOAD = {
    "bash": 'eval "$(_RSIDX_COMPLETE=bash_source rsidx)"\n',
    # Outside of the line editor there is no `compadd`: these print what it would be given.
    "zsh": (
        "compdef() { }\ncompadd() { print -l -- $completions }\n"
        "_describe() { print -l -- ${completions_with_descriptions%%:*} }\n"
        'eval "$(_RSIDX_COMPLETE=zsh_source rsidx)"\n'
    ),
    "fish": "_RSIDX_COMPLETE=fish_source rsidx | source\n",
}


def completed(shell, *lines):
    """Return what a shell offers for the last word of each line."""
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed")
    script = LOAD[shell]
    for line in lines:
        words = ("rsidx", *line.split(" "))
        script += {"bash": BASH, "zsh": ZSH, "fish": FISH}[shell].format(
            words=" ".join(word or "''" for word in words), at=len(words) - 1, line=" ".join(words)
        )
        script += "printf '%s\\n' next\n"
    if shell == "bash" and not _is_recent(program):
        pytest.skip("click completes in bash 4.4 and later")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [program, "-c", script],
        capture_output=True, check=True, text=True, env={**os.environ, "PATH": path},
    )  # fmt: skip
    assert not done.stderr
    *offers, rest = done.stdout.split("next\n")
    assert rest == ""
    # fish puts the help behind a tab.
    return [[line.partition("\t")[0] for line in offer.splitlines()] for offer in offers]


def _is_recent(bash):
    script = "(( BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 404 ))"
    return subprocess.run([bash, "-c", script], check=False).returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_commands_options_and_values_are_completed(shell):
    lines = ("ba", "hooks un", "hooks install --lo", "hooks install --log-level w")
    assert completed(shell, *lines) == [
        ["backfill", "backup"], ["uninstall"], ["--log-level"], ["warning"],
    ]  # fmt: skip
