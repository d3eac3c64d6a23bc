"""Dialects: how an example is written down for a model family.

A dialect turns an example into pieces, each a control token or a text. What the pieces spell
is for the model alone; that texts and tokens never mix is the encoder's promise.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from rsidx.errors import TokenizerError
from rsidx.exporters.context import SECTIONS
from rsidx.exporters.examples import Example
from rsidx.exporters.tokens import Encoder
from rsidx.exporters.vocabulary import MARKERS, token_of


@dataclass(frozen=True, slots=True)
class Piece:
    """A control token's spelling, or a text; `role` says what it is for.

    Roles: `prompt`, `context`, `old`, `lead` (the new code before a part), `new` and `end`.
    """

    text: str
    is_control: bool
    role: str


def _control(token: str, role: str = "prompt") -> Piece:
    return Piece(token, is_control=True, role=role)


def _text(text: str, role: str = "prompt") -> Piece:
    return Piece(text, is_control=False, role=role)


class Dialect(Protocol):
    """How examples are written for a family of models."""

    name: str
    control_tokens: tuple[str, ...]

    def pieces(self, example: Example, shown: Sequence[int]) -> list[Piece]:
        """Write an example with those of its excerpts, by index, that are shown."""

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

    def pieces(self, example: Example, shown: Sequence[int]) -> list[Piece]:
        """Write repository, path, module, change, message, context, old code, new code."""
        pieces = [_control(self._repository), _text(example.repository)]
        pieces += [_control(self._file), _text(example.path)]
        if example.old_path and example.old_path != example.path:
            pieces += [_control(token_of("rename")), _text(example.old_path)]
        if example.module:
            pieces += [_control(token_of("module")), _text(example.module)]
        pieces.append(_control(token_of(example.edit.change)))
        if example.edit.is_test:
            pieces.append(_control(token_of("test_code")))
        if example.n_parts > 1:
            pieces.append(_control(token_of("part")))
        pieces += [_control(token_of("message")), _text(example.message)]
        pieces.append(_control(token_of("/message")))
        for section, inside in _sections(example, shown):
            pieces.append(_control(token_of(section), "context"))
            path = example.path
            for index in inside:
                if example.excerpt_paths[index] != path:
                    path = example.excerpt_paths[index]
                    heading = self.file_heading(example, index)
                    pieces += [_control(self._file, "context"), _text(heading, "context")]
                pieces.append(_text(example.excerpts[index].text, "context"))
            pieces.append(_control(token_of(f"/{section}"), "context"))
        pieces += [_control(token_of("old_code")), _text(example.old, "old")]
        pieces += [_control(token_of("/old_code")), _control(token_of("new_code"))]
        pieces += [_text(example.lead, "lead"), _text(example.new, "new")]
        return [*pieces, _control(self._end, "end")]


def _context_files(example: Example, shown: Sequence[int]) -> Iterator[list[int]]:
    """Yield each file's excerpts for dialects that know files alone, the edited file last."""
    order = [index for _, inside in _sections(example, shown) for index in inside]
    paths = sorted({example.excerpt_paths[i] for i in order}, key=lambda p: (p == example.path, p))
    for path in paths:
        inside = [index for index in order if example.excerpt_paths[index] == path]
        inside.sort(key=lambda index: example.excerpts[index].ranges)
        yield inside


class RepositoryDialect(_FileHeadings):
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

    def pieces(self, example: Example, shown: Sequence[int]) -> list[Piece]:
        """Write the context's files, the message, the original and the updated code."""
        file = self._family.file
        pieces = [_control(self._family.repository)]
        pieces.append(_text(example.repository + self._after_name))
        for inside in _context_files(example, shown):
            heading = self.file_heading(example, inside[0])
            pieces += [_control(file, "context"), _text(heading, "context")]
            pieces += [_text(example.excerpts[index].text, "context") for index in inside]
        pieces += [_control(file), _text(f"COMMIT_EDITMSG\n{example.message}\n")]
        pieces += [_control(file), _text(f"{example.old_path or example.path} (original)\n")]
        pieces += [_text(example.old, "old"), _control(file)]
        pieces += [_text(f"{example.path} (updated)\n"), _text(example.lead, "lead")]
        return [*pieces, _text(example.new, "new"), _control(self._end, "end")]


class CommitDialect(_FileHeadings):
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

    def pieces(self, example: Example, shown: Sequence[int]) -> list[Piece]:
        """Write the context's files, then path, old code, message and new code."""
        file = self._family.file
        before, message, after = self._family.tokens
        pieces = [_control(self._family.repository), _text(example.repository)]
        for inside in _context_files(example, shown):
            heading = self.file_heading(example, inside[0])
            pieces += [_control(file, "context"), _text(heading, "context")]
            pieces += [_text(example.excerpts[index].text, "context") for index in inside]
        pieces += [_control(file), _text(example.path)]
        pieces += [_control(before), _text(example.old, "old")]
        pieces += [_control(message), _text(example.message), _control(after)]
        pieces += [_text(example.lead, "lead"), _text(example.new, "new")]
        return [*pieces, _control(self._end, "end")]


class GenericDialect:
    """Plain text for a tokenizer with no token but the end: headings as Rust comments."""

    def __init__(self, end_token: str) -> None:
        self.name = "generic"
        self._end = end_token
        self.control_tokens: tuple[str, ...] = (end_token,)

    def file_heading(self, example: Example, index: int) -> str:
        """Return the path as a comment."""
        return f"// File: {example.excerpt_paths[index]}\n"

    def pieces(self, example: Example, shown: Sequence[int]) -> list[Piece]:
        """Write headings and code."""
        pieces = [_text(f"// Repository: {example.repository}\n")]
        for inside in _context_files(example, shown):
            pieces.append(_text(self.file_heading(example, inside[0]), "context"))
            pieces += [_text(example.excerpts[index].text, "context") for index in inside]
        message = "".join(f"// {line}\n" for line in example.message.splitlines())
        pieces += [_text(f"// Commit:\n{message}")]
        pieces += [_text(f"// Original: {example.old_path or example.path}\n")]
        pieces += [_text(example.old, "old"), _text(f"// Updated: {example.path}\n")]
        pieces += [_text(example.lead, "lead"), _text(example.new, "new")]
        return [*pieces, _control(self._end, "end")]
