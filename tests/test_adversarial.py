"""No text of a repository keeps rsidx busy: each is met by a process with little CPU time."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tokenizers import Tokenizer

from tests.adversarial import N_CHARS, files

ROOT = Path(__file__).parents[1]
FOLDERS = ("corpus", "evaluation", "exporters", "hooks", "indexer", "rsidx", "serving", "store")
_LIMITED = """
import resource
resource.setrlimit(resource.RLIMIT_CPU, (100, 101))
"""


def limited(script, *args):
    """Run a script that takes a second of CPU time, or hours; a hang gets it killed."""
    command = [sys.executable, "-c", _LIMITED + script, *args]
    return subprocess.run(command, capture_output=True, text=True, check=False)


_LISTS = """
from rsidx.exporters.filters.hygiene import is_encoded
elements = (b"1234567890, " * 63 + b"12x", (b"0x1f, " * 63 + b"x") * 2000)
for text in (*elements, b"1" * 1_000_000 + b"," * 64, (b"1," + b" " * 9000) * 100):
    is_encoded(text)
"""


def test_long_lists_of_numbers_are_told_in_linear_time():
    result = limited(_LISTS)
    assert result.returncode == 0, result.stderr or f"killed by signal {-result.returncode}"


_KNOWN = """
from rsidx.exporters.filters.secrets import KnownSecrets
values = {f"prefix_{n:036d}".encode(): "KEY" for n in range(100_000)}
assert sum(1 for _ in KnownSecrets(values).occurrences(b" ".join(values))) == len(values)
"""


@pytest.mark.slow
def test_many_known_secrets_are_found_in_linear_time():
    result = limited(_KNOWN)
    assert result.returncode == 0, result.stderr or f"killed by signal {-result.returncode}"


@pytest.mark.slow
@pytest.mark.parametrize("what", ["patterns", "calls"])
def test_no_text_takes_long(what, tokenizer_file):
    args = [str(tokenizer_file)] if what == "calls" else []
    command = [sys.executable, "-m", "tests.adversarial", what, *args]
    env = {**os.environ, "RSIDX_TEST_CHARS": str(N_CHARS)}
    result = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert result.returncode == 0, f"it died at: {result.stderr.splitlines()[-1:]}"
    assert result.stdout == ""
    # Of every pattern and call, and each text.
    assert len(result.stderr.splitlines()) > 400


@pytest.mark.slow
def test_a_repository_of_such_texts_is_indexed_exported_and_verified(
    repo, tokenizer_file, tmp_path
):
    tokenizer = Tokenizer.from_file(str(tokenizer_file))
    tokenizer.add_special_tokens(["<fim_prefix>", "<fim_middle>", "<fim_suffix>"])
    tokenizer.save(str(tmp_path / "tokenizer.json"))

    for n, change in enumerate(("one", "another", "a third")):
        repo.commit(f"Say {change} everywhere", files(N_CHARS // 300 + n, change))
    args = ["pipeline", str(repo.path), str(tmp_path / "tokenizer.json")]
    command = [sys.executable, "-m", "tests.adversarial", *args]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, f"it died after: {result.stderr[-2000:]}"
    assert result.stdout == ""


def test_every_pattern_stands_where_the_test_above_finds_it():
    inside = []
    for folder in FOLDERS:
        for file in sorted((ROOT / folder).rglob("*.py")):
            tree = ast.parse(file.read_text("utf-8"))
            functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.Lambda)]
            calls = {n for f in functions for n in ast.walk(f) if isinstance(n, ast.Call)}
            inside += [
                f"{file.relative_to(ROOT)}: {ast.unparse(call)}"
                for call in calls
                if ast.unparse(call.func).startswith("re.")
                and ast.unparse(call.func) != "re.escape"
                and "escape" not in ast.unparse(call)
            ]
    # Made of what `_one` and `_set` return: tested with patterns of all kinds.
    assert [one for one in inside if not one.startswith("exporters/filters/globs.py")] == []
