"""What is asked about."""

from collections.abc import Sequence
from dataclasses import dataclass

from rsidx.exporters.examples.given import Given
from rsidx.store.addresses import check_one_address
from rsidx.store.records import BlobRecord, FileEdit

Overlay = Sequence[tuple[bytes, BlobRecord | None]]
"""Files that differ from a commit's; None for one that is gone."""


@dataclass(frozen=True, slots=True)
class Target:
    """The code that is asked about: a symbol of a file, or the file for an empty one.

    A `line`, from 1, stands for the item that it is in, and for the part of one that is too long.
    New code comes behind the symbol or the line `after`, or to the end of what is `inside`: a
    container, or the one around a line. Raises RsidxError where more than one of them is given.

    `overlay` are files that differ from the commit's, None where they are gone. `edited` are those
    that differ since edits that are made: the file is the edited one, and names mean what they did
    before the edits. `given` is what is said of new code.
    """

    commit: bytes
    path: str
    symbol: str = ""
    overlay: Overlay = ()
    line: int | None = None
    after: str | int | None = None
    inside: str | int | None = None
    edited: Sequence[FileEdit] = ()
    given: Given | None = None

    def __post_init__(self) -> None:
        check_one_address(self.symbol, self.line, self.after, self.inside, least=0)

    @property
    def is_file(self) -> bool:
        """Whether it is a file as a whole."""
        return (self.symbol, self.line, self.after, self.inside) == ("", None, None, None)

    @property
    def name(self) -> str:
        """What a person calls it."""
        if self.after is not None:
            return f"{self.path} --after {self.after}"
        if self.inside is not None:
            return f"{self.path} --in {self.inside}"
        return f"{self.path}:{self.line}" if self.line is not None else self.symbol or self.path
