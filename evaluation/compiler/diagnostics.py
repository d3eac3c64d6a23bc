"""What cargo and the compiler say of a check, as JSON messages: errors, and what was compiled."""

import json
import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rsidx.evaluation.compiler.error_codes import PHASES, class_of, phase_of

_MAX_MESSAGE_CHARS = 300
_MAX_RENDERED_CHARS = 4_000

Span = tuple[str, int, int]
"""A path in the tree, and a range of bytes of that file."""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """An error of the compiler.

    `spans` are where it is: the primary one first, then through macros up to the code that calls
    them. Paths are those of the tree; what is not in it keeps the name that the compiler gives it.
    """

    code: str
    message: str
    spans: tuple[Span, ...]
    rendered: str = ""

    @property
    def error_class(self) -> str:
        """What it is about: one of `CLASSES`."""
        return class_of(self.code, self.message)

    @property
    def phase(self) -> str:
        """The phase of the compiler that found it: one of `PHASES`."""
        return phase_of(self.error_class)

    @property
    def reason(self) -> str:
        """The error in a line."""
        return f"{self.code}: {self.message}" if self.code else self.message

    def where(self, path: str, start: int, end: int) -> str:
        """Tell where it is seen from an edit: `edit`, `file` or `other_file`."""
        if any(name == path and at <= end and start <= to for name, at, to in self.spans):
            return "edit"
        return "file" if self.spans and self.spans[-1][0] == path else "other_file"


@dataclass(frozen=True, slots=True)
class Messages:
    """What a check reported: each error once, and the manifests of the packages it compiled.

    `manifests` are those of which a target was compiled anew, or had errors. `is_complete` tells
    whether cargo said how it ended.
    """

    errors: tuple[Diagnostic, ...]
    manifests: frozenset[str]
    is_complete: bool


def read_messages(output: bytes, tree: str, workspace: str) -> Messages:
    """Read what `cargo check --message-format=json` wrote.

    `tree` is the path of the tree in it, `workspace` that of the cargo workspace below the tree,
    empty for the tree itself: the compiler's paths are relative to it. What is no message of
    cargo's, such as what a build script printed, is passed over.
    """
    errors: dict[tuple[str, str, tuple[Span, ...]], Diagnostic] = {}
    manifests: set[str] = set()
    is_complete = False
    for message in _messages(output):
        reason = message.get("reason")
        manifest = message.get("manifest_path")
        manifest = _below(manifest, tree) if isinstance(manifest, str) else ""
        if reason == "build-finished":
            is_complete = True
        elif reason == "compiler-artifact" and message.get("fresh") is False:
            manifests.add(manifest)
        elif reason == "compiler-message" and isinstance(message.get("message"), dict):
            error = _error(message["message"], tree, workspace)
            if error is not None:
                manifests.add(manifest)
                errors.setdefault((error.code, error.message, error.spans), error)
    return Messages(tuple(errors.values()), frozenset(manifests), is_complete)


def first_of(errors: tuple[Diagnostic, ...], path: str, start: int, end: int) -> Diagnostic:
    """Return the error that counts: of the earliest phase, there the nearest to the edit."""
    nearest = ("edit", "file", "other_file")
    return min(
        errors,
        key=lambda one: (
            PHASES.index(one.phase),
            nearest.index(one.where(path, start, end)),
            one.spans,
            one.reason,
        ),
    )


def _messages(output: bytes) -> Iterator[Mapping[str, Any]]:
    for line in output.splitlines():
        if line.startswith(b"{"):
            try:
                message = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(message, dict):
                yield message


def _error(given: Mapping[str, Any], tree: str, workspace: str) -> Diagnostic | None:
    message = str(given.get("message", ""))
    if given.get("level") not in ("error", "error: internal compiler error"):
        return None
    # A summary: `aborting due to 2 previous errors`.
    if message.startswith(("aborting due to", "could not compile")):
        return None
    code = given.get("code") or {}
    spans = [span for span in given.get("spans", ()) if span.get("is_primary")]
    found = tuple(_chain(spans[0], tree, workspace)) if spans else ()
    rendered = str(given.get("rendered") or "")[:_MAX_RENDERED_CHARS]
    return Diagnostic(str(code.get("code", "")), message[:_MAX_MESSAGE_CHARS], found, rendered)


def _chain(span: Mapping[str, Any], tree: str, workspace: str) -> Iterator[Span]:
    """Yield a span, and those of the macro calls that it comes from."""
    current: Any = span
    while current:
        path = posixpath.join(tree, workspace, str(current["file_name"]))
        yield (
            _below(posixpath.normpath(path), tree),
            int(current["byte_start"]),
            int(current["byte_end"]),
        )
        expansion = current.get("expansion")
        current = expansion.get("span") if isinstance(expansion, dict) else None


def _below(path: str, tree: str) -> str:
    return path.removeprefix(f"{tree}/")
