"""Excerpts: pieces of context, as byte ranges of a file with their text."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from rsidx.exporters.context.forms import Form
from rsidx.exporters.edits.edit import Side
from rsidx.exporters.resolver.files import File

LEFT_OUT = "// ..."
"""Stands on a line of its own where code is left out."""


@dataclass(frozen=True, slots=True)
class Brace:
    """The header or the footer of a container, from a blob as it stands."""

    blob_id: int
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Frame:
    """A container around excerpts of a file: its header, and the footer behind what is shown."""

    head: Brace
    foot: Brace

    @property
    def key(self) -> str:
        """Identifies the container among those of all files."""
        return f"{self.head.blob_id} {self.head.start}"

    @property
    def closing(self) -> str:
        """The footer, behind a line that says that the container has more."""
        indentation = self.foot.text[: len(self.foot.text) - len(self.foot.text.lstrip())]
        return f"{indentation}    {LEFT_OUT}\n{self.foot.text}"


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A piece of context: `ranges` of bytes in a blob, each ended by a line end in `text`.

    `names` are the words of the code that it explains; none if it is shown in any case. A `note`
    says what is left out of it; it is not from the blob. `gaps` are the lines of the text in front
    of which code is left out. Excerpts of the same definition that show less or more of it have the
    same `anchor`, if they do not begin with the same range. `frames` are the containers that it
    stands in, outermost first, where these are shown; excerpts share them.
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
    gaps: tuple[int, ...] = ()
    frames: tuple[Frame, ...] = ()

    @property
    def shown(self) -> str:
        """The text with its note, which stands before the last line that is not blank."""
        text = with_gaps(self.text, self.gaps)
        before = text.rstrip().rfind("\n") + 1 if self.note else 0
        return text[:before] + self.note + text[before:]

    @property
    def is_head(self) -> bool:
        """Whether it is the header of the container that it is shown in, and nothing else."""
        if not self.frames:
            return False
        head = self.frames[-1].head
        return (self.blob_id, self.ranges) == (head.blob_id, ((head.start, head.end),))

    @property
    def key(self) -> tuple[object, ...]:
        """Identifies the definition: excerpts that show less or more of it have the same key."""
        first = self.ranges[0] if self.anchor is None else self.anchor
        return (self.section, self.path_id, self.blob_id, first)


def with_gaps(text: str, gaps: Collection[int]) -> str:
    """Return a text with a line `// ...` in front of some lines, indented as the deeper neighbour.

    Lines are counted from 0; those that the text does not have are left out.
    """
    if not gaps:
        return text
    lines = text.split("\n")
    shown: list[str] = []
    for number, line in enumerate(lines):
        if number and number in gaps:
            indentation = max(map(_indentation, (lines[number - 1], line)), key=len)
            shown.append(f"{indentation}{LEFT_OUT}")
        shown.append(line)
    return "\n".join(shown)


def _indentation(line: str) -> str:
    return line[: len(line) - len(line.lstrip())] if line.strip() else ""


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
    # Elsewhere the form says what is left out.
    gaps = _gaps(form, texts) if form.name == "lines" else ()
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
        gaps=gaps,
    )


def _gaps(form: Form, texts: Sequence[bytes]) -> tuple[int, ...]:
    """Return the lines, counted from 0, where a run begins that does not touch the one before.

    Where a member begins, everybody sees that the one before has ended.
    """
    found: list[int] = []
    n_lines = 0
    for number, (run, text) in enumerate(zip(form.runs, texts, strict=True)):
        touches = number == 0 or form.runs[number - 1].end == run.start
        if not touches and run.start not in form.members:
            found.append(n_lines)
        n_lines += text.count(b"\n")
    return tuple(found)
