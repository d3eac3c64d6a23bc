"""Excerpts: pieces of context, as byte ranges of a file with their text."""

from dataclasses import dataclass

from rsidx.exporters.context.forms import Form
from rsidx.exporters.edits.edit import Side
from rsidx.exporters.resolver.files import File


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A piece of context: `ranges` of bytes in a blob, each ended by a line end in `text`.

    `names` are the words of the code that it is there for; none for what is there anyway.
    """

    section: str
    path_id: int
    blob_id: int
    ranges: tuple[tuple[int, int], ...]
    text: str
    symbol: str
    rule: str
    form: str
    names: frozenset[str] = frozenset()


def excerpt_of(
    section: str, file: File, symbol: str, rule: str, form: Form, own: Side | None
) -> Excerpt | None:
    """Return an excerpt without any byte of the edited code; None where nothing is left."""
    if own is not None and own.blob_id == file.blob_id:
        form = form.without(own.start, own.start + own.n_bytes)
    if not form.pieces:
        return None
    texts = [p.text if p.text.endswith(b"\n") else p.text + b"\n" for p in form.pieces]
    return Excerpt(
        section,
        file.path_id,
        file.blob_id,
        tuple((piece.start, piece.end) for piece in form.pieces),
        b"".join(texts).decode("utf-8"),
        symbol,
        rule,
        form.name,
    )
