"""An edit as search/replace blocks, with as few lines around what changes as tell the place."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

from rsidx.blocks import MARKS, block, places_of
from rsidx.exporters.edits.diff import Opcode, opcodes

_OVERHEAD = len(block((), ()))
_MAX_CHANGES = 100
"""More of them in one example take seconds to be told apart where all lines are alike."""


@dataclass(frozen=True, slots=True)
class _Block:
    """The lines `start:end` of the old code, with the changes among them: opcodes of lines."""

    start: int
    end: int
    changes: tuple[Opcode, ...]

    @property
    def new(self) -> slice:
        """The new lines that take the place of the old ones."""
        _, first, _, new_start, _ = self.changes[0]
        _, _, last, _, new_end = self.changes[-1]
        return slice(new_start - (first - self.start), new_end + (self.end - last))


def blocks_for(old: str, new: str) -> str | None:
    """Return the blocks that turn some code into other code; None where no blocks can.

    None can where nothing changes, where there is no old code, where a last line has no end, and
    where a line is one of the marks of blocks. None are looked for where so much changes that they
    would be longer than the new code.
    """
    if old == new or not (old.endswith("\n") and (not new or new.endswith("\n"))):
        return None
    old_lines, new_lines = _lines(old), _lines(new)
    if any(line.rstrip() in MARKS for line in (*old_lines, *new_lines)):
        return None
    changes = [code for code in opcodes(old_lines, new_lines) if code[0] != "equal"]
    if len(changes) > _MAX_CHANGES:
        return None
    found = _joined(old_lines, [_unique(old.encode(), old_lines, code) for code in changes])
    return "".join(block(old_lines[one.start : one.end], new_lines[one.new]) for one in found)


def _lines(text: str) -> list[str]:
    return [f"{line}\n" for line in text.split("\n")[:-1]]


def _unique(old: bytes, lines: Sequence[str], change: Opcode) -> _Block:
    """Return a change with as many lines around it, in turn before and behind, as are there once.

    These may reach into the next change, which is joined with it then.
    """
    _, start, end, _, _ = change
    is_before = True
    while not _is_once(old, "".join(lines[start:end])):
        if start and (is_before or end == len(lines)):
            start -= 1
        else:
            end += 1
        is_before = not is_before
    return _Block(start, end, (change,))


def _is_once(text: bytes, lines: str) -> bool:
    return len(list(islice(places_of(text, lines.encode()), 2))) == 1


def _joined(lines: Sequence[str], blocks: Iterable[_Block]) -> list[_Block]:
    """Join blocks that overlap, or of which one is shorter than two."""
    found: list[_Block] = []
    for one in sorted(blocks, key=lambda one: one.changes[0][1:]):
        joined = one
        while found and joined.start < found[-1].end + _n_cheap(
            lines[found[-1].end : joined.start]
        ):
            before = found.pop()
            start, end = min(before.start, joined.start), max(before.end, joined.end)
            joined = _Block(start, end, before.changes + joined.changes)
        found.append(joined)
    return found


def _n_cheap(between: Sequence[str]) -> int:
    """Return one more than how many lines are between two blocks if both can have them for less."""
    is_cheap = 2 * sum(map(len, between)) < _OVERHEAD
    return len(between) + 1 if is_cheap else 0
