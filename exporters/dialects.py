"""Dialects: how an example is written down for a model family.

A dialect turns an example into pieces, each a control token or a text. What the pieces spell
is for the model alone; that texts and tokens never mix is the encoder's promise.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Protocol

from rsidx.errors import TokenizerError
from rsidx.exporters.context import SECTIONS
from rsidx.exporters.earlier import EarlierEdit
from rsidx.exporters.examples import Example
from rsidx.exporters.tokens import Encoder
from rsidx.exporters.vocabulary import MARKERS, token_of


@dataclass(frozen=True, slots=True)
class Piece:
    """A control token's spelling, or a text; `role` says what it is for.

    Roles: `prompt`, `context`, `old`, `lead` (the new code before a part), `prefix` and `suffix`
    (what is around a hole), `new` and `end`.
    """

    text: str
    is_control: bool
    role: str


@cache
def control(token: str, role: str = "prompt") -> Piece:
    """Return a control token as a piece."""
    return Piece(token, is_control=True, role=role)


def text(content: str, role: str = "prompt") -> Piece:
    """Return a text as a piece."""
    return Piece(content, is_control=False, role=role)


class Dialect(Protocol):
    """How examples are written for a family of models."""

    name: str
    control_tokens: tuple[str, ...]

    def pieces(
        self, example: Example, shown: Sequence[int], edits: Sequence[int] = ()
    ) -> list[Piece]:
        """Write an example with those excerpts and earlier edits, by index, that are shown."""

    def edit_pieces(self, earlier: EarlierEdit) -> list[Piece]:
        """Write an earlier edit."""

    def file_heading(self, example: Example, index: int) -> str:
        """Return the text that may stand in front of an excerpt to say which file it is from."""


@dataclass(frozen=True, slots=True)
class _Family:
    """The tokens of a model family that mark repositories and files."""

    name: str
    repository: str
    file: str
    tokens: tuple[str, ...] = ()


FAMILIES = (
    _Family("starcoder2", "<repo_name>", "<file_sep>"),
    _Family("qwen", "<|repo_name|>", "<|file_sep|>"),
    _Family(
        "starcoder",
        "<reponame>",
        "<filename>",
        ("<commit_before>", "<commit_msg>", "<commit_after>"),
    ),
)
DIALECTS = ("auto", *(family.name for family in FAMILIES), "generic")


def choose(encoder: Encoder, *, markers: str, name: str) -> Dialect:
    """Return the dialect for a tokenizer, extending it for `markers` `extended`.

    Raises TokenizerError where a dialect is asked for whose tokens the tokenizer lacks.
    """
    family = _family(encoder, name)
    dialect: Dialect
    if markers == "extended":
        dialect = ExtendedDialect(family, encoder.end_token)
        encoder.extend(dialect.new_tokens)
    elif family is None:
        dialect = GenericDialect(encoder.end_token)
    elif family.name == "starcoder":
        dialect = CommitDialect(family, encoder.end_token)
    else:
        dialect = RepositoryDialect(family, encoder.end_token)
    encoder.reserve(dialect.control_tokens)
    return dialect


def choose_sequence(encoder: Encoder, name: str) -> Dialect:
    """Return the dialect of sequences for a tokenizer: by its own tokens, or as comments.

    Raises TokenizerError where a dialect is asked for whose tokens the tokenizer lacks.
    """
    dialect = SequenceDialect(_family(encoder, name), encoder.end_token)
    encoder.reserve(dialect.control_tokens)
    return dialect


def _family(encoder: Encoder, name: str) -> _Family | None:
    for family in FAMILIES:
        needed = (family.repository, family.file, *family.tokens)
        missing = [token for token in needed if not encoder.has(token)]
        if name == family.name and missing:
            raise TokenizerError(
                f"the tokenizer lacks {', '.join(missing)}, which the dialect {name} needs; "
                "leave --dialect out to have one chosen by what the tokenizer has"
            )
        if name in ("auto", family.name) and not missing:
            return family
    return None


def _sections(example: Example, shown: Sequence[int]) -> Iterator[tuple[str, list[int]]]:
    """Yield each section that is not empty, with its excerpts in the order of their places."""
    for section in SECTIONS:
        inside = [index for index in shown if example.excerpts[index].section == section]
        if inside:
            inside.sort(key=lambda i: (example.excerpt_paths[i], example.excerpts[i].ranges))
            yield section, inside


class _FileHeadings:
    """Context as files, each under its path."""

    def file_heading(self, example: Example, index: int) -> str:
        """Return the path, as it stands on a line of its own."""
        return f"{example.excerpt_paths[index]}\n"


class WithoutEdits:
    """No earlier edits: what shows the file around has no room for them."""

    def edit_pieces(self, earlier: EarlierEdit) -> list[Piece]:
        """Write nothing."""
        del earlier
        return []


class ExtendedDialect(_FileHeadings):
    """The documented vocabulary: a marker around each section, old and new code."""

    def __init__(self, family: _Family | None, end_token: str) -> None:
        self.name = f"extended-{family.name if family else 'generic'}"
        self._repository = family.repository if family else token_of("repository")
        self._file = family.file if family else token_of("file")
        used = [m for m in MARKERS if not (family and m in ("repository", "file"))]
        self.new_tokens = [token_of(marker) for marker in used]
        self.control_tokens: tuple[str, ...] = (
            self._repository,
            self._file,
            *self.new_tokens,
            end_token,
        )
        self._end = end_token

    def edit_pieces(self, earlier: EarlierEdit) -> list[Piece]:
        """Write path, old code and new code."""
        return [
            control(self._file, "context"),
            text(f"{earlier.path}\n", "context"),
            control(token_of("old_code"), "context"),
            text(earlier.old_text, "context"),
            control(token_of("/old_code"), "context"),
            control(token_of("new_code"), "context"),
            text(earlier.new_text, "context"),
            control(token_of("/new_code"), "context"),
        ]

    def pieces(
        self, example: Example, shown: Sequence[int], edits: Sequence[int] = ()
    ) -> list[Piece]:
        """Write repository, path, module, change, message, context, old code, new code."""
        pieces = [control(self._repository), text(example.repository)]
        pieces += [control(self._file), text(example.path)]
        if example.old_path and example.old_path != example.path:
            pieces += [control(token_of("rename")), text(example.old_path)]
        if example.module:
            pieces += [control(token_of("module")), text(example.module)]
        pieces.append(control(token_of(example.edit.change)))
        if example.edit.is_test:
            pieces.append(control(token_of("test_code")))
        if example.n_parts > 1:
            pieces.append(control(token_of("part")))
        pieces += [control(token_of("message")), text(example.message)]
        pieces.append(control(token_of("/message")))
        for section, inside in _sections(example, shown):
            pieces.append(control(token_of(section), "context"))
            path = example.path
            for index in inside:
                if example.excerpt_paths[index] != path:
                    path = example.excerpt_paths[index]
                    heading = self.file_heading(example, index)
                    pieces += [control(self._file, "context"), text(heading, "context")]
                pieces.append(text(example.excerpts[index].text, "context"))
            pieces.append(control(token_of(f"/{section}"), "context"))
        if edits:
            pieces.append(control(token_of("edits"), "context"))
            pieces += _earlier(self, example, edits)
            pieces.append(control(token_of("/edits"), "context"))
        pieces += [control(token_of("old_code")), text(example.old, "old")]
        pieces += [control(token_of("/old_code")), control(token_of("new_code"))]
        pieces += [text(example.lead, "lead"), text(example.new, "new")]
        return [*pieces, control(self._end, "end")]


def context_files(example: Example, shown: Sequence[int]) -> Iterator[list[int]]:
    """Yield each file's excerpts for dialects that know files alone, the edited file last."""
    order = [index for _, inside in _sections(example, shown) for index in inside]
    paths = sorted({example.excerpt_paths[i] for i in order}, key=lambda p: (p == example.path, p))
    for path in paths:
        inside = [index for index in order if example.excerpt_paths[index] == path]
        inside.sort(key=lambda index: example.excerpts[index].ranges)
        yield inside


