"""Dialects: how an example is written down for a model family.

A dialect turns an example into pieces, each a control token or a text. What the pieces spell
is for the model alone; that texts and tokens never mix is the encoder's promise.
"""

from itertools import groupby
from typing import TYPE_CHECKING

from rsidx.exporters.edits.earlier import EarlierEdit
from rsidx.exporters.examples.draft import Draft
from rsidx.exporters.examples.edit import EditCode
from rsidx.exporters.examples.example import Example
from rsidx.exporters.rendering.base import (
    Chosen,
    Dialect,
    FileHeadings,
    Piece,
    before_pieces,
    behind_pieces,
    context_files,
    control,
    earlier_pieces,
    excerpt_pieces,
    repository_pieces,
    sections,
    text,
)
from rsidx.exporters.rendering.encoder import Encoder
from rsidx.exporters.rendering.families import Family, edit_family
from rsidx.exporters.rendering.markers import MARKERS, token_of

if TYPE_CHECKING:
    from rsidx.exporters.config import ExportConfig


def edit_code(example: Example) -> EditCode:
    """Return the code of an example of an edit."""
    assert isinstance(example.code, EditCode)
    return example.code


def edit_dialect(encoder: Encoder, config: "ExportConfig") -> Dialect:
    """Return the dialect that a configuration asks for; raises TokenizerError."""
    return dialect_for(encoder, markers=config.markers, name=config.dialect)


def dialect_for(encoder: Encoder, *, markers: str, name: str) -> Dialect:
    """Return the dialect for a tokenizer, extending it for `markers` `extended`.

    Raises TokenizerError where a dialect is asked for whose tokens the tokenizer lacks.
    """
    family = edit_family(encoder, name)
    dialect: Dialect
    if markers == "extended":
        dialect = ExtendedDialect(family, encoder.end_token)
        encoder.extend(dialect.new_tokens)
    elif family is None:
        dialect = GenericDialect(encoder.end_token)
    elif family.commit:
        dialect = CommitDialect(family, encoder.end_token)
    else:
        dialect = RepositoryDialect(family, encoder.end_token)
    encoder.reserve(dialect.control_tokens)
    return dialect


def notes(example: Example) -> list[Piece]:
    """Return what markers would say of the old code, as comments for dialects without markers."""
    origin = example.draft.origin
    said = [text(f"// From another file: {origin}\n")] if origin else []
    if example.is_part:
        said.append(text("// Part of a longer item\n"))
    if example.draft.given is not None:
        said.append(text(f"// To be added: {example.draft.given.text}\n"))
    return said


class ExtendedDialect(FileHeadings):
    """The documented vocabulary: a marker around each section, old and new code."""

    def __init__(self, family: Family | None, end_token: str) -> None:
        self.name = f"extended-{family.name if family else 'generic'}"
        own = {"repository": family.repository, "file": family.file} if family else {}
        self._repository = own.get("repository") or token_of("repository")
        self._file = own.get("file") or token_of("file")
        self.new_tokens = [token_of(marker) for marker in MARKERS if not own.get(marker)]
        self.control_tokens: tuple[str, ...] = (
            self._repository,
            self._file,
            *self.new_tokens,
            end_token,
        )
        self._end = end_token

    def around_pieces(self, example: Example, chosen: Chosen) -> list[Piece]:
        """Write what is behind the place, then what is before it."""
        return [
            control(token_of("suffix"), "context"),
            *behind_pieces(example, chosen),
            control(token_of("prefix"), "context"),
            *before_pieces(example, chosen),
        ]

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

    def pieces(self, example: Example, chosen: Chosen) -> list[Piece]:
        """Write repository, path, module, change, message, context, old code, new code."""
        draft, code = example.draft, edit_code(example)
        pieces = [control(self._repository), text(draft.repository)]
        pieces += [control(self._file), text(draft.path)]
        if draft.old_path and draft.old_path != draft.path:
            marker = "rename" if draft.is_rename else "origin"
            pieces += [control(token_of(marker)), text(draft.old_path)]
        if draft.module:
            pieces += [control(token_of("module")), text(draft.module)]
        pieces.append(control(token_of(draft.place.change)))
        if draft.place.is_test:
            pieces.append(control(token_of("test_code")))
        if example.is_part:
            pieces.append(control(token_of("part")))
        if draft.given is not None:
            pieces += [control(token_of(draft.given.kind)), text(draft.given.text)]
        pieces += [control(token_of("message")), text(draft.message)]
        pieces.append(control(token_of("/message")))
        for section, inside in sections(draft, chosen.excerpts):
            pieces.append(control(token_of(section), "context"))
            by_path = groupby(inside, key=lambda index: draft.excerpt_paths[index])
            for number, (path, indices) in enumerate(by_path):
                same = [*indices]
                if number or path != draft.path:
                    heading = self.file_heading(draft, same[0])
                    pieces += [control(self._file, "context"), text(heading, "context")]
                pieces += excerpt_pieces(draft, same)
            pieces.append(control(token_of(f"/{section}"), "context"))
        if chosen.edits:
            pieces.append(control(token_of("edits"), "context"))
            pieces += earlier_pieces(self, draft, chosen.edits)
            pieces.append(control(token_of("/edits"), "context"))
        if chosen.has_around:
            pieces += self.around_pieces(example, chosen)
        pieces += [control(token_of("old_code")), text(code.old, "old")]
        pieces += [control(token_of("/old_code")), control(token_of("new_code"))]
        pieces += [text(code.lead, "lead"), text(code.answer, "new")]
        return [*pieces, control(self._end, "end")]


