"""What earlier edits of a commit made: names first, then all of what is short."""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import zip_longest

from rsidx.exporters.context.excerpts import Brace, Excerpt, Frame, excerpt_of
from rsidx.exporters.context.forms import MAX_WHOLE_BYTES, Form, Forms, TextRun
from rsidx.exporters.edits.diff import added_lines
from rsidx.exporters.edits.edit import Edit, Side
from rsidx.exporters.edits.side_texts import SideTexts
from rsidx.exporters.edits.so_far import Braces, SoFar
from rsidx.exporters.resolver.files import File, definition_at
from rsidx.exporters.resolver.modules import Modules
from rsidx.store.addresses import HEADER
from rsidx.store.reader import Reader

EARLIER_RULE = "earlier"
"""The rule of what an earlier edit of the commit has made."""
EARLIER_SECTION = "commit"
_EDITS_KEPT = 512
_STEPS_EARLIER = (200, 800, 2400)
"""How much is shown, in steps, of the signatures and new lines of an earlier edit."""
_WITH_MEMBERS = frozenset({"struct", "enum", "union", "type", "const", "static"})
_NOT_SHOWN = frozenset({"imports", "preamble", "trailer"})


class Made:
    """Shows what edits made, as excerpts of the files that the commit left."""

    def __init__(self, reader: Reader, modules: Modules) -> None:
        self._reader = reader
        self._modules = modules
        self._forms = Forms(reader)
        self._texts = SideTexts(reader)
        # Each edit of a commit is shown behind all that come later.
        self._made_by = lru_cache(_EDITS_KEPT)(self._made)
        self._frame_of = lru_cache(_EDITS_KEPT)(self._frame)

    def excerpts(self, made: SoFar, path_id: int, wanted: Container[Side] = ()) -> list[Excerpt]:
        """Return what edits made that come before one of a file, in descending value.

        First what they made of what is `wanted`, then what is new, then what changed, tests behind
        each; of these that file, its folder, then others; of each, the last edit first.
        """
        here = self._reader.path(path_id)
        folder = here.rpartition(b"/")[0]
        found: list[tuple[tuple[object, ...], Edit]] = []
        for edit in reversed(made.edits):
            if edit.new is not None and not edit.is_no_op and edit.new.kind not in _NOT_SHOWN:
                path = self._reader.path(edit.path_id)
                distance = 0 if path == here else 1 if path.rpartition(b"/")[0] == folder else 2
                is_wanted = edit.old is not None and edit.old in wanted
                rank = not is_wanted, edit.is_test, edit.old is not None, distance
                found.append((rank, edit))
        found.sort(key=lambda one: one[0])
        made_by = [
            self._made_by(edit, made.containers.get(edit.new, ()))
            for _, edit in found
            if edit.new is not None
        ]
        # The names of all of them are worth more than the bodies of some.
        tiers = zip_longest(*made_by)
        return [excerpt for tier in tiers for excerpt in tier if excerpt is not None]

    def _made(self, edit: Edit, containers: Sequence[Braces]) -> list[Excerpt]:
        """Return what an edit made: its signatures and the lines that it changed, then all of it.

        Only of what is short there is all of it.
        """
        side = edit.new
        assert side is not None
        file = self._modules.version(side.path_id, side.blob_id)
        frames = tuple(map(self._frame_of, containers))
        is_closed = bool(containers) and containers[-1][0].start == side.start
        outside = frames[:-1] if is_closed else frames
        lines = self._lines_made(edit, file, side)
        forms = [(self._first(side, lines, n_bytes), frames) for n_bytes in _STEPS_EARLIER]
        if side.n_bytes <= MAX_WHOLE_BYTES and not _is_header(side):
            chunks = range(side.position, side.position + len(side.chunks))
            whole = tuple(self._forms.whole(file.chunks[at], file.starts[at]) for at in chunks)
            forms.append((Form("whole", whole), outside))
        found = (
            (excerpt_of(EARLIER_SECTION, file, edit.name, EARLIER_RULE, form), around)
            for form, around in forms
        )
        every = (
            replace(one, anchor=side.start, frames=around)
            for one, around in found
            if one is not None
        )
        return [*dict.fromkeys(every)]

    def _first(self, side: Side, lines: Form, n_bytes: int) -> Form:
        """Return the first of a side's lines, so many bytes at most but one, in runs."""
        pieces = _first(lines.pieces, n_bytes)
        if len(side.chunks) == 1:
            pieces = self._forms.joined(side.chunks[0], side.start, pieces)
        return replace(lines, pieces=pieces)

    def _frame(self, braces: Braces) -> Frame:
        """Return a container's header, of its documentation no more than is short, and footer."""
        return Frame(*map(self._brace, braces))

    def _brace(self, side: Side) -> Brace:
        run = self._forms.header(side.chunks[0], side.start)
        text = run.text.decode("utf-8")
        return Brace(side.blob_id, run.start, run.end, text if text.endswith("\n") else f"{text}\n")

    def _lines_made(self, edit: Edit, file: File, side: Side) -> Form:
        """Return the signatures of what an edit made, of a type all, and the lines it changed.

        Of a container, what it has inside, where it has anything.
        """
        lines: dict[int, TextRun] = {}
        signatures: list[TextRun] = []
        is_container = side.kind.endswith(HEADER)
        for index in range(side.position + is_container, side.position + len(side.chunks)):
            chunk, start = file.chunks[index], file.starts[index]
            if self._reader.symbols(chunk.id):
                definition = definition_at(self._reader, file, index)
                if edit.old is None and definition.symbol.kind in _WITH_MEMBERS:
                    every = _lines_of(self._forms.whole(chunk, start))
                    lines |= {run.start: run for run in every}
                else:
                    signatures.append(self._forms.signature(chunk, start))
        if is_container and not signatures and not lines:
            return Form("lines", (self._forms.header(side.chunks[0], side.start),))
        if edit.old is not None:
            old, new = self._texts.text(edit.old), self._texts.text(side)
            for start, end in added_lines(old, new):
                run = TextRun(side.start + start, new[start:end])
                lines |= {one.start: one for one in _lines_of(run)}
        every_run = tuple(run for _, run in sorted(_with_signatures(lines, signatures).items()))
        return Form("lines", every_run, members=tuple(one.start for one in signatures))


