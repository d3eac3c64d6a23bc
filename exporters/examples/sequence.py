"""Sequences: windows that slide over the files that a commit changed, in the order of history.

Code that the commit wrote has loss once, in the first window that shows it. The code around it
has none, since a window of an earlier commit has shown it. A version of a file without new code
gives no example.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from rsidx.exporters.context.excerpts import Excerpt
from rsidx.exporters.edits.edit import Edit
from rsidx.exporters.edits.splitting import Part, UnsplittableError, piece_ends
from rsidx.exporters.examples.draft import Draft, MapText, source_within
from rsidx.exporters.examples.example import Example
from rsidx.exporters.examples.kind import Kind, Limits, Shown, Sources, items_only
from rsidx.store.reader import Reader
from rsidx.store.records import ChunkRow, CommitRow

if TYPE_CHECKING:  # A configuration names its kind, so it imports this module.
    from rsidx.exporters.config import ExportConfig


@dataclass(frozen=True, slots=True)
class WindowCode:
    """A window over a file: its text in pieces, each with whether it has loss.

    `learned` are the bytes of the file that have it; `ends_file` says that the file ends with the
    window.
    """

    pieces: tuple[tuple[str, bool], ...]
    learned: tuple[tuple[int, int], ...]
    ends_file: bool

    roles: ClassVar[tuple[str, ...]] = ("prompt", "context", "lead", "new")
    has_old: ClassVar[bool] = False

    @property
    def variant(self) -> str:
        """Empty: a place has one window."""
        return ""

    @property
    def n_chars(self) -> int:
        """The characters of the window."""
        return sum(len(text) for text, _ in self.pieces)

    @property
    def target(self) -> str:
        """The pieces with loss."""
        return "".join(text for text, has_loss in self.pieces if has_loss)

    @property
    def is_changed(self) -> bool:
        """Always: a window without anything new is no example."""
        return True

    @property
    def texts(self) -> dict[str, str]:
        """Neither old nor new code: a window is a piece of a file."""
        return {"old": "", "new": ""}

    @property
    def facts(self) -> dict[str, Any]:
        """Which bytes of the file have loss."""
        return {"learned": self.learned}

    def files(self, path: str) -> list[tuple[str, list[tuple[str, str]]]]:
        """Return the window as the file that it is of."""
        return [(path, [(text, "new" if has_loss else "lead") for text, has_loss in self.pieces])]

    def shows(self, excerpt: Excerpt) -> bool:
        """Return False: the context is chosen whatever the window shows."""
        del excerpt
        return False

    def with_line_ends(self, line_ends: str) -> "WindowCode":
        """Return the same: a window shows the new file alone."""
        del line_ends
        return self

    def map_texts(self, change: MapText, edit: Edit, part: Part) -> "WindowCode":
        """Return the same with its texts changed."""
        pieces = []
        start = part.new_start
        for text, has_loss in self.pieces:
            end = start + len(text.encode())
            pieces.append((change(text, source_within(edit.new, start, end)), has_loss))
            start = end
        return replace(self, pieces=tuple(pieces))


class WindowExamples:
    """Makes examples of the windows over the new version of a file."""

    def __init__(self, sources: Sources, config: "ExportConfig") -> None:
        self._reader = sources.reader
        self._stride = config.stride

    def wants(self, commit: CommitRow) -> bool:
        """Return True: any commit may have new code."""
        del commit
        return True

    def file_without_hole(self, edit: Edit) -> None:
        """Return None: a window has no hole."""
        del edit

    def questions(self, draft: Draft, max_chars: int) -> list[Example]:
        """Return none: a window has no old code."""
        del draft, max_chars
        return []

    def of(self, draft: Draft, limits: Limits) -> tuple[list[Example], Counter[str]]:
        """Return the windows over a file's new version, none where it is gone.

        Counts `examples_unsplittable`.
        """
        edit = draft.edit
        if edit.new is None:
            return [], Counter()
        old = edit.old.chunks if edit.old is not None else ()
        try:
            pieces = file_pieces(self._reader, old, edit.new.chunks, limits.new_chars)
        except UnsplittableError:
            return [], Counter(examples_unsplittable=1)
        return windows(draft, pieces, max_chars=limits.new_chars, stride=self._stride), Counter()


@dataclass(frozen=True, slots=True)
class FilePiece:
    """A run of bytes of a file that no window cuts."""

    start: int
    text: str
    is_new: bool

    @property
    def end(self) -> int:
        """Where it ends in the file."""
        return self.start + len(self.text.encode())


def file_pieces(
    reader: Reader, old: Sequence[ChunkRow], new: Sequence[ChunkRow], max_chars: int
) -> list[FilePiece]:
    """Return a file as pieces: its chunks, those over half of `max_chars` cut at statements.

    Raises UnsplittableError where a single line is longer.
    """
    # A chunk that moves may take on the blank lines of its new place.
    old_texts = {reader.text(chunk.id).strip() for chunk in old}
    pieces = []
    start = 0
    for chunk in new:
        text = reader.text(chunk.id)
        begin = 0
        is_long = len(text) > max_chars // 2
        ends = piece_ends(text, reader.breaks(chunk.id), max_chars) if is_long else [len(text)]
        for end in ends:
            piece = text[begin:end].decode("utf-8")
            pieces.append(FilePiece(start + begin, piece, text.strip() not in old_texts))
            begin = end
        start += len(text)
    return pieces


def windows(
    draft: Draft, pieces: Sequence[FilePiece], *, max_chars: int, stride: float
) -> list[Example]:
    """Return a window for each stretch of a file that has something new.

    A window has at most `max_chars` characters; the next begins the share `stride` of that
    further on, or where this one ends if that is sooner.
    """
    kept: list[tuple[Draft, Part, WindowCode]] = []
    n_covered = 0
    for first, end in _stretches(pieces, max_chars, stride):
        inside = pieces[first:end]
        has_loss = [piece.is_new and first + n >= n_covered for n, piece in enumerate(inside)]
        n_covered = end
        if not any(has_loss):
            continue
        code = WindowCode(
            tuple(zip((piece.text for piece in inside), has_loss, strict=True)),
            tuple(
                (piece.start, piece.end) for piece, has in zip(inside, has_loss, strict=True) if has
            ),
            ends_file=end == len(pieces),
        )
        text = "".join(piece.text for piece in inside)
        part = Part(0, 0, inside[0].start, inside[-1].end, inside[0].start)
        kept.append((draft.for_code(text.encode()), part, code))
    return [
        Example(draft, part, number, len(kept), code)
        for number, (draft, part, code) in enumerate(kept)
    ]


def _stretches(
    pieces: Sequence[FilePiece], max_chars: int, stride: float
) -> Iterator[tuple[int, int]]:
    """Yield each window as numbers of pieces: its first, and the one after its last."""
    first = end = 0
    while end < len(pieces):
        n_chars = sum(len(piece.text) for piece in pieces[first:end])
        while end < len(pieces) and (n_chars + len(pieces[end].text) <= max_chars or first == end):
            n_chars += len(pieces[end].text)
            end += 1
        yield first, end
        if end == len(pieces):
            return
        # On by a stride, and as far as it takes for the next piece to fit.
        passed = 0
        while first < end and (
            passed < stride * max_chars or n_chars + len(pieces[end].text) > max_chars
        ):
            passed += len(pieces[first].text)
            n_chars -= len(pieces[first].text)
            first += 1


def _conflict(config: "ExportConfig") -> str | None:
    if config.columns != "ids":
        return f"--columns {config.columns} is for what has a prompt; a sequence has none"
    return items_only(config)


def _shown(meta: Mapping[str, Any]) -> Iterator[Shown]:
    yield Shown("new", "new", meta["new"])


SEQUENCE = Kind(
    "sequence",
    "Sequences",
    "Windows over the files that the commits of a Rust repository changed, with loss on what "
    "each commit wrote",
    level="file",
    has_prompt=False,
    divides=True,
    has_message=False,
    conflict=_conflict,
    examples=WindowExamples,
    shown=_shown,
)
