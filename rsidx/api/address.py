"""What a person calls a place in the code: FILE:SYMBOL, FILE:LINE, or where new code comes."""

from dataclasses import dataclass
from typing import TypedDict

from rsidx.errors import RsidxError


class Place(TypedDict):
    """A place in a file, in the terms of `Snapshot.prompt`."""

    line: int | None
    after: str | int | None
    in_: str | int | None


@dataclass(frozen=True, slots=True)
class Address:
    """A file, and a symbol or a line in it, or where new code comes; see `Snapshot.prompt`."""

    path: str
    symbol: str = ""
    line: int | None = None
    after: str | int | None = None
    in_: str | int | None = None

    @classmethod
    def parse(cls, text: str, after: str | None = None, in_: str | None = None) -> "Address":
        """Read `FILE[:SYMBOL|:LINE]`, and the place of new code; a number is a line.

        Raises RsidxError where they contradict each other.
        """
        path, _, symbol = text.partition(":")
        if symbol and (after is not None or in_ is not None):
            raise RsidxError("with --after and --in name the file alone")
        if after is not None and in_ is not None:
            raise RsidxError("--after and --in contradict each other")
        line = _number(symbol)
        return cls(
            path,
            "" if isinstance(line, int) else symbol,
            line if isinstance(line, int) else None,
            _number(after) if after is not None else None,
            _number(in_) if in_ is not None else None,
        )

    @property
    def place(self) -> Place:
        """The address without file and symbol, as arguments."""
        return {"line": self.line, "after": self.after, "in_": self.in_}

    @property
    def is_file(self) -> bool:
        """Whether it is a file as a whole."""
        return not self.symbol and set(self.place.values()) == {None}


def _number(text: str) -> str | int:
    return int(text) if text.isascii() and text.isdigit() else text
