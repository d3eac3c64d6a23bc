"""What is asked about, and the code of a file that it is."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rsidx.errors import RsidxError
from rsidx.exporters.edits.containers import FOOTER
from rsidx.exporters.edits.edit import Side
from rsidx.exporters.questions.lines import line_start
from rsidx.store.reader import Reader
from rsidx.store.records import BlobRecord, is_qualified_by

Overlay = Sequence[tuple[bytes, BlobRecord | None]]
"""Files that differ from a commit's; None for one that is gone."""


@dataclass(frozen=True, slots=True)
class Target:
    """The code that is asked about: a symbol of a file, or the file for an empty one.

    A `line`, from 1, stands for the item that it is in, and for the part of one that is too long.
    `overlay` are files that differ from the commit's, None where they are gone.
    """

    commit: bytes
    path: str
    symbol: str = ""
    overlay: Overlay = ()
    line: int | None = None

    @property
    def name(self) -> str:
        """What a person calls it."""
        return f"{self.path}:{self.line}" if self.line is not None else self.symbol


def sides_of(reader: Reader, path_id: int, blob_id: int, symbol: str) -> Iterator[Side]:
    """Yield the chunks that define a symbol, or the whole file for an empty one.

    A declaration of a module counts only where nothing else has the name.
    """
    chunks = reader.chunks(blob_id)
    if not symbol:
        if chunks:
            yield Side(path_id, blob_id, 0, 0, chunks)
        return
    qualifier, _, last = symbol.rpartition("::")
    start = 0
    found: dict[bool, list[Side]] = {True: [], False: []}
    for position, chunk in enumerate(chunks):
        kinds = {s.kind for s in reader.symbols(chunk.id) if s.name == last} - {"impl", "field"}
        if kinds and is_qualified_by(chunk.container, qualifier):
            found[kinds == {"mod"}].append(Side(path_id, blob_id, position, start, (chunk,)))
        start += chunk.n_bytes
    yield from found[False] or found[True]


def side_at(reader: Reader, path_id: int, blob_id: int, target: Target) -> Side:
    """Return the chunk that a line is in; raises RsidxError where nothing there can be edited."""
    assert target.line is not None
    offset = line_start(reader.blob_text(blob_id), target.line)
    start = 0
    for position, chunk in enumerate(reader.chunks(blob_id)):
        if offset < start + chunk.n_bytes and not chunk.kind.endswith(FOOTER):
            return Side(path_id, blob_id, position, start, (chunk,))
        start += chunk.n_bytes
        if offset < start:
            break
    raise RsidxError(f"{target.name} has no item; name a line of one")
