"""Shell completion, in the shells themselves."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

BASH = """
eval "$(_RSIDX_COMPLETE=bash_source rsidx)"
COMP_WORDS=({words}) COMP_CWORD={at}
_rsidx_completion rsidx
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
# Outside of the line editor there is no `compadd`: these print what it would be given.
ZSH = """
compdef() {{ }}
compadd() {{ print -l -- $completions }}
_describe() {{ print -l -- ${{completions_with_descriptions%%:*}} }}
eval "$(_RSIDX_COMPLETE=zsh_source rsidx)"
words=({words}) CURRENT={at}+1
_rsidx_completion
"""
FISH = """
_RSIDX_COMPLETE=fish_source rsidx | source
complete --do-complete "{line}"
"""


def completed(shell, *words):
    """Return what a shell offers for the last of these words."""
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed")
    words = ("rsidx", *words)
    script = {"bash": BASH, "zsh": ZSH, "fish": FISH}[shell].format(
        words=" ".join(word or "''" for word in words), at=len(words) - 1, line=" ".join(words)
    )
    if shell == "bash" and not _is_recent(program):
        pytest.skip("click completes in bash 4.4 and later")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [program, "-c", script],
        capture_output=True, check=True, text=True, env={**os.environ, "PATH": path},
    )  # fmt: skip
    assert not done.stderr
    # fish puts the help behind a tab.
    return [line.partition("\t")[0] for line in done.stdout.splitlines()]


def _is_recent(bash):
    script = "(( BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 404 ))"
    return subprocess.run([bash, "-c", script], check=False).returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_commands_options_and_values_are_completed(shell):
    assert completed(shell, "ba") == ["backfill", "backup"]
    assert completed(shell, "hooks", "un") == ["uninstall"]
    assert completed(shell, "hooks", "install", "--lo") == ["--log-level"]
    assert completed(shell, "hooks", "install", "--log-level", "w") == ["warning"]
