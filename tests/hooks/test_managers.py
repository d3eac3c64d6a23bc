"""Beside the programs that write hooks themselves: their own files, made by them where they run."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from rsidx.errors import ManagedHooksError
from rsidx.hooks import install as hooks
from rsidx.hooks import managers
from rsidx.hooks.doctor import examine
from rsidx.hooks.script import CALL
from rsidx.hooks.settings import inserted, lefthook_events, merged, parse_yaml, pre_commit_events
from rsidx.indexer.git.discovery import discover
from tests.hooks.installed import in_files, install, settle

pytestmark = in_files
BIN = str(Path(sys.executable).parent)


def run(repo, *command):
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        command, cwd=repo.path, env={**os.environ, "PATH": path}, capture_output=True, check=False
    )
    assert done.returncode == 0, (done.stdout + done.stderr).decode()


def found(name):
    return shutil.which(name, path=f"{BIN}{os.pathsep}{os.environ['PATH']}")


def pre_commit(repo):
    if not found("pre-commit"):
        pytest.skip("pre-commit is not installed")
    (repo.path / ".pre-commit-config.yaml").write_text("repos:\n")
    run(repo, "pre-commit", "install", "-t", "pre-commit", "-t", "post-commit")


def lefthook(repo):
    if not found("lefthook"):
        pytest.skip("lefthook is not installed")
    text = "pre-commit:\n  commands:\n    theirs:\n      run: 'true'\n"
    # One that is there already, which a snippet must not give a second time.
    text += text.replace("pre-commit", "post-commit").replace("'true'", "echo >>.git/theirs")
    (repo.path / "lefthook.yml").write_text(text)
    run(repo, "lefthook", "install")


def husky(repo):
    """Its layout: a folder of its own with stubs, which call a file of the user's."""
    stubs = repo.path / ".husky" / "_"
    stubs.mkdir(parents=True)
    for name in hooks.HOOKS:
        (stubs / name).write_text('#!/usr/bin/env sh\n. "$(dirname "$0")/h"')
        (stubs / name).chmod(0o755)
    (stubs / "h").write_text(
        'theirs=$(dirname "$(dirname "$0")")/$(basename "$0")\n'
        '[ ! -f "$theirs" ] || sh -e "$theirs" "$@"\n'
    )
    repo.git("config", "core.hooksPath", ".husky/_")


def overcommit(repo):
    if not found("overcommit"):
        pytest.skip("overcommit is not installed")
    text = "gemfile: false\nverify_signatures: false\n"
    (repo.path / ".overcommit.yml").write_text(text)
    run(repo, "overcommit", "--install")


def advised(repo, name):
    [manager] = [one for one in managers.MANAGERS if one.name == name]
    return manager.advice(repo.path)


def put(repo, name):
    """Do with a snippet what the message says, and no more."""
    advice = advised(repo, name)
    if name == "husky":
        for event in ("post-commit", "post-merge", "post-rewrite"):
            (repo.path / ".husky" / event).write_text(advice.snippet)
        return
    [file] = re.findall(r"[\w.-]+\.yml|[\w.-]+\.yaml", advice.place)
    paste(repo.path / file, advice)
    apply = managers.manager_of(hook_paths(repo)).apply
    if name != "overcommit":
        run(repo, *apply.split())


def paste(file, advice):
    """Put a snippet where it says, as a person does."""
    lines = file.read_text().splitlines(keepends=True) if file.exists() else []
    if "the comments" not in advice.place:
        file.write_text("".join(lines) + advice.snippet)
        return
    parts = re.split(r"^# behind line (\d+):\n", advice.snippet, flags=re.MULTILINE)[1:]
    for line, text in sorted(zip(map(int, parts[::2]), parts[1::2], strict=True), reverse=True):
        lines.insert(line, text)
    file.write_text("".join(lines))


def hook_paths(repo):
    folder = discover(repo.path).hooks_folder()
    return [folder / event for event in hooks.HOOKS]


