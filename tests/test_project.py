"""The project itself: what is packaged, and that the generated pages are current."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDERS = (
    "corpus",
    "evaluation",
    "exporters",
    "hooks",
    "indexer",
    "migrations",
    "serving",
    "store",
)


def test_every_folder_with_code_is_a_listed_package_at_its_import_path():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]
    expected = {}
    for top in ("rsidx", *FOLDERS):
        for init in (ROOT / top).rglob("__init__.py"):
            folder = init.parent.relative_to(ROOT).as_posix()
            name = folder.replace("/", ".")
            expected[name if top == "rsidx" else f"rsidx.{name}"] = folder
    assert sorted(settings["packages"]) == sorted(expected)
    assert settings["package-dir"] == expected


def test_an_init_holds_its_docstring_and_nothing_else():
    for init in ROOT.glob("[!.]*/**/__init__.py"):
        if init.relative_to(ROOT).parts[0] in FOLDERS:
            text = init.read_text("utf-8").strip()
            assert text.startswith('"""')
            assert text.endswith('"""')
            assert text.count('"""') == 2


def test_the_architecture_names_each_module_in_the_paragraph_of_its_package():
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    paragraphs = dict(re.findall(r"^\*\*`([\w/]+)/`\*\*(.*?)\n\n", text, re.MULTILINE | re.DOTALL))
    folders = [
        ROOT / "corpus",
        ROOT / "evaluation",
        ROOT / "serving",
        ROOT / "store",
        *(
            path.parent
            for top in ("evaluation", "exporters")
            for path in ROOT.glob(f"{top}/*/__init__.py")
        ),
    ]
    for folder in folders:
        # Those of the exporters go by their own names.
        name = folder.relative_to(ROOT).as_posix().removeprefix("exporters/")
        named = re.findall(r"`(\w+)`", paragraphs[name])
        modules = {file.stem for file in folder.glob("*.py")} - {"__init__"}
        if folder.name == "formats":  # A module for each format.
            modules = {"registry", "common"}
        assert modules - set(named) == set(), folder
    everywhere = set(re.findall(r"`(?:\w+/)*(\w+)`", text))
    for top in (
        "exporters",
        "hooks",
        "indexer",
        "indexer/git",
        "indexer/rust",
        "rsidx",
        "rsidx/api",
    ):
        modules = {file.stem for file in (ROOT / top).glob("*.py")} - {"__init__", "__main__"}
        assert modules - everywhere == set(), top


def test_only_the_store_has_sql():
    verbs = ("SELECT ", "INSERT ", "UPDATE ", "DELETE ", "CREATE ", "PRAGMA ")
    for folder in ("corpus", "evaluation", "exporters", "hooks", "indexer", "rsidx", "serving"):
        for file in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                if isinstance(node, ast.Import):
                    assert "sqlite3" not in [alias.name for alias in node.names], file
                elif isinstance(node, ast.ImportFrom) and node.module == "sqlalchemy":
                    assert {alias.name for alias in node.names} <= {"Connection", "make_url"}, file
                elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                    assert not node.value.startswith(verbs), file


def test_the_generated_pages_are_current():
    done = subprocess.run(
        [sys.executable, str(ROOT / "docs" / "generate.py"), "--check"],
        capture_output=True, check=False, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
