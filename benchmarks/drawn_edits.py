"""Real edits of a history, drawn at random, with the bytes that each replaces."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import tree_sitter_rust
from baselines import Repository
from tree_sitter import Language, Node, Parser

import rsidx

_PARSER = Parser(Language(tree_sitter_rust.language()))
_BODIES = ("body", "value", "type")
_DEFINITIONS = {
    "const_item",
    "enum_item",
    "function_item",
    "static_item",
    "struct_item",
    "type_item",
    "union_item",
}
WHOLE_FILE = "file"


@dataclass(frozen=True, slots=True)
class Drawn:
    """An edit of a commit: the bytes that it replaces in a file, and what it puts there.

    `exchanged` is the part of `new`, as a range, that another edit's may stand in for.
    """

    commit: rsidx.Commit
    path: str
    change: str
    kind: str
    symbol: str
    place: tuple[int, int]
    new_place: tuple[int, int]
    new: bytes
    exchanged: tuple[int, int]
    shape: str

    @property
    def group(self) -> tuple[str, str, str]:
        """What an edit must share with another to get its code."""
        return self.change, self.kind, self.shape

    @property
    def code(self) -> bytes:
        """What another edit gets."""
        return self.new[slice(*self.exchanged)]

    def with_code_of(self, other: "Drawn") -> bytes:
        """Return the new code with that of another edit in its place."""
        start, end = self.exchanged
        return self.new[:start] + other.code + self.new[end:]


class History:
    """Draws edits of a repository's history."""

    def __init__(self, repository: Repository, index: rsidx.Index, seed: int) -> None:
        self._repository = repository
        self._index = index
        self.random = random.Random(seed)
        commits = [commit for commit in index.commits() if len(commit.parents) == 1]
        self.newest = max(commit.time for commit in commits)
        self._commits = self.random.sample(commits, len(commits))

    def draw(self, n_edits: int, sizes: range, n_per_commit: int) -> list[Drawn]:
        """Return so many edits of random commits that have a number of edits, or all there are."""
        found: list[Drawn] = []
        for commit in self._commits:
            edits = list(commit.edits())
            if len(edits) in sizes:
                usable = [one for one in self._usable(commit, edits) if one.code.strip()]
                found += self.random.sample(usable, min(n_per_commit, len(usable)))
            if len(found) >= n_edits:
                break
        return found

    def _usable(self, commit: rsidx.Commit, edits: Sequence[rsidx.Edit]) -> Iterator[Drawn]:
        """Yield the edits of a commit that code can be exchanged of."""
        by_path: dict[str, list[rsidx.Edit]] = {}
        for edit in edits:
            if edit.path.endswith(".rs") and not set(edit.path) & set('"\n\\'):
                by_path.setdefault(edit.path, []).append(edit)
        for path, there in by_path.items():
            old = self._repository.blob(f"{commit.parents[0]}:{path}")
            new = self._repository.blob(f"{commit.oid}:{path}")
            if new is None:
                continue
            if old is None:
                if all(edit.change == "add" for edit in there):
                    ends = 0, len(new)
                    about = commit, path, "add", WHOLE_FILE, "", (0, 0), ends, new, ends, ""
                    yield Drawn(*about)
                continue
            for edit in there:
                drawn = _drawn(commit, edit, old, new)
                if drawn is not None:
                    yield drawn


def _drawn(commit: rsidx.Commit, edit: rsidx.Edit, old: bytes, new: bytes) -> Drawn | None:
    """Return an edit with its places in both versions of its file; None where they are unclear."""
    if edit.change not in {"add", "modify"} or edit.old_path is not None:
        return None
    code = edit.new.encode()
    new_place = _place(new, edit.new_line, code)
    if new_place is None:
        return None
    if edit.change == "add":
        at = _insertion(old, new, *new_place)
        if at is None:
            return None
        place, shape, exchanged = (at, at), "", (0, len(code))
    else:
        found = _place(old, edit.old_line, edit.old.encode())
        body = (0, len(code), "") if edit.kind == "imports" else _body(code)
        if found is None or body is None:
            return None
        place, exchanged, shape = found, body[:2], body[2]
    about = commit, edit.path, edit.change, edit.kind, edit.symbol
    return Drawn(*about, place, new_place, code, exchanged, shape)


def _place(file: bytes, line: int | None, code: bytes) -> tuple[int, int] | None:
    """Return where code stands in a file that begins, blank lines aside, at a line."""
    if line is None:
        return None
    start = sum(map(len, file.split(b"\n")[: line - 1])) + line - 1
    start -= len(code) - len(code.lstrip(b"\r\n"))
    end = start + len(code)
    return (start, end) if start >= 0 and file[start:end] == code else None


def _insertion(old: bytes, new: bytes, start: int, end: int) -> int | None:
    """Return where new code goes in the old file: by the lines before it, or those behind it."""
    before, behind = new[:start].splitlines(keepends=True), new[end:].splitlines(keepends=True)
    if not old.strip():
        return None
    for n_lines in range(1, len(before) + 1):
        text = b"".join(before[-n_lines:])
        if old.count(text) == 1:
            return old.index(text) + len(text)
        if text not in old:
            break
    for n_lines in range(1, len(behind) + 1):
        text = b"".join(behind[:n_lines])
        if old.count(text) == 1:
            return old.index(text)
        if text not in old:
            break
    return None


def _body(code: bytes) -> tuple[int, int, str] | None:
    """Return where the body of the item in a chunk is, or its value, and what node it is."""
    waiting: list[Node] = [_PARSER.parse(code).root_node]
    while waiting:
        node = waiting.pop(0)
        if node.type in _DEFINITIONS:
            bodies = (node.child_by_field_name(name) for name in _BODIES)
            body = next((one for one in bodies if one is not None), None)
            if body is None:
                return None
            is_block = body.type.endswith(("block", "_list"))
            return body.start_byte, body.end_byte, body.type if is_block else "value"
        waiting += node.children
    return None
