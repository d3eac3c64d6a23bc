"""A repository whose settings name a program wherever git can run one: rsidx runs none of them.

That the trap works is tested, too: plain git falls into it.
"""

import shutil
import subprocess
import sys
from dataclasses import dataclass

import pytest

from rsidx.__main__ import main
from rsidx.indexer.git import launcher
from rsidx.indexer.git.discovery import discover

DRIVERS = ("textconv", "command", "clean", "smudge", "process", "driver")
HOOKS = (
    "applypatch-msg", "commit-msg", "fsmonitor-watchman", "post-applypatch", "post-checkout",
    "post-commit", "post-index-change", "post-merge", "post-receive", "post-rewrite",
    "post-update", "pre-applypatch", "pre-auto-gc", "pre-commit", "pre-merge-commit", "pre-push",
    "pre-rebase", "pre-receive", "prepare-commit-msg", "proc-receive", "push-to-checkout",
    "reference-transaction", "sendemail-validate", "update",
)  # fmt: skip


@pytest.fixture
def trap(tmp_path):
    """A program that writes down that it ran, and with what."""
    program = tmp_path / "trap"
    fell = tmp_path / "fell"
    program.write_text(f'#!/bin/sh\necho "$0 $*" >>{fell}\nexit 1\n')
    program.chmod(0o755)
    return program, fell


@pytest.fixture
def hostile(repo, trap, tokenizer_file):
    program, _ = trap
    for n in range(14):
        repo.commit(f"commit number {n}", {
            "src/lib.rs": f"pub fn f{n}() -> u32 {{ g({n}) }}\n\nfn g(x: u32) -> u32 {{ x }}\n",
            "Cargo.toml": f'[package]\nname = "hostile"\nversion = "0.0.{n}"\n',
            ".gitattributes": "* diff=trap filter=trap merge=trap\n",
        })  # fmt: skip
    missing = repo.blob("HEAD~3", "src/lib.rs")
    oid = repo.git("rev-parse", "HEAD~3:src/lib.rs")
    assert missing
    (repo.path / ".git/objects" / oid[:2] / oid[2:]).unlink()
    folder = repo.path / ".git/trapped-hooks"
    folder.mkdir()
    (repo.path / ".git/hooks").mkdir()
    for name in HOOKS:
        shutil.copy(program, folder / name)
        shutil.copy(program, repo.path / ".git/hooks" / name)
    shutil.copytree(folder, repo.path / ".git/rsidx", dirs_exist_ok=True)
    (repo.path / ".git/rsidx").chmod(0o700)
    shutil.copy(program, repo.path / ".git/rsidx/hook")
    settings = {
        "core.fsmonitor": program, "core.hooksPath": folder, "core.pager": program,
        "core.editor": program, "core.sshCommand": program, "core.gitProxy": program,
        "core.askPass": program, "core.alternateRefsCommand": program, "core.untrackedCache": True,
        "sequence.editor": program, "gpg.program": program, "gpg.ssh.program": program,
        "gpg.x509.program": program, "gpg.ssh.defaultKeyCommand": program,
        "log.showSignature": True, "diff.external": program, "diff.trap.wordRegex": ".",
        "interactive.diffFilter": program, "credential.helper": f"!{program}",
        "uploadpack.packObjectsHook": program, "remote.origin.url": f"ext::{program} x",
        "remote.origin.promisor": True, "remote.origin.partialclonefilter": "blob:none",
        "remote.origin.uploadpack": program, "remote.origin.vcs": "trap",
        "remote.origin.proxy": "http://127.0.0.1:9", "protocol.allow": "always",
        "protocol.ext.allow": "always", "extensions.partialClone": "origin",
        "core.repositoryFormatVersion": 1, "trailer.x.command": program, "trailer.x.cmd": program,
        "browser.x.cmd": program, "web.browser": "x", "man.viewer": "x", "man.x.cmd": program,
        "difftool.x.cmd": program, "mergetool.x.cmd": program, "sendemail.smtpServer": program,
        "fetch.recurseSubmodules": True, "submodule.recurse": True,
        "submodule.x.update": f"!{program}",
        "hook.rsidx.command": program, "hook.rsidx.event": "post-commit",
        "hook.trap.command": program, "hook.trap.event": "post-commit",
        "include.path": "trapped-hooks/more",
    }  # fmt: skip
    for command in ("log", "rev-list", "cat-file", "for-each-ref", "ls-tree", "diff", "status"):
        settings[f"alias.{command}"] = f"!{program}"
        settings[f"pager.{command}"] = program
    for driver in DRIVERS:
        for section in ("diff", "filter", "merge"):
            settings[f"{section}.trap.{driver}"] = program
    for key, value in settings.items():
        repo.git("config", key, str(value).lower() if isinstance(value, bool) else str(value))
    place = ["-C", str(repo.path)]
    out, tokenizer = repo.path.parent / "out", str(tokenizer_file)
    keep = ["--keep", "messages", "--jobs", "2"]
    commands = [
        ["backfill", *place, "--all"],
        ["backfill", *place, "--jobs", "2", "--since", "2020-01-01"],
        ["hooks", "run", *place],
        ["hooks", "status", *place],
        ["hooks", "snippet"],
        ["hooks", "wake", *place],
        ["status", *place],
        ["doctor", *place],
        ["symbols", "f13", *place],
        ["symbols", "f13", *place, "--at", "worktree"],
        ["refs", "g", *place, "--at", "HEAD"],
        ["show", "HEAD", *place],
        ["context", "src/lib.rs:f13", *place, "--at", "worktree"],
        ["tokenizer", "train", str(repo.path.parent / "trained"), *place, "--size", "2000"],
        ["export", str(out), *place, "--tokenizer", tokenizer, *keep],
        ["verify", str(out), *place],
        ["inspect", str(out)],
        ["prompt", "src/lib.rs:f13", *place, "--like", str(out), "--message", "x"],
        ["forget", "Cargo.toml", *place],
        ["gc", *place],
    ]
    return repo, commands


