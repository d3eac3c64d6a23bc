"""What a model is asked for: an edit at a place, or what fills a hole."""

from dataclasses import dataclass

from rsidx.api.address import Place
from rsidx.api.worktree import Spot
from rsidx.errors import RsidxError


@dataclass(frozen=True, slots=True)
class EditRequest:
    """An edit that a model is asked for, with its message.

    The place is named as for `Snapshot.prompt`. With a `column` it is what fills a hole at the
    `line` and that byte in it, both from 1; a hole has no message. `suffix_first` puts what is
    behind the hole in front.
    """

    path: str
    symbol: str = ""
    message: str = ""
    line: int | None = None
    column: int | None = None
    after: str | int | None = None
    in_: str | int | None = None
    named: str = ""
    signature: str = ""
    suffix_first: bool = False

    def __post_init__(self) -> None:
        if self.column is not None and (self.line is None or self.message):
            raise RsidxError("a hole has a line and a column, and no message")
        if self.column is None and not self.message:
            raise RsidxError("an edit has a message")

    @property
    def place(self) -> Place:
        """The place of an edit, without file and symbol."""
        return {"line": self.line, "after": self.after, "in_": self.in_}

    def spot(self, part: tuple[int, int] | None = None) -> Spot:
        """Return where the answer goes; of a line's item that is too long, in a `part` of it."""
        if self.column is not None and self.line is not None:
            return Spot(self.path, hole=(self.line, self.column))
        return Spot(self.path, self.symbol, self.line, self.after, self.in_, part)
