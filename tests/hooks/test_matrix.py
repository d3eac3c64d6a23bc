"""Which hooks fire for which operation, and that the index has its commits after the next wake.

The table is what this git does; `docs/reliability.md` shows it.
"""

import pytest

from rsidx.hooks import install as hooks
from rsidx.indexer.git.discovery import discover
from tests.hooks.installed import in_files, indexed, install, settle

pytestmark = [in_files, pytest.mark.slow]


@pytest.fixture
def traced(repo):
    """A repository with branches to work on, whose hooks write down that they fired."""
    repo.commit("base", {"a.rs": "fn a() {}\n", "b.rs": "fn b() {}\n"})
    for name in ("side", "other"):
        repo.git("checkout", "-q", "-b", name, "main")
        repo.commit(name, {f"{name}.rs": f"fn {name}() {{}}\n"})
    repo.git("checkout", "-q", "main")
    repo.commit("main", {"m.rs": "fn m() {}\n"})
    install(repo)
    for name in hooks.HOOKS:
        path = repo.path / ".git/hooks" / name
        path.write_text(
            path.read_text() + f'echo "{name} $1" >>"$(git rev-parse --git-common-dir)/fired"\n'
        )
    return repo


def fired(repo):
    """The hooks that fired since the last call, and the argument of post-rewrite."""
    file = repo.path / ".git/fired"
    lines = [line.split() for line in file.read_text().splitlines()] if file.exists() else []
    file.unlink(missing_ok=True)
    found = [words[0] if words[0] != "post-rewrite" else " ".join(words) for words in lines]
    return list(dict.fromkeys(found))


def conflict(repo):
    repo.git("checkout", "-q", "-b", "conflict", "side~1")
    repo.commit("conflict", {"side.rs": "fn conflict() {}\n"})
    fired(repo)
    assert repo.git("merge", "side", status=True)
    repo.write({"side.rs": "fn resolved() {}\n"})
    repo.git("add", "-A")
    repo.git("commit", "-q", "--no-edit")


def patch(repo):
    name = repo.git("format-patch", "-q", "-1", "side", "-o", ".git/patches")
    [file] = (repo.path / ".git/patches").iterdir()
    repo.git("am", "-q", str(file))
    return name


def linked(repo):
    repo.git("worktree", "add", "-q", str(repo.path.parent / "linked"), "side")


def detached(repo):
    oid = repo.git("commit-tree", "HEAD^{tree}", "-p", "HEAD", "-m", "plumbing")
    repo.git("update-ref", "refs/heads/main", oid)


def fetched(repo):
    clone = repo.path.parent / "clone"
    repo.git("clone", "-q", str(repo.path), str(clone))
    other = type(repo)(clone)
    other.time = repo.time + 10_000
    other.commit("far", {"far.rs": "fn far() {}\n"})
    fired(repo)
    repo.git("fetch", "-q", str(clone), "main:fetched")


def stashed(repo):
    repo.write({"a.rs": "fn stashed() {}\n"})
    repo.git("stash", "-q")


MATRIX = {
    "commit": (lambda r: r.commit("x", {"a.rs": "fn x() {}\n"}), ["post-commit"]),
    "amend": (
        lambda r: r.git("commit", "-q", "--amend", "-m", "x"),
        ["post-commit", "post-rewrite amend"],
    ),
    "cherry-pick": (lambda r: r.git("cherry-pick", "side"), ["post-commit"]),
    "revert": (lambda r: r.git("revert", "--no-edit", "HEAD"), ["post-commit"]),
    "merge with a conflict": (conflict, ["post-commit"]),
    "merge": (lambda r: r.git("merge", "-q", "--no-edit", "side"), ["post-merge"]),
    "octopus": (lambda r: r.git("merge", "-q", "--no-edit", "side", "other"), ["post-merge"]),
    "pull": (
        lambda r: r.git("pull", "-q", "--no-rebase", "--no-edit", ".", "side"),
        ["post-merge"],
    ),
    "rebase": (
        lambda r: r.git("rebase", "-q", "side"),
        ["post-checkout", "post-commit", "post-rewrite rebase"],
    ),
    "rebase --apply": (
        lambda r: r.git("rebase", "-q", "--apply", "side"),
        ["post-checkout", "post-applypatch", "post-rewrite rebase"],
    ),
    "am": (patch, ["post-applypatch"]),
    "switch": (lambda r: r.git("switch", "-q", "side"), ["post-checkout"]),
    "worktree add": (linked, ["post-checkout"]),
    "reset": (lambda r: r.git("reset", "-q", "--hard", "side"), []),
    "update-ref": (detached, []),
    "branch -f": (lambda r: r.git("branch", "-f", "other", "side"), []),
    "fetch": (fetched, []),
    "stash": (stashed, []),
}


@pytest.mark.parametrize("operation", MATRIX)
def test_what_fires_and_that_the_index_follows(traced, wait, operation):
    act, expected = MATRIX[operation]
    repository = discover(traced.path)
    known = set(traced.git("rev-list", "--all").split())
    act(traced)
    found = fired(traced)
    assert found == expected
    new = set(traced.git("rev-list", "HEAD", "--branches").split()) - known
    if expected:
        settle(traced, wait, *new)
    else:
        # Nothing woke it; whatever wakes it next brings these, too.
        assert not new & indexed(traced)
        new.add(traced.commit("next", {"n.rs": "fn n() {}\n"}))
        settle(traced, wait, *new)
    log = repository.common_dir / "rsidx/index.db.log"
    wait(lambda: log.exists() and "sync: " in log.read_text())
    assert " ERROR " not in log.read_text()
