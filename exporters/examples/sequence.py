"""Sequences: windows that slide over the files that a commit changed, in the order of history.

What the commit wrote has loss, once, where a window shows it for the first time; what is around it
does not, since an earlier commit's window has shown it. A version of a file that only repeats what
is known gives nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from rsidx.exporters.edits.splitting import Part, piece_ends
from rsidx.exporters.examples.example import Example
from rsidx.store.reader import Reader
from rsidx.store.records import ChunkRow


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
    # A chunk that moves may take up the blank lines of its new place.
    known = {reader.text(chunk.id).strip() for chunk in old}
    pieces = []
    start = 0
    for chunk in new:
        text = reader.text(chunk.id)
        begin = 0
        is_long = len(text) > max_chars // 2
        ends = piece_ends(text, reader.breaks(chunk.id), max_chars) if is_long else [len(text)]
        for end in ends:
            piece = text[begin:end].decode("utf-8")
            pieces.append(FilePiece(start + begin, piece, text.strip() not in known))
            begin = end
        start += len(text)
    return pieces


def windows(
    whole: Example, pieces: Sequence[FilePiece], *, max_chars: int, stride: float
) -> list[Example]:
    """Return a window for each stretch of a file that has something new.

    A window has at most `max_chars` characters; the next begins the share `stride` of that
    further on, or where this one ends if that is sooner.
    """
    found = []
    n_shown = 0
    for first, end in _stretches(pieces, max_chars, stride):
        shown = pieces[first:end]
        has_loss = [piece.is_new and first + n >= n_shown for n, piece in enumerate(shown)]
        n_shown = end
        if any(has_loss):
            text = "".join(piece.text for piece in shown)
            found.append(
                replace(
                    whole.naming(text.encode()),
                    part=Part(0, 0, shown[0].start, shown[-1].end, shown[0].start),
                    window=tuple(zip((piece.text for piece in shown), has_loss, strict=True)),
                    learned=tuple(
                        (piece.start, piece.end)
                        for piece, has in zip(shown, has_loss, strict=True)
                        if has
                    ),
                    ends=end == len(pieces),
                )
            )
    return [
        replace(window, part_number=number, n_parts=len(found))
        for number, window in enumerate(found)
    ]


def _stretches(
    pieces: Sequence[FilePiece], max_chars: int, stride: float
) -> Iterator[tuple[int, int]]:
    """Yield the first piece of each window and the one behind it."""
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
