"""Reading commits and their changes as streams, for any length of object id."""

import os
import re
import threading
import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rsidx.errors import RepositoryError
from rsidx.indexer.git.launcher import GitProcess
from rsidx.indexer.git.repository import DIFF_FLAGS, Repository
from rsidx.store import dates
from rsidx.store.records import ChangeRecord, CommitRecord

_FORMAT = "%H%x00%P%x00%at%x00%ct%x00%an%x00%ae%x00%B%x00"
_N_FIELDS = 7
_FILE_MODES = frozenset({b"100644", b"100755"})
_BOT = re.compile(
    r"\[bot\]|\b(?:dependabot|renovate|greenkeeper|bors|rust-highfive|github-actions|"
    r"mergify|rustbot|snyk-bot|allcontributors|pre-commit-ci)\b",
    re.IGNORECASE,
)
_READ_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class CommitLine:
    """A commit and its parents, as `rev-list` lists them."""

    oid: bytes
    parents: tuple[bytes, ...]


# What fits a command's arguments.
_COMMITS_AT_ONCE = 10_000
_KEPT_NAMES = frozenset({b"Cargo.toml", b".gitattributes"})


def is_indexed_path(path: bytes) -> bool:
    """Tell whether a path is kept: Rust files, Cargo manifests and what is said of files."""
    return path.endswith(b".rs") or path.rpartition(b"/")[2] in _KEPT_NAMES


def list_commits(repository: Repository, revisions: Sequence[str]) -> list[CommitLine]:
    """List the commits reachable from revisions, every parent before its children.

    `revisions` are arguments of `git rev-list`, those from a user checked by `resolve`.
    Raises RepositoryError where git cannot list them.
    """
    return _listed(
        repository, "--topo-order", "--reverse", "--parents", "--ignore-missing", *revisions
    )


def list_these(repository: Repository, commits: Sequence[bytes]) -> list[CommitLine]:
    """List those of the commits that git has, in the order given."""
    lines = []
    for start in range(0, len(commits), _COMMITS_AT_ONCE):
        oids = [oid.hex() for oid in commits[start : start + _COMMITS_AT_ONCE]]
        options = ("--no-walk=unsorted", "--parents", "--ignore-missing")
        lines += _listed(repository, *options, *oids)
    return lines


def _listed(repository: Repository, *args: str) -> list[CommitLine]:
    out = repository.run("rev-list", *args)
    lines = []
    for line in out.splitlines():
        oid, *parents = (bytes.fromhex(word.decode()) for word in line.split())
        lines.append(CommitLine(oid, tuple(parents)))
    return lines


def root_trees(repository: Repository, commits: Sequence[CommitLine]) -> list[bytes]:
    """Return the trees that commits are compared by: their own and their first parents'."""
    wanted = [oid for commit in commits for oid in (commit.oid, *commit.parents[:1])]
    trees: set[bytes] = set()
    for start in range(0, len(wanted), _COMMITS_AT_ONCE):
        oids = [oid.hex() for oid in wanted[start : start + _COMMITS_AT_ONCE]]
        out = repository.run(
            "log", "--no-walk=unsorted", "--ignore-missing", "--no-decorate", "--format=%T", *oids
        )
        trees.update(bytes.fromhex(line.decode()) for line in out.split())
    return sorted(trees)


def resolve(repository: Repository, revision: str) -> str:
    """Return the id of the commit that a user's revision names; raises RepositoryError."""
    out = repository.run(
        "rev-parse", "--verify", "-q", "--end-of-options", f"{revision}^{{commit}}", ok=(0, 1, 128)
    )
    oid = out.decode().strip().removeprefix("--end-of-options\n")
    if not oid:
        raise RepositoryError(f"{revision!r} names no commit in {repository.git_dir}")
    return oid


def resolve_date(repository: Repository, date: str) -> str:
    """Return a user's date as git reads it, in seconds (`@1700000000`).

    Git takes what it cannot read for the present moment; that raises RepositoryError.
    """
    out = repository.run("rev-parse", f"--since={date}").decode().strip()
    seconds = int(out.removeprefix("--max-age="))
    if seconds >= time.time() - 1:
        raise RepositoryError(f"{date!r} is no date in the past that git can read")
    return f"@{seconds}"


