"""The public names: what they are, that they cost nothing until they are used, and how one goes."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import rsidx
from rsidx import output

ROOT = Path(rsidx.__file__).parent
COMMANDS = sorted((ROOT / "commands").glob("*.py"))
NOT_PUBLIC = {
    "rsidx.option": "declares options",
    "rsidx.output": "prints",
    "rsidx.commands": "options that commands share",
}
OF_ALL_COMMANDS = {"rsidx.config", "rsidx.log"}
"""What sets options and logging up, before a command runs: `options` does that for all."""
HEAVY = ("sqlalchemy", "tokenizers", "tree_sitter", "git", "click", "orjson", "re2", "logging")


def run(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    return done.stdout.strip()


def test_importing_rsidx_loads_nothing_else_of_it_and_no_library():
    loaded = run("import sys, rsidx; print(*sorted(sys.modules))").split()
    assert [name for name in loaded if name.startswith("rsidx")] == ["rsidx"]
    assert {name.partition(".")[0] for name in loaded}.isdisjoint(HEAVY)


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments", [["--help"], ["symbols", "x"], ["hooks", "run"], ["export", "-h"]]
)
def test_a_command_loads_no_extra_and_none_of_what_other_commands_need(arguments, repo):
    repo.commit("one", {"a.rs": "fn x() {}\n"})
    code = (
        "import os, sys\n"
        "from rsidx.__main__ import main\n"
        f"os.chdir({str(repo.path)!r})\n"
        f"main({arguments!r})\n"
        "print(*sorted(sys.modules))\n"
    )
    loaded = run(code).splitlines()[-1].split()
    assert "rsidx.commands.root" in loaded
    assert {"mcp", "pydantic", "anyio", "uvicorn"}.isdisjoint(loaded)
    assert [name for name in loaded if name.startswith(("rsidx.serving", "rsidx.evaluation"))] == []


@pytest.mark.slow
def test_a_public_name_is_loaded_when_it_is_used():
    code = (
        "import rsidx\n"
        "for name in rsidx.__all__:\n"
        "    assert name not in vars(rsidx), name\n"
        "    assert getattr(rsidx, name) is vars(rsidx)[name]\n"
    )
    assert run(code) == ""


@pytest.mark.slow
def test_the_names_are_listed_in_order_and_all_are_there():
    assert rsidx.__all__ == sorted(rsidx.__all__)
    assert [name for name in dir(rsidx) if not name.startswith("_")] == rsidx.__all__
    star = "from rsidx import *; print(*(name for name in dir() if not name.startswith('_')))"
    assert run(star).split() == rsidx.__all__
    with pytest.raises(AttributeError, match="module 'rsidx' has no attribute 'opne'"):
        rsidx.opne  # noqa: B018


def test_a_type_checker_is_told_the_same_names():
    [block] = [node for node in ast.parse((ROOT / "__init__.py").read_text()).body
               if isinstance(node, ast.If)]  # fmt: skip
    told = {alias.name: node.module for node in block.body for alias in node.names}
    assert sorted(told) == rsidx.__all__
    for name, module in told.items():
        assert getattr(sys.modules[getattr(rsidx, name).__module__], name) is getattr(rsidx, name)
        assert rsidx._MODULES.get(name, "rsidx.errors") == module


def test_a_deprecated_name_works_for_one_more_release_and_says_what_to_use(monkeypatch):
    monkeypatch.setitem(rsidx._DEPRECATED, "Dataset", ("0.4", "DataSet"))
    says = "rsidx.Dataset goes with rsidx 0.4; use rsidx.DataSet"
    with pytest.warns(DeprecationWarning, match=says) as caught:
        assert rsidx.Dataset is rsidx.DataSet
    assert Path(caught[0].filename) == Path(__file__)
    assert "Dataset" not in vars(rsidx)


def test_a_name_is_deprecated_in_favour_of_one_that_is_public():
    assert {new for _, new in rsidx._DEPRECATED.values()} <= set(rsidx.__all__)
    assert rsidx._DEPRECATED.keys().isdisjoint(rsidx.__all__)


def imports_of(file):
    """Yield each import of ours in a file: the module, and the names that are taken from it."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, []) for alias in node.names if alias.name.startswith("rsidx"))
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("rsidx"):
            yield node.module, [alias.name for alias in node.names]
        assert not (isinstance(node, ast.ImportFrom) and node.level), file


@pytest.mark.parametrize("file", COMMANDS, ids=lambda file: file.stem)
def test_a_command_imports_public_names_and_what_prints(file):
    allowed = {*NOT_PUBLIC, *(OF_ALL_COMMANDS if file.stem == "options" else ())}
    for module, names in imports_of(file):
        if module == "rsidx":
            inner = {f"rsidx.{name}" for name in names} - {f"rsidx.{n}" for n in rsidx.__all__}
            assert inner <= {*allowed, "rsidx.__version__"}, f"{file.name}: {inner}"
        else:
            assert any(f"{module}.".startswith(f"{name}.") for name in allowed), file.name


def test_the_imports_of_a_command_are_seen(tmp_path):
    file = tmp_path / "bad.py"
    file.write_text("def f():\n    from rsidx.store import queries\nimport rsidx.indexer.sync\n")
    assert sorted(imports_of(file)) == [("rsidx.indexer.sync", []), ("rsidx.store", ["queries"])]
    assert output.__name__ == "rsidx.output"


def test_the_types_are_for_users_too():
    assert (ROOT / "py.typed").exists()
