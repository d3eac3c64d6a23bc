"""A model's answer as code, and what is compared of it without a compiler."""

_BLANK = b" \t\r\n"
_DOCUMENTATION = (b"///", b"//!", b"/**", b"/*!", b"#[", b"#![")


def code_of(text: str, end_token: str) -> bytes:
    """Return an answer as bytes, without the end token and what follows it.

    Raises UnicodeEncodeError for what is no text, such as half of a character.
    """
    text = text.partition(end_token)[0] if end_token else text
    return text.encode("utf-8")


def is_same(answer: bytes, own: bytes) -> bool:
    """Tell whether an answer is the commit's own code, line ends and those at its end aside."""
    return _lines(answer) == _lines(own)


def _lines(code: bytes) -> list[bytes]:
    return code.replace(b"\r\n", b"\n").rstrip(_BLANK).split(b"\n")


def keeps_attributes(answer: bytes, old: bytes, own: bytes) -> bool | None:
    """Tell whether an answer has the attributes and documentation that the commit keeps.

    Those are the lines of both the old and the commit's code. None where there are none.
    """
    kept = set(_attributes(old)) & set(_attributes(own))
    return kept <= set(_attributes(answer)) if kept else None


def _attributes(code: bytes) -> list[bytes]:
    lines = (line.strip() for line in code.splitlines())
    return [line for line in lines if line.startswith(_DOCUMENTATION)]
