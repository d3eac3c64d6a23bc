"""What a model is told of its errors: one rule, for whoever asks again."""

from collections.abc import Iterable, Iterator, Sequence

from rsidx.evaluation.compiler.diagnostics import Diagnostic

MAX_CHARS = 1_200
_NEAREST = ("edit", "file", "other_file")
_DROPPED = ("For more information about this error", "Some errors have detailed explanations")


def feedback(errors: Iterable[tuple[Diagnostic, str]]) -> str:
    """Return errors, each given with where it is, as a text for the next prompt.

    Those in the edit come first, then those of its file. Each is what the compiler prints, without
    its hints on where to read more; together they have at most `MAX_CHARS` characters: an error
    that does not fit is left out, with all that follow, and the first one is cut.
    """
    ordered = sorted(errors, key=lambda pair: _NEAREST.index(pair[1]))
    texts = [_text(error) for error, _ in ordered]
    return "\n\n".join(_fitting(texts))


def _text(error: Diagnostic) -> str:
    lines = (error.rendered or error.reason).splitlines()
    return "\n".join(line for line in lines if not line.startswith(_DROPPED)).strip()


def _fitting(texts: Sequence[str]) -> Iterator[str]:
    left = MAX_CHARS
    for number, text in enumerate(texts):
        if len(text) > left:
            if not number:
                yield text[:MAX_CHARS]
            return
        left -= len(text) + 2
        yield text