class _EditsAsFiles(FileHeadings):
    """Earlier edits, and the file around the place, as two files each."""

    _family: Family

    def around_pieces(self, example: Example, chosen: Chosen) -> list[Piece]:
        """Write what is below the place as a file, and what is above it."""
        path, file = example.draft.path, control(self._family.file, "context")
        return [
            file,
            text(f"{path} (below)\n", "context"),
            *behind_pieces(example, chosen),
            file,
            text(f"{path} (above)\n", "context"),
            *before_pieces(example, chosen),
        ]

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

    def __init__(self, family: Family, end_token: str) -> None:
        self.name = family.name
        self._family = family
        self._end = end_token
        self.control_tokens: tuple[str, ...] = (*family.edit_tokens(), end_token)

    def pieces(self, example: Example, chosen: Chosen) -> list[Piece]:
        """Write the context's files, the message, the original and the updated code."""
        draft, code = example.draft, edit_code(example)
        file = self._family.file
        pieces = repository_pieces(self._family, draft)
        for inside in context_files(draft, chosen.excerpts):
            heading = self.file_heading(draft, inside[0])
            pieces += [control(file, "context"), text(heading, "context")]
            pieces += excerpt_pieces(draft, inside)
        pieces += earlier_pieces(self, draft, chosen.edits)
        pieces += [control(file), text(f"COMMIT_EDITMSG\n{draft.message}\n")]
        if chosen.has_around:
            pieces += self.around_pieces(example, chosen)
        pieces += [control(file), text(f"{draft.old_path or draft.path} (original)\n")]
        pieces += [*notes(example), text(code.old, "old"), control(file)]
        pieces += [text(f"{draft.path} (updated)\n"), text(code.lead, "lead")]
        return [*pieces, text(code.answer, "new"), control(self._end, "end")]


class CommitDialect(_EditsAsFiles):
    """StarCoder's commits, after the context as files."""

    def __init__(self, family: Family, end_token: str) -> None:
        self.name = family.name
        self._family = family
        self._end = end_token
        self.control_tokens: tuple[str, ...] = (*family.edit_tokens(), end_token)

    def pieces(self, example: Example, chosen: Chosen) -> list[Piece]:
        """Write the context's files, then path, old code, message and new code."""
        draft, code = example.draft, edit_code(example)
        file = self._family.file
        before, message, after = self._family.commit
        pieces = repository_pieces(self._family, draft)
        for inside in context_files(draft, chosen.excerpts):
            heading = self.file_heading(draft, inside[0])
            pieces += [control(file, "context"), text(heading, "context")]
            pieces += excerpt_pieces(draft, inside)
        pieces += earlier_pieces(self, draft, chosen.edits)
        if chosen.has_around:
            pieces += self.around_pieces(example, chosen)
        pieces += [control(file), text(draft.path)]
        pieces += [control(before), *notes(example), text(code.old, "old")]
        pieces += [control(message), text(draft.message), control(after)]
        pieces += [text(code.lead, "lead"), text(code.answer, "new")]
        return [*pieces, control(self._end, "end")]


class GenericDialect:
    """Plain text for a tokenizer with no token but the end: headings as Rust comments."""

    def __init__(self, end_token: str) -> None:
        self.name = "generic"
        self._end = end_token
        self.control_tokens: tuple[str, ...] = (end_token,)

    def file_heading(self, draft: Draft, index: int) -> str:
        """Return the path as a comment."""
        return f"// File: {draft.excerpt_paths[index]}\n"

    def around_pieces(self, example: Example, chosen: Chosen) -> list[Piece]:
        """Write what is below the place, then what is above it."""
        path = example.draft.path
        return [
            text(f"// Below: {path}\n", "context"),
            *behind_pieces(example, chosen),
            text(f"// Above: {path}\n", "context"),
            *before_pieces(example, chosen),
        ]

    def edit_pieces(self, earlier: EarlierEdit) -> list[Piece]:
        """Write the original and the updated code."""
        return [
            text(f"// Original: {earlier.old_path}\n", "context"),
            text(earlier.old_text, "context"),
            text(f"// Updated: {earlier.path}\n", "context"),
            text(earlier.new_text, "context"),
        ]

    def pieces(self, example: Example, chosen: Chosen) -> list[Piece]:
        """Write headings and code."""
        draft, code = example.draft, edit_code(example)
        pieces = [text(f"// Repository: {draft.repository}\n")]
        for inside in context_files(draft, chosen.excerpts):
            pieces.append(text(self.file_heading(draft, inside[0]), "context"))
            pieces += excerpt_pieces(draft, inside)
        pieces += earlier_pieces(self, draft, chosen.edits)
        message = "".join(f"// {line}\n" for line in draft.message.splitlines())
        pieces += [text(f"// Commit:\n{message}")]
        if chosen.has_around:
            pieces += self.around_pieces(example, chosen)
        pieces += [text(f"// Original: {draft.old_path or draft.path}\n"), *notes(example)]
        pieces += [text(code.old, "old"), text(f"// Updated: {draft.path}\n")]
        pieces += [text(code.lead, "lead"), text(code.answer, "new")]
        return [*pieces, control(self._end, "end")]
