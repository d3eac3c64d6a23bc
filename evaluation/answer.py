"""A model's answer as code, and what is compared of it without a compiler."""

from rsidx.answer import read_answer

_BLANK = b" \t\r\n"
_DOCUMENTATION = (b"///", b"//!", b"/**", b"/*!", b"#[", b"#![")


def code_of(text: str, end_token: str) -> bytes:
    """Return an answer as bytes, without the end token and what follows it.

    Raises UnicodeEncodeError for what is no text, such as half of a character.
    """
    text = text.partition(end_token)[0] if end_token else text
    return text.encode("utf-8")


def text_of(text: str, end_token: str) -> str:
    """Return the code of an answer as it goes into a file, with a line break at its end."""
    text = text.encode("utf-8", "replace").decode("utf-8")  # Of half a character.
    code = read_answer(code_of(text, end_token)).code.decode("utf-8")
    return code if not code or code.endswith("\n") else code + "\n"


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