def files(repo):
    folder = discover(repo.path).hooks_folder()
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@pytest.mark.slow
@pytest.mark.parametrize("manager", [pre_commit, lefthook, husky, overcommit])
def test_a_manager_is_told_what_to_do_and_then_the_hook_fires(repo, wait, manager, monkeypatch):
    repo.commit("one", {"a.rs": "fn a() {}\n"})
    manager(repo)
    before = files(repo)
    with pytest.raises(ManagedHooksError) as caught:
        install(repo)
    name = manager.__name__.replace("_", "-")
    assert str(caught.value).startswith(f"{name} writes the hooks here: put this into ")
    assert hooks.state(discover(repo.path)).name == "absent"
    assert files(repo) == before
    put(repo, name)
    state = install(repo)
    assert (state.name, state.how) == ("installed", name)
    after = files(repo)
    monkeypatch.setenv("PATH", f"{BIN}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PRE_COMMIT_HOME", str(repo.path.parent / "cache"))
    oid = repo.commit("two", {"a.rs": "fn b() {}\n"})
    settle(repo, wait, oid)
    for n in range(2):
        repo.commit(f"topic {n}", {"t.rs": f"fn t{n}() {{}}\n"})
    repo.git("rebase", "-q", "--force-rebase", "HEAD~2")
    settle(repo, wait, *repo.git("rev-list", "HEAD~2..HEAD").split())
    # The doctor has it run alone where there is a way, and says so where there is none.
    ran = (repo.path / ".git/theirs").read_text() if name == "lefthook" else ""
    [found] = [one for one in doctor(repo) if one.name.startswith("hook in")]
    proven = {"pre-commit": "ok", "lefthook": "ok", "husky": "unproven", "overcommit": "unproven"}
    assert found.verdict == proven[name]
    assert not ran or (repo.path / ".git/theirs").read_text() == ran
    # Nothing of it is ours but the program that they call.
    hooks.uninstall(discover(repo.path))
    assert files(repo) == after
    assert not (repo.path / ".git/rsidx/hook").exists()
    assert hooks.state(discover(repo.path)).name == "absent"
    assert [one.verdict for one in doctor(repo) if one.name.startswith("hook in")] == ["BAD"]
    repo.commit("three", {"a.rs": "fn c() {}\n"})


def test_hooks_that_a_manager_leaves_alone_are_ours(repo, wait):
    if not found("pre-commit"):
        pytest.skip("pre-commit is not installed")
    (repo.path / ".pre-commit-config.yaml").write_text("repos: []\n")
    run(repo, "pre-commit", "install")
    theirs = (repo.path / ".git/hooks/pre-commit").read_bytes()
    assert install(repo).how == "files"
    oid = repo.commit("one", {"a.rs": "fn a() {}\n"}, PATH=f"{BIN}:{os.environ['PATH']}")
    settle(repo, wait, oid)
    hooks.uninstall(discover(repo.path))
    assert (repo.path / ".git/hooks/pre-commit").read_bytes() == theirs


def doctor(repo):
    repository = discover(repo.path)
    return list(examine(repository, str(repository.common_dir / "rsidx" / "index.db")))


STUBS = {
    "pre-commit": "#!/bin/sh\n# File generated by pre-commit: https://pre-commit.com\n"
    "ARGS=(hook-impl --config=.pre-commit-config.yaml --hook-type=EVENT)\n",
    "lefthook": "#!/bin/sh\ncall_lefthook run EVENT\n",
    "overcommit": "#!/usr/bin/env ruby\n# Entrypoint for Overcommit hook integration\n",
    "husky": '#!/usr/bin/env sh\n. "$(dirname "$0")/h"',
}
FILES = {"pre-commit": ".pre-commit-config.yaml", "lefthook": "lefthook.yml",
         "overcommit": ".overcommit.yml"}  # fmt: skip


def stubbed(repo, name, text, events=managers.EVENTS):
    """A repository whose hooks a manager has written, and its settings; the program is there."""
    folder = repo.path / (".husky/_" if name == "husky" else ".git/hooks")
    folder.mkdir(parents=True, exist_ok=True)
    for event in events:
        (folder / event).write_text(STUBS[name].replace("EVENT", event))
        (folder / event).chmod(0o755)
    if name == "husky":
        repo.git("config", "core.hooksPath", ".husky/_")
        (repo.path / ".husky/post-commit").write_text(text)
    else:
        (repo.path / FILES[name]).write_text(text)
    program = repo.path / ".git/rsidx/hook"
    program.parent.mkdir(exist_ok=True)
    program.write_text("#!/bin/sh\n")
    return discover(repo.path)


LEFTHOOK = "post-commit:\n  commands:\n    rsidx:\n      run: " + CALL + "\n"
LOCAL = "repos:\n- repo: local\n  hooks:\n  - id: x\n    entry: sh -c '" + CALL + "'\n"


@pytest.mark.parametrize(
    ("manager", "text"),
    [
        ("pre-commit", "repos: []\n# we used rsidx once\n"),
        ("pre-commit", "# " + LOCAL.replace("\n", "\n# ")),
        ("pre-commit", LOCAL + "    stages: [pre-push]\n"),
        ("pre-commit", "default_stages: [pre-commit]\n" + LOCAL),
        ("pre-commit", LOCAL.replace(CALL, "echo rsidx")),
        ("lefthook", LEFTHOOK + "post-commit:\n  commands:\n    theirs:\n      run: 'true'\n"),
        ("lefthook", LEFTHOOK.replace("post-commit", "pre-push")),
        ("lefthook", LEFTHOOK + "      skip: true\n"),
        ("lefthook", LEFTHOOK.replace("run: ", "run: # ")),
        ("lefthook", "rsidx: true\n"),
        ("overcommit", "PostCommit:\n  Rsidx:\n    command: ['sh', '-c', '" + CALL + "']\n"),
        ("husky", f"# {CALL}\necho rsidx\n"),
    ],
)
def test_a_mention_is_no_call(repo, manager, text):
    repo.commit("one", {"a.rs": "fn a() {}\n"})
    state = hooks.state(stubbed(repo, manager, text))
    assert state.name == "absent"
    assert [one.verdict for one in doctor(repo) if one.name.startswith("hook in")] == ["BAD"]