def _is_header(side: Side) -> bool:
    """Tell whether a side is a container's header without what is inside."""
    return side.kind.endswith(HEADER) and len(side.chunks) == 1


def _with_signatures(
    lines: Mapping[int, TextRun], signatures: Iterable[TextRun]
) -> dict[int, TextRun]:
    """Return lines with signatures, each of which stays whole, whichever of its lines are new."""
    found = dict(lines)
    for one in signatures:
        inside = [run for run in lines.values() if run.start < one.end and one.start < run.end]
        if any(run.start <= one.start and one.end <= run.end for run in inside):
            continue  # It stands on one line, with its body.
        for run in inside:
            del found[run.start]
        found[one.start] = one
    return found


def _lines_of(run: TextRun) -> Iterator[TextRun]:
    """Yield the lines of a run that are not blank, each with the blank ones up to the next."""
    start, line, blank = run.start, None, b""
    for text in run.text.splitlines(keepends=True):
        if not text.strip():
            blank += text
        else:
            if line is not None:
                yield TextRun(line.start, line.text + blank)
            line, blank = TextRun(start, text), b""
        start += len(text)
    if line is not None:
        yield line


def _first(lines: Iterable[TextRun], n_bytes: int) -> tuple[TextRun, ...]:
    """Return the first of some lines, so many bytes at most but one, in runs without a gap."""
    size = 0
    kept: list[TextRun] = []
    for line in lines:
        size += len(line.text)
        if kept and size > n_bytes:
            break
        before = kept.pop() if kept and kept[-1].end == line.start else TextRun(line.start, b"")
        kept.append(TextRun(before.start, before.text + line.text))
    return tuple(kept)