def _earlier(dialect: Dialect, example: Example, edits: Sequence[int]) -> Iterator[Piece]:
    """Yield the earlier edits that are shown, in their order."""
    for one in sorted((example.earlier[index] for index in edits), key=lambda e: e.order):
        yield from dialect.edit_pieces(one)


class _EditsAsFiles(_FileHeadings):
    """Earlier edits as two files each, behind the token for files."""

    _family: _Family

    def edit_pieces(self, earlier: EarlierEdit) -> list[Piece]:
        """Write the original and the updated code."""
        file = control(self._family.file, "context")
        return [
            file,
            text(f"{earlier.old_path} (original)\n", "context"),
            text(earlier.old_text, "context"),
            file,
            text(f"{earlier.path} (updated)\n", "context"),
            text(earlier.new_text, "context"),
        ]


class RepositoryDialect(_EditsAsFiles):
    """The format of StarCoder2's and Qwen's repositories: files with their paths.

    The message is a file `COMMIT_EDITMSG`, and the edited code two: `PATH (original)` and
    `PATH (updated)`.
    """

    def __init__(self, family: _Family, end_token: str) -> None:
        self.name = family.name
        self._family = family
        self._end = end_token
        self._after_name = "\n" if family.name == "qwen" else ""
        self.control_tokens: tuple[str, ...] = (family.repository, family.file, end_token)

    def pieces(
        self, example: Example, shown: Sequence[int], edits: Sequence[int] = ()
    ) -> list[Piece]:
        """Write the context's files, the message, the original and the updated code."""
        file = self._family.file
        pieces = [control(self._family.repository)]
        pieces.append(text(example.repository + self._after_name))
        for inside in context_files(example, shown):
            heading = self.file_heading(example, inside[0])
            pieces += [control(file, "context"), text(heading, "context")]
            pieces += [text(example.excerpts[index].text, "context") for index in inside]
        pieces += _earlier(self, example, edits)
        pieces += [control(file), text(f"COMMIT_EDITMSG\n{example.message}\n")]
        pieces += [control(file), text(f"{example.old_path or example.path} (original)\n")]
        pieces += [text(example.old, "old"), control(file)]
        pieces += [text(f"{example.path} (updated)\n"), text(example.lead, "lead")]
        return [*pieces, text(example.new, "new"), control(self._end, "end")]