def read_refs(repository: Repository) -> dict[bytes, bytes]:
    """Return every ref's full name, and `HEAD`, with the commit that it points at.

    HEAD is the main worktree's, whichever asks. Refs that point at no commit (a tagged blob or
    tree), those of `git replace` and an unborn HEAD are left out.
    """
    out = repository.run(
        "for-each-ref",
        "--format=%(refname)%00%(objecttype)%00%(objectname)%00%(*objecttype)%00%(*objectname)",
    )
    refs = {}
    for line in out.splitlines():
        name, kind, oid, peeled_kind, peeled_oid = line.split(b"\0")
        if kind == b"tag":
            kind, oid = peeled_kind, peeled_oid
        if kind == b"commit" and not name.startswith(b"refs/replace/"):
            refs[name] = bytes.fromhex(oid.decode())
    main = head(replace(repository, git_dir=repository.common_dir))
    if main is not None:
        refs[b"HEAD"] = main
    return refs


def head(repository: Repository) -> bytes | None:
    """Return the commit that this worktree stands on; None for an unborn HEAD."""
    out = repository.run("rev-parse", "--verify", "-q", "HEAD^{commit}", ok=(0, 1, 128)).strip()
    return bytes.fromhex(out.decode()) if out else None


def worktree_heads(repository: Repository) -> list[bytes]:
    """Return the commits that the linked worktrees stand on."""
    heads = [line[5:] for line in _worktree_lines(repository) if line.startswith(b"HEAD ")]
    return [bytes.fromhex(head.decode()) for head in heads if head.strip(b"0")]


def ref_state(repository: Repository) -> tuple[dict[bytes, bytes], list[bytes]]:
    """Return where every ref, HEAD and linked worktree stands: what a sync compares."""
    return read_refs(repository), worktree_heads(repository)


def worktree_folders(repository: Repository) -> list[Path]:
    """Return the folder of each worktree, the main one or the bare repository first."""
    lines = _worktree_lines(repository)
    return [Path(os.fsdecode(line[9:])) for line in lines if line.startswith(b"worktree ")]


def _worktree_lines(repository: Repository) -> list[bytes]:
    return repository.run("worktree", "list", "--porcelain", "-z").split(b"\0")


def committer_time(repository: Repository, commits: Sequence[bytes]) -> int:
    """Return the earliest date of commits that git has, in seconds; 0 if none has one."""
    oids = [oid.hex() for oid in commits]
    out = repository.run("log", "--no-walk=unsorted", "--no-decorate", "--format=%ct", *oids)
    known = (dates.parsed(line) for line in out.split(b"\n")[:-1])
    return min((date for date in known if date != dates.NO_DATE), default=dates.NO_DATE)


def find_root(repository: Repository) -> bytes | None:
    """Return the smallest root commit's id; None in a shallow clone, whose roots are cut off."""
    if shallow_boundary(repository):
        return None
    out = repository.run("rev-list", "--max-parents=0", "--exclude=refs/replace/*", "--all")
    return min((bytes.fromhex(line.decode()) for line in out.split()), default=None)


def shallow_boundary(repository: Repository) -> frozenset[bytes]:
    """Return the commits whose parents a shallow clone lacks."""
    try:
        lines = repository.shallow_file.read_bytes().split()
    except FileNotFoundError:
        return frozenset()
    return frozenset(bytes.fromhex(line.decode()) for line in lines)


def read_commits(
    repository: Repository, commits: Sequence[CommitLine], *, renames: bool = True
) -> Generator[CommitRecord]:
    """Yield the commits, in the order given, with what they changed on their first parent.

    A commit that git cannot compare (a tree or blob is missing) is retried without renames,
    then comes with the state `unreadable` and no changes; the stream goes on after it.
    """
    position = 0
    while position < len(commits):
        for record in _stream(repository, commits[position:], renames=renames):
            yield record
            position += 1
        if position < len(commits):
            yield _retried(repository, commits[position], renames=renames)
            position += 1


def _retried(repository: Repository, commit: CommitLine, *, renames: bool) -> CommitRecord:
    for detect in dict.fromkeys((renames, False)):
        for record in _stream(repository, [commit], renames=detect):
            return record
    out = repository.run(
        "log", "-1", "-z", "--no-decorate", f"--format={_FORMAT}", commit.oid.hex(), ok=(0, 128)
    )
    fields = out.split(b"\0")
    if len(fields) < _N_FIELDS:
        return CommitRecord(commit.oid, commit.parents, 0, 0, "", False, "unreadable")
    return _record(fields, commit.parents, (), "unreadable")