def test_what_keeps_a_manager_from_it_is_said(repo):
    text = LEFTHOOK + LEFTHOOK
    state = hooks.state(stubbed(repo, "lefthook", text))
    assert "lefthook.yml cannot be read: line 5: the key post-commit is there twice" in state.text
    text = LOCAL + "    stages: [post-commit, post-merge, post-rewrite]\n"
    shutil.rmtree(repo.path / ".git/hooks")
    state = hooks.state(stubbed(repo, "pre-commit", text, ["post-commit"]))
    assert state.name == "partial"
    assert "pre-commit has not written post-merge, post-rewrite; `pre-commit inst" in state.text


def test_settings_are_found_in_each_form_that_lefthook_reads(repo):
    repository = stubbed(repo, "lefthook", "")
    for name, text in {
        ".lefthook.yaml": LEFTHOOK,
        "lefthook.toml": f"[post-commit.commands.rsidx]\nrun = '''{CALL}'''\n",
        "lefthook.json": json.dumps(parse_yaml(LEFTHOOK)),
        "lefthook-local.yml": "post-commit:\n  jobs:\n  - group:\n      jobs:\n      - run: "
        + CALL + "\n",
    }.items():  # fmt: skip
        (repo.path / "lefthook.yml").unlink(missing_ok=True)
        (repo.path / name).write_text(text)
        assert hooks.state(repository).name == "partial", name
        (repo.path / name).unlink()


SETTINGS = {
    "nothing": "",
    "a comment": "# ours\n",
    "a list without indentation": """\
repos:
- repo: https://x.example/y
  rev: v1
  hooks:
  - id: y
""",
    "a list with four spaces": """\
repos:
    - repo: local
      hooks:
          - id: y
            name: y
            language: system
            entry: |
                true
""",
    "an empty list": "repos:\n",
    "keys behind it": """\
repos:
  - repo: meta
    hooks:
      - id: identity

# theirs
fail_fast: false
""",
    "no newline at its end": "fail_fast: true\nrepos:\n- repo: meta\n  hooks: [{id: identity}]",
}


@pytest.mark.parametrize("text", SETTINGS.values(), ids=SETTINGS)
def test_a_snippet_for_pre_commit_fits_what_is_there(repo, text):
    file = repo.path / ".pre-commit-config.yaml"
    file.write_text(text)
    paste(file, advised(repo, "pre-commit"))
    found = parse_yaml(file.read_text())
    assert pre_commit_events(found) == set(managers.EVENTS)
    before = parse_yaml(text) or {}
    assert {key: found[key] for key in before if key != "repos"} == {
        key: before[key] for key in before if key != "repos"
    }
    assert found["repos"][:-1] == (before.get("repos") or [])
    if shutil.which("pre-commit", path=BIN):
        run(repo, "pre-commit", "validate-config")


LOCALS = {
    "nothing": "",
    "a command": "post-commit:\n    commands:\n        theirs:\n            run: echo hi\n",
    "jobs": "post-merge:\n  jobs:\n  - run: echo hi\n\npost-commit:\n  parallel: true\n",
    "an anchor": "post-commit: &all\n  commands:\n    theirs: {run: echo hi}\npost-merge: *all\n",
}


@pytest.mark.parametrize("text", LOCALS.values(), ids=LOCALS)
def test_a_snippet_for_lefthook_fits_what_is_there(repo, text):
    file = repo.path / "lefthook-local.yml"
    file.write_text(text)
    advice = advised(repo, "lefthook")
    if "&" in text:
        # Where keys share their values, nothing can be put into one of them alone.
        assert "merged with what is there" in advice.place
        return
    paste(file, advice)
    found = parse_yaml(file.read_text())
    assert lefthook_events(found) == set(managers.EVENTS)
    if shutil.which("lefthook", path=BIN):
        (repo.path / "lefthook.yml").write_text("")
        run(repo, "lefthook", "validate")


def test_what_is_merged_never_loses_what_was_there():
    wanted = {"a": {"b": [1]}, "c": "d"}
    for text in ("a: {b: [2]}\n", "a: [1]\n", "- a\n", "{a: {}}\n", "a: 1\na: 2\n", "\tx"):
        assert merged(text, wanted) is None, text
    text = "a:\n   b:\n   - 2\n   e: |\n      long\nf: 1 # ours\n"
    assert parse_yaml(inserted(text, merged(text, wanted))) == {
        "a": {"b": [2, 1], "e": "long\n"}, "f": 1, "c": "d",
    }  # fmt: skip