class CommitDialect(_EditsAsFiles):
    """StarCoder's commits, after the context as files."""

    def __init__(self, family: _Family, end_token: str) -> None:
        self.name = family.name
        self._family = family
        self._end = end_token
        self.control_tokens: tuple[str, ...] = (
            family.repository,
            family.file,
            *family.tokens,
            end_token,
        )

    def pieces(
        self, example: Example, shown: Sequence[int], edits: Sequence[int] = ()
    ) -> list[Piece]:
        """Write the context's files, then path, old code, message and new code."""
        file = self._family.file
        before, message, after = self._family.tokens
        pieces = [control(self._family.repository), text(example.repository)]
        for inside in context_files(example, shown):
            heading = self.file_heading(example, inside[0])
            pieces += [control(file, "context"), text(heading, "context")]
            pieces += [text(example.excerpts[index].text, "context") for index in inside]
        pieces += _earlier(self, example, edits)
        pieces += [control(file), text(example.path)]
        pieces += [control(before), text(example.old, "old")]
        pieces += [control(message), text(example.message), control(after)]
        pieces += [text(example.lead, "lead"), text(example.new, "new")]
        return [*pieces, control(self._end, "end")]


class GenericDialect:
    """Plain text for a tokenizer with no token but the end: headings as Rust comments."""

    def __init__(self, end_token: str) -> None:
        self.name = "generic"
        self._end = end_token
        self.control_tokens: tuple[str, ...] = (end_token,)

    def file_heading(self, example: Example, index: int) -> str:
        """Return the path as a comment."""
        return f"// File: {example.excerpt_paths[index]}\n"

    def edit_pieces(self, earlier: EarlierEdit) -> list[Piece]:
        """Write the original and the updated code."""
        return [
            text(f"// Original: {earlier.old_path}\n", "context"),
            text(earlier.old_text, "context"),
            text(f"// Updated: {earlier.path}\n", "context"),
            text(earlier.new_text, "context"),
        ]

    def pieces(
        self, example: Example, shown: Sequence[int], edits: Sequence[int] = ()
    ) -> list[Piece]:
        """Write headings and code."""
        pieces = [text(f"// Repository: {example.repository}\n")]
        for inside in context_files(example, shown):
            pieces.append(text(self.file_heading(example, inside[0]), "context"))
            pieces += [text(example.excerpts[index].text, "context") for index in inside]
        pieces += _earlier(self, example, edits)
        message = "".join(f"// {line}\n" for line in example.message.splitlines())
        pieces += [text(f"// Commit:\n{message}")]
        pieces += [text(f"// Original: {example.old_path or example.path}\n")]
        pieces += [text(example.old, "old"), text(f"// Updated: {example.path}\n")]
        pieces += [text(example.lead, "lead"), text(example.new, "new")]
        return [*pieces, control(self._end, "end")]


class SequenceDialect(WithoutEdits):
    """A window of a file behind its path, after the context as files.

    The end token follows where the file ends, and not where a window does.
    """

    def __init__(self, family: _Family | None, end_token: str) -> None:
        self.name = f"sequence-{family.name if family else 'generic'}"
        self._family = family
        self._end = end_token
        tokens = (family.repository, family.file) if family else ()
        self.control_tokens: tuple[str, ...] = (*tokens, end_token)

    def file_heading(self, example: Example, index: int) -> str:
        """Return the path, on a line of its own, or as a comment."""
        return self._heading(example.excerpt_paths[index])

    def _heading(self, path: str) -> str:
        return f"{path}\n" if self._family else f"// File: {path}\n"

    def _separator(self, role: str = "prompt") -> list[Piece]:
        return [control(self._family.file, role)] if self._family else []

    def pieces(
        self, example: Example, shown: Sequence[int], edits: Sequence[int] = ()
    ) -> list[Piece]:
        """Write the context's files, the path and the window."""
        del edits
        pieces = []
        if self._family:
            after_name = "\n" if self._family.name == "qwen" else ""
            pieces += [control(self._family.repository), text(example.repository + after_name)]
        for inside in context_files(example, shown):
            pieces += self._separator("context")
            pieces.append(text(self.file_heading(example, inside[0]), "context"))
            pieces += [text(example.excerpts[index].text, "context") for index in inside]
        pieces += [*self._separator(), text(self._heading(example.path))]
        pieces += [text(part, "new" if has_loss else "lead") for part, has_loss in example.window]
        return [*pieces, control(self._end, "end")] if example.ends else pieces