def _stream(
    repository: Repository, commits: Sequence[CommitLine], *, renames: bool
) -> Iterator[CommitRecord]:
    """Yield records until git ends, which is early where it met something unreadable."""
    args = ("--no-walk=unsorted", "--stdin", "--no-decorate", "--encoding=UTF-8")
    raw = ("--raw", "-z", "--no-abbrev", "--diff-merges=first-parent", "--ignore-submodules=all")
    detect = "--find-renames=50%" if renames else "--no-renames"
    with repository.process("log", *args, *raw, *DIFF_FLAGS, detect, f"--format={_FORMAT}") as git:
        feeder = threading.Thread(target=_feed, args=(git, commits), daemon=True)
        feeder.start()
        last = None
        for record in _parse(_fields(git), commits):
            if last is not None:
                yield last
            last = record
        feeder.join()
        # Where git broke off, nobody knows whether the last comparison was whole.
        if last is not None and git.finish()[0] == 0:
            yield last


def _feed(git: GitProcess, commits: Iterable[CommitLine]) -> None:
    try:
        git.stdin.writelines(commit.oid.hex().encode() + b"\n" for commit in commits)
        git.stdin.close()
    except (BrokenPipeError, ValueError):
        pass  # Git has ended early; the reader sees how far it came.


def _fields(git: GitProcess) -> Iterator[bytes]:
    rest = b""
    while data := git.stdout.read(_READ_BYTES):
        *whole, rest = (rest + data).split(b"\0")
        yield from whole
    if rest.strip():
        yield rest


def _parse(fields: Iterator[bytes], commits: Sequence[CommitLine]) -> Iterator[CommitRecord]:
    """Parse NUL-separated fields: a commit's header, then its raw entries."""
    lines = iter(commits)
    header: list[bytes] = []
    parents: tuple[bytes, ...] = ()
    changes: list[ChangeRecord] = []
    for field in fields:
        entry = field.lstrip(b"\n")
        if entry.startswith(b":"):
            changes += _changes(entry, fields)
        elif entry:
            if header:
                yield _record(header, parents, tuple(changes), "ok")
            header = [entry]
            for _ in range(_N_FIELDS - 1):
                header.append(next(fields, b""))
            parents = next(lines).parents
            changes = []
    if header:
        yield _record(header, parents, tuple(changes), "ok")


def raw_changes(out: bytes) -> list[ChangeRecord]:
    """Return the changes that `git diff-index --raw -z` printed, as those of a commit."""
    fields = iter(out.split(b"\0"))
    return [change for entry in fields if entry for change in _changes(entry, fields)]


def _changes(entry: bytes, fields: Iterator[bytes]) -> Iterator[ChangeRecord]:
    """Turn a raw entry into changes of Rust files and manifests, none for other files."""
    old_mode, new_mode, old_hex, new_hex, status = entry[1:].split(b" ")
    old_path = next(fields)
    new_path = next(fields) if status[:1] in b"RC" else old_path
    old = bytes.fromhex(old_hex.decode()) if old_mode in _FILE_MODES else None
    new = bytes.fromhex(new_hex.decode()) if new_mode in _FILE_MODES else None
    old = old if is_indexed_path(old_path) else None
    new = new if is_indexed_path(new_path) else None
    if old is None and new is None:
        return
    if status[:1] == b"C":
        old = None
    if old_path == new_path or old is None or new is None:
        kind = "A" if old is None else "D" if new is None else "M"
        path = old_path if kind == "D" else new_path
        if old != new:
            yield ChangeRecord(kind, path, None, old, new)
    else:
        yield ChangeRecord("R", new_path, old_path, old, new)


def _record(
    header: list[bytes], parents: tuple[bytes, ...], changes: tuple[ChangeRecord, ...], state: str
) -> CommitRecord:
    oid, _, author_time, committer_time, author, email, message = header[:_N_FIELDS]
    who = f"{author.decode('utf-8', 'replace')} {email.decode('utf-8', 'replace')}"
    return CommitRecord(
        oid=bytes.fromhex(oid.decode()),
        parents=parents,
        author_time=dates.parsed(author_time),
        committer_time=dates.parsed(committer_time),
        message=message.decode("utf-8", "replace").strip(),
        is_bot=_BOT.search(who) is not None,
        state=state,
        changes=changes,
    )


def list_tree(repository: Repository, commit: bytes) -> tuple[tuple[bytes, bytes], ...]:
    """Return (path, blob) of each file kept in a commit's tree; empty where it is unreadable."""
    out = repository.run("ls-tree", "-r", "-z", "--full-tree", commit.hex(), ok=(0, 1, 128))
    found = []
    for entry in out.split(b"\0"):
        facts, _, path = entry.partition(b"\t")
        if path and is_indexed_path(path):
            mode, _, oid = facts.split(b" ")
            if mode in _FILE_MODES:
                found.append((path, bytes.fromhex(oid.decode())))
    return tuple(found)
