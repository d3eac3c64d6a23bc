"""Excerpts: pieces of context, as byte ranges of a file with their text."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from rsidx.exporters.context.forms import Form
from rsidx.exporters.edits.edit import Side
from rsidx.exporters.resolver.files import File


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A piece of context: `ranges` of bytes in a blob, each ended by a line end in `text`.

    `names` are the words of the code that it explains; none if it is shown in any case. A `note`
    says what is left out of it; it is not from the blob. Excerpts of the same definition that show
    less or more of it have the same `anchor`, if they do not begin with the same range.
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
    note: str = ""
    anchor: int | None = None

    @property
    def shown(self) -> str:
        """The text with its note, which stands before the last line that is not blank."""
        before = self.text.rstrip().rfind("\n") + 1 if self.note else 0
        return self.text[:before] + self.note + self.text[before:]

    @property
    def key(self) -> tuple[object, ...]:
        """Identifies the definition: excerpts that show less or more of it have the same key."""
        first = self.ranges[0] if self.anchor is None else self.anchor
        return (self.section, self.path_id, self.blob_id, first)


class Hidden:
    """Code that no excerpt shows, as ranges of blobs: what is edited, and what it was before."""

    def __init__(self, sides: Iterable[Side | None] = ()) -> None:
        self._ranges: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
        for side in sides:
            if side is not None:
                self._ranges[side.blob_id].append((side.start, side.start + side.n_bytes))

    def touches(self, blob_id: int, start: int, end: int) -> bool:
        """Tell whether any byte of a range is hidden."""
        every = self._ranges.get(blob_id, ())
        return any(first < end and start < last for first, last in every)

    def outside(self, blob_id: int, form: Form) -> Form:
        """Return what of a form is not hidden."""
        for start, end in self._ranges.get(blob_id, ()):
            form = form.without(start, end)
        return form

    def empties(self, blob_id: int, form: Form) -> bool:
        """Tell whether nothing is left of members, shown or not, that something has."""
        if not form.pieces or form.head is None:
            return False
        rest = self.outside(blob_id, form)
        return not rest.pieces and not rest.note


NOTHING_HIDDEN = Hidden()


def largest(excerpts: Iterable[Excerpt]) -> list[Excerpt]:
    """Return the largest excerpt of each definition, given the smaller ones first."""
    return list({excerpt.key: excerpt for excerpt in excerpts}.values())


def excerpt_of(
    section: str, file: File, symbol: str, rule: str, form: Form, hidden: Hidden = NOTHING_HIDDEN
) -> Excerpt | None:
    """Return an excerpt without any byte that is hidden; None where nothing is left."""
    form = hidden.outside(file.blob_id, form)
    runs = form.runs
    if not runs:
        return None
    texts = [run.text if run.text.endswith(b"\n") else run.text + b"\n" for run in runs]
    return Excerpt(
        section,
        file.path_id,
        file.blob_id,
        tuple((run.start, run.end) for run in runs),
        b"".join(texts).decode("utf-8"),
        symbol,
        rule,
        form.name,
        note=form.note,
    )