@dataclass(frozen=True)
class Result:
    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def run(capfd):
    def run(command, **variables):
        with pytest.MonkeyPatch.context() as patched:
            for name, value in variables.items():
                patched.setenv(name, value)
            capfd.readouterr()
            return Result(main(command), *capfd.readouterr())

    return run


def files_outside(repo):
    """What is in the worktree, and in git's folder beside the index."""
    return {
        str(path.relative_to(repo.path)): path.stat().st_mtime_ns
        for path in repo.path.rglob("*")
        if path.is_file() and not path.is_relative_to(repo.path / ".git/rsidx")
    }


@pytest.mark.slow
def test_no_program_of_the_repository_runs_and_nothing_outside_is_written(hostile, trap, run, wait):
    repo, commands = hostile
    _, fell = trap
    fell.unlink(missing_ok=True)
    before = files_outside(repo)
    done = {}
    log = discover(repo.path).common_dir / "rsidx/index.db.log"
    for command in commands:
        n_syncs = log.read_text().count("sync: ") if log.exists() else 0
        if command[:2] == ["hooks", "wake"]:
            # It leaves a process behind, which is not for this one to end.
            program = [sys.executable, "-P", "-m", "rsidx", *command]
            result = subprocess.run(program, capture_output=True, text=True, check=False)
            wait(lambda: log.read_text().count("sync: ") > n_syncs)  # noqa: B023
        else:
            result = run(command)
        done[" ".join(command[:2])] = result
        assert not fell.exists(), f"{command}: {fell.read_text()}"
        assert "unexpected error" not in result.stderr, result.stderr
    assert not fell.exists()
    assert files_outside(repo) == before
    # They did their work; the doctor complains, as it should.
    failed = {name for name, result in done.items() if result.returncode}
    assert failed <= {"doctor -C"}, {name: done[name].stderr for name in failed}


@pytest.mark.slow
def test_the_watcher_runs_none_either(hostile, trap, wait):
    repo, _ = hostile
    _, fell = trap
    fell.unlink(missing_ok=True)
    command = [sys.executable, "-u", "-P", "-m", "rsidx", "watch", "-C", str(repo.path)]
    log = discover(repo.path).common_dir / "rsidx/index.db.log"
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert "watching" in process.stdout.readline()
            wait(lambda: log.exists() and "sync: " in log.read_text())
        finally:
            process.kill()
    assert not fell.exists()


def test_plain_git_falls_into_the_trap(hostile, trap):
    repo, _ = hostile
    _, fell = trap
    for command in (
        ("status",), ("log", "-p", "--ext-diff"), ("cat-file", "-e", "HEAD~3:src/lib.rs"),
        ("commit", "--allow-empty", "-q", "-m", "x"),
    ):  # fmt: skip
        fell.unlink(missing_ok=True)
        repo.git(*command, check=False, GIT_NO_LAZY_FETCH="0")
        assert fell.exists(), command


