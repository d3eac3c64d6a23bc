"""What git alone can show in front of an edit: the file around its place, and chunks by BM25."""

import math
import re
import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from heapq import nsmallest
from pathlib import Path
from typing import Protocol, Self

import tree_sitter_rust
from tree_sitter import Language, Node, Parser, Query, QueryCursor

_HUNK = re.compile(rb"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_TERM = re.compile(r"[A-Za-z_]\w+")
_SHARE_BEFORE = 0.7
_MAX_TOKEN_CHARS = 16
_MAX_CHUNK_BYTES = 1500
_MAX_RETRIEVED = 60
_N_QUERY_LINES = 20
_K1 = 1.2
_B = 0.75
_RUST = Language(tree_sitter_rust.language())
_CONTAINERS = {"impl_item", "mod_item", "trait_item", "foreign_mod_item"}
_LEADING = {"attribute_item", "inner_attribute_item", "line_comment", "block_comment"}
_DEFINITIONS = Query(
    _RUST,
    "\n".join(
        f"({kind} name: (_) @name)"
        for kind in (
            "associated_type",
            "const_item",
            "enum_item",
            "enum_variant",
            "field_declaration",
            "function_item",
            "function_signature_item",
            "macro_definition",
            "mod_item",
            "static_item",
            "struct_item",
            "trait_item",
            "type_item",
            "union_item",
        )
    ),
)


class Encoding(Protocol):
    """What is used of an encoded text: the characters that each token stands for."""

    @property
    def offsets(self) -> list[tuple[int, int]]:
        """A token's first character and the one behind its last."""


class Tokenizer(Protocol):
    """What is used of a tokenizer of the library tokenizers."""

    def __hash__(self) -> int:
        """Tell one from another."""

    def encode(self, sequence: str, *, add_special_tokens: bool = True) -> Encoding:
        """Encode a text."""


def offsets(tokenizer: Tokenizer, text: str) -> list[tuple[int, int]]:
    """Return the characters that each token of a text stands for."""
    return tokenizer.encode(text, add_special_tokens=False).offsets


@dataclass(frozen=True, slots=True)
class Hunk:
    """Lines of an old file, counted from 0, and the lines that take their place."""

    old_start: int
    old_end: int
    new_start: int
    new_end: int


def hunks_of(diff: bytes) -> list[Hunk]:
    """Return the hunks of a diff without context (`-U0`)."""
    hunks = []
    for match in _HUNK.finditer(diff):
        old, n_old, new, n_new = (1 if part is None else int(part) for part in match.groups())
        # Where there are no lines, git names the line in front of them.
        old_start = old - 1 if n_old else old
        new_start = new - 1 if n_new else new
        hunks.append(Hunk(old_start, old_start + n_old, new_start, new_start + n_new))
    return hunks


def place_in_old(hunks: Sequence[Hunk], line: int) -> int:
    """Return how many lines of the old file stand in front of a line of the new one, from 0."""
    shift = 0
    for hunk in hunks:
        if line < hunk.new_start:
            break
        if line < hunk.new_end:
            return hunk.old_start
        shift = hunk.old_end - hunk.new_end
    return line + shift


class Repository:
    """Reads a repository through git; closed at the end of a `with` block."""

    def __init__(self, folder: Path) -> None:
        self._git = ["git", "-C", str(folder), "--no-replace-objects"]
        self._blobs = subprocess.Popen(
            [*self._git, "cat-file", "--batch"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.removed_lines = lru_cache(self._removed_lines)
        self.renamed_files = lru_cache(self._renamed_files)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._blobs.communicate()

    def _run(self, *arguments: str) -> bytes:
        done = subprocess.run([*self._git, *arguments], capture_output=True, check=True)
        return done.stdout

    def blob(self, name: str) -> bytes | None:
        """Return a file by its object id or as `COMMIT:PATH`; None where there is none."""
        assert self._blobs.stdin is not None
        assert self._blobs.stdout is not None
        self._blobs.stdin.write(name.encode() + b"\n")
        self._blobs.stdin.flush()
        head = self._blobs.stdout.readline().split()
        if head[-1] in {b"missing", b"ambiguous"}:
            return None
        content = self._blobs.stdout.read(int(head[-1]) + 1)[:-1]
        return content if head[-2] == b"blob" else None

    def tree(self, commit: str) -> dict[str, str]:
        """Return the Rust files of a commit with their object ids."""
        files = {}
        for entry in self._run("ls-tree", "-rz", commit).split(b"\0"):
            if entry.endswith(b".rs") and entry.startswith(b"100"):
                facts, path = entry.split(b"\t", 1)
                files[path.decode("utf-8", "replace")] = facts.split()[2].decode()
        return files

    def hunks(self, old: str, new: str) -> list[Hunk]:
        """Return what differs between two files, named as for `blob`."""
        return hunks_of(self._run("diff", "-U0", "--no-ext-diff", "--no-textconv", old, new))

    def _removed_lines(self, parent: str, commit: str) -> frozenset[str]:
        diff = self._run(
            "diff", "-U0", "--no-renames", "--no-ext-diff", parent, commit, "--", "*.rs"
        )
        lines = diff.decode("utf-8", "replace").splitlines()
        return frozenset(line[1:].strip() for line in lines if line.startswith("-"))

    def _renamed_files(self, parent: str, commit: str) -> frozenset[str]:
        names = self._run("diff", "-M", "--diff-filter=R", "--name-only", "-z", parent, commit)
        return frozenset(name.decode("utf-8", "replace") for name in names.split(b"\0"))


def sides_of(
    repository: Repository,
    parent: str,
    path: str,
    old_range: tuple[int, int] | None,
    new: tuple[str, int, str],
) -> tuple[str, str]:
    """Return the text of the parent's file before and after an edit's place; empty if it is new.

    `new` is the new file's object id, the byte at which the new code starts, and the new code. Of
    modified code, the place is `old_range`; of added code it is where git's diff has it.
    """
    file = repository.blob(f"{parent}:{path}")
    if file is None:
        return "", ""
    if old_range is None:
        blob, start, code = new
        content = repository.blob(blob) or b""
        start += len(code.encode()) - len(code.lstrip().encode())
        line = content.count(b"\n", 0, start)
        lines = file.splitlines(keepends=True)
        n_before = place_in_old(repository.hunks(f"{parent}:{path}", blob), line)
        before, after = b"".join(lines[:n_before]), b"".join(lines[n_before:])
    else:
        before, after = file[: old_range[0]], file[old_range[1] :]
    return before.decode("utf-8", "replace"), after.decode("utf-8", "replace")


def window(tokenizer: Tokenizer, before: str, after: str, n_tokens: int) -> str:
    """Return whole lines around a place: 70% of the tokens before it, 30% behind it.

    What one side does not need, the other gets.
    """
    before = before[-n_tokens * _MAX_TOKEN_CHARS :]
    after = after[: n_tokens * _MAX_TOKEN_CHARS]
    starts = [start for start, _ in offsets(tokenizer, before)]
    ends = [end for _, end in offsets(tokenizer, after)]
    n_before = max(int(_SHARE_BEFORE * n_tokens), n_tokens - len(ends))
    n_after = n_tokens - min(n_before, len(starts))
    if n_before < len(starts):
        cut = starts[len(starts) - n_before]
        before = before[max(0, cut - 1) :].partition("\n")[2]
    if n_after < len(ends):
        after = after[: after.rfind("\n", 0, ends[n_after - 1] if n_after else 0) + 1]
    return before + after


@dataclass(frozen=True, slots=True)
class RustFile:
    """A file's chunks, items and members of long containers, and the names that it defines."""

    chunks: tuple[str, ...]
    names: frozenset[str]


def rust_file(source: bytes) -> RustFile:
    """Parse a file."""
    root = Parser(_RUST).parse(source).root_node
    names = {
        node.text.decode("utf-8", "replace")
        for nodes in QueryCursor(_DEFINITIONS).captures(root).values()
        for node in nodes
        if node.text is not None
    }
    chunks = (source[start:end].decode("utf-8", "replace") for start, end in _ranges(root))
    return RustFile(tuple(chunk for chunk in chunks if _TERM.search(chunk)), frozenset(names))


def _ranges(parent: Node) -> Iterator[tuple[int, int]]:
    start = None
    for node in parent.named_children:
        start = node.start_byte if start is None else start
        if node.type in _LEADING:
            continue
        body = node.child_by_field_name("body")
        if node.type in _CONTAINERS and body and node.end_byte - start > _MAX_CHUNK_BYTES:
            yield start, body.start_byte + 1
            yield from _ranges(body)
        else:
            yield start, node.end_byte
        start = None


class Trees:
    """The Rust files of one commit after another, with BM25 over their chunks."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._files: dict[str, RustFile] = {}
        self._tree: dict[str, str] = {}
        self._chunks: dict[int, tuple[str, str]] = {}
        self._numbers: dict[str, list[int]] = {}
        self._terms: dict[int, Counter[str]] = {}
        self._lengths: dict[int, int] = {}
        self._postings: dict[str, dict[int, int]] = {}
        self._n_terms = 0
        self._n_defining: Counter[str] = Counter()
        self._next = 0

    def move_to(self, commit: str) -> None:
        """Hold the tree of a commit; what it shares with the one before stays."""
        tree = self._repository.tree(commit)
        for path, blob in self._tree.items():
            if tree.get(path) != blob:
                self._remove(path, blob)
        for path, blob in tree.items():
            if self._tree.get(path) != blob:
                self._add(path, blob)
        self._tree = tree

    def is_defined(self, name: str) -> bool:
        """Tell whether a name is defined anywhere in the tree."""
        return self._n_defining[name] > 0

    def _add(self, path: str, blob: str) -> None:
        if blob not in self._files:
            self._files[blob] = rust_file(self._repository.blob(blob) or b"")
        file = self._files[blob]
        self._n_defining.update(file.names)
        self._numbers[path] = []
        for chunk in file.chunks:
            number, self._next = self._next, self._next + 1
            self._numbers[path].append(number)
            self._chunks[number] = (path, chunk)
            self._terms[number] = terms = Counter(_terms(chunk))
            self._lengths[number] = terms.total()
            self._n_terms += terms.total()
            for term, n in terms.items():
                self._postings.setdefault(term, {})[number] = n

    def _remove(self, path: str, blob: str) -> None:
        self._n_defining.subtract(self._files[blob].names)
        for number in self._numbers.pop(path):
            del self._chunks[number]
            terms = self._terms.pop(number)
            self._n_terms -= self._lengths.pop(number)
            for term in terms:
                del self._postings[term][number]

    def search(self, query: str, without: str) -> list[tuple[str, str]]:
        """Return the best chunks of other files, each with its path, by BM25 for words."""
        scores: dict[int, float] = {}
        own = set(self._numbers.get(without, ()))
        n_chunks = len(self._chunks)
        per_term = _K1 * _B * n_chunks / max(self._n_terms, 1)
        for term in sorted(set(_terms(query))):
            postings = self._postings.get(term, {})
            idf = math.log(1 + (n_chunks - len(postings) + 0.5) / (len(postings) + 0.5))
            for number, n in postings.items():
                damping = _K1 * (1 - _B) + per_term * self._lengths[number]
                score = idf * n * (_K1 + 1) / (n + damping)
                scores[number] = scores.get(number, 0.0) + score
        others = (number for number in scores if number not in own)
        best = nsmallest(_MAX_RETRIEVED, others, key=lambda number: (-scores[number], number))
        return [self._chunks[number] for number in best]


def _terms(text: str) -> list[str]:
    return [word.lower() for word in _TERM.findall(text)]


@lru_cache(maxsize=100_000)
def _n_tokens(tokenizer: Tokenizer, text: str) -> int:
    return len(offsets(tokenizer, text))


def query_of(message: str, path: str, old: str, before: str) -> str:
    """Return what BM25 is asked: message, path and old code, or 20 lines in front of new code."""
    code = old or "\n".join(before.splitlines()[-_N_QUERY_LINES:])
    return f"{message}\n{path}\n{code}"


def filled(
    tokenizer: Tokenizer, chunks: Sequence[tuple[str, str]], n_tokens: int
) -> list[tuple[str, str]]:
    """Return those of the chunks that fit with their paths, chosen best first, in reverse order."""
    chosen = []
    for path, chunk in chunks:
        cost = _n_tokens(tokenizer, f"{path}\n{chunk}\n") + 1
        if cost <= n_tokens:
            chosen.append((path, chunk))
            n_tokens -= cost
    return chosen[::-1]
