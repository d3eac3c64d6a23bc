"""What a prompt says of the code that is to be added: its name, or its signature."""

import hashlib
import re
from dataclasses import dataclass
from typing import Literal

from rsidx.errors import RsidxError
from rsidx.exporters.edits.edit import Edit
from rsidx.store.reader import Reader

_DIGEST = 8
_WORD = re.compile(rb"\w")


@dataclass(frozen=True, slots=True)
class Given:
    """A name or a signature, on one line."""

    kind: Literal["name", "signature"]
    text: str


def given_of(reader: Reader, edit: Edit, share: float, where: str) -> Given | None:
    """Return what is given of an addition, for a share of them: a name or a signature, by turns.

    The same `where` draws the same. Of code that is no more than its signature, as a tuple struct,
    only the name is given. None for what has no name, and for what is not added.
    """
    if edit.change != "add" or edit.new is None or not edit.name:
        return None
    digest = hashlib.blake2b(where.encode("utf-8", "replace"), digest_size=_DIGEST).digest()
    drawn = int.from_bytes(digest) / (1 << 8 * _DIGEST)
    if drawn >= share:
        return None
    if drawn < share / 2:
        return Given("name", edit.name)
    signature, rest = _signature(reader, edit)
    return Given("signature", signature) if _WORD.search(rest) else Given("name", edit.name)


def given_as(name: str, signature: str) -> Given | None:
    """Return what somebody says of new code; raises RsidxError for both."""
    if name and signature:
        raise RsidxError("give a name or a signature of the new code, not both")
    said = " ".join((name or signature).split())
    return Given("name" if name else "signature", said) if said else None


def _signature(reader: Reader, edit: Edit) -> tuple[str, bytes]:
    """Return the signature of new code on one line, and what stands behind it."""
    assert edit.new is not None
    symbol = reader.symbols(edit.new.chunks[0].id)[0]
    text = b"".join(reader.text(chunk.id) for chunk in edit.new.chunks)
    signature = text[symbol.signature_start : symbol.signature_end].decode("utf-8")
    return " ".join(signature.split()), text[symbol.signature_end :]