@pytest.fixture
def promised(repo, trap):
    """A partial clone whose remote's address is a command, and a blob that it lacks."""
    program, _ = trap
    repo.commit("commit number 1", {"src/lib.rs": "pub fn f() {}\n"})
    repo.commit("commit number 2", {"src/lib.rs": "pub fn f() -> u32 { 1 }\n"})
    oid = repo.git("rev-parse", "HEAD~1:src/lib.rs")
    (repo.path / ".git/objects" / oid[:2] / oid[2:]).unlink()
    for key, value in {
        "core.repositoryFormatVersion": "1", "extensions.partialClone": "origin",
        "remote.origin.promisor": "true", "remote.origin.partialclonefilter": "blob:none",
        "remote.origin.url": f"ext::{program} x", "protocol.ext.allow": "always",
    }.items():  # fmt: skip
        repo.git("config", key, value)
    return repo, oid


def test_nothing_is_fetched_where_git_knows_no_variable_that_forbids_it(
    promised, trap, monkeypatch
):
    repo, oid = promised
    _, fell = trap
    repo.git(
        "-c", "protocol.allow=never", "cat-file", "-e", oid, check=False, GIT_NO_LAZY_FETCH="0"
    )
    assert fell.exists(), "the settings of one protocol count for more than those of all"
    fell.unlink()
    # As git before 2.45 has it.
    monkeypatch.setitem(launcher.LOCAL_ENVIRONMENT, "GIT_NO_LAZY_FETCH", "0")
    assert not discover(repo.path).succeeds("cat-file", "-e", oid)
    assert not fell.exists(), fell.read_text()


def test_a_fetch_takes_no_command_for_an_address(promised, trap, run):
    repo, _ = promised
    _, fell = trap
    result = run(["backfill", "-C", str(repo.path), "--fetch"])
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == "rsidx: git fetch failed: transport 'ext' not allowed\n"
    assert not fell.exists(), fell.read_text()


SETTINGS = {
    "db": ('db = "elsewhere.db"', "backfill"),
    "backfill.db": ('[backfill]\ndb = "elsewhere.db"', "backfill"),
    "backfill.fetch": ("[backfill]\nfetch = true", "backfill"),
    "fetch": ("fetch = true", "backfill"),
    "apply.write": ("[apply]\nwrite = true", "apply"),
    "export.keep": ('[export]\nkeep = ["secrets"]', "export"),
    "export.tokenizer": ('[export]\ntokenizer = "owner/name"', "export"),
}
"""What a repository's own file must not set: its key, the file, and what it would do harm in."""


def test_the_repository_s_own_file_is_refused_what_could_do_harm(hostile, trap, hub, run):
    repo, _ = hostile
    _, fell = trap
    place = ["-C", str(repo.path)]
    out = repo.path.parent / "out"
    code = repo.path.parent / "code.rs"
    code.write_text("pub fn f13() -> u32 { 7 }\n")
    commands = {
        "backfill": ["backfill", *place, "--all"],
        "apply": ["apply", "src/lib.rs:f13", str(code), *place],
        "export": ["export", str(out), *place, "--keep", "messages"],
    }
    file = repo.path / "rsidx.toml"
    file.write_text("")
    fell.unlink(missing_ok=True)
    before = {**files_outside(repo), "rsidx.toml": None}
    for key, (text, name) in SETTINGS.items():
        file.write_text(f"{text}\n")
        refused = run(commands[name], **hub.environment)
        assert (refused.returncode, refused.stdout) == (1, ""), key
        assert f"rsidx.toml: {key}: a repository's own file may" in refused.stderr
        assert "set it in" in refused.stderr
        assert refused.stderr.count("\n") == 1
    file.write_text('db = "x.db"\n[backfill]\nfetch = true\n[hooks.run]\nmax-bytes = 1\n')
    assert run(["hooks", "run", *place], **hub.environment).returncode == 0
    log = (repo.path / ".git/rsidx/index.db.log").read_text()
    for key in ("db", "hooks.run.max-bytes"):
        assert f"rsidx.toml: {key}: a repository's own file may not set this" in log
    assert "sync: " in log
    assert not fell.exists(), fell.read_text()
    assert hub.asked == []
    assert not out.exists()
    assert {**files_outside(repo), "rsidx.toml": None} == before


def test_a_file_that_the_user_names_may_say_where_to_write(repo, run, tmp_path):
    repo.commit("one", {"a.rs": "fn a() {}\n"})
    target = tmp_path / "elsewhere.db"
    (repo.path / "rsidx.toml").write_text(f'db = "{target}"\n')
    named = ["--config", str(repo.path / "rsidx.toml")]
    assert run(["backfill", "-C", str(repo.path), *named]).returncode == 0
    assert target.stat().st_mode & 0o777 == 0o600
