"""What a verdict keeps of an answer that failed: its code and errors, bounded and without secrets.

`rsidx export --kind repair` and `--kind preference` make rows of it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from rsidx.evaluation.compiler.diagnostics import Diagnostic
from rsidx.evaluation.compiler.feedback import feedback
from rsidx.evaluation.judging.verdict import Verdict
from rsidx.exporters.examples.redaction import known_secrets, redacted

MAX_CODE_BYTES = 1 << 15
"""Longer code is not kept: no row has room for it."""


def with_code(verdict: Verdict, code: bytes, files: Iterable[bytes]) -> Verdict:
    """Return a verdict with the code that it is on, unless that compiles, is too long or no text.

    `files` are those whose secrets neither the code nor the errors may show.
    """
    if verdict.verdict == "compiles" or len(code) > MAX_CODE_BYTES:
        return replace(verdict, errors="")
    try:
        text = code.decode("utf-8")
    except UnicodeDecodeError:
        return replace(verdict, errors="")
    known = known_secrets(file.decode("utf-8", "surrogateescape") for file in files)
    clean, errors = (redacted(one, known) for one in (text, verdict.errors))
    is_redacted = (clean, errors) != (text, verdict.errors)
    return replace(verdict, code=clean, errors=errors, is_redacted=is_redacted)


def told(errors: Sequence[Diagnostic], path: str, start: int, end: int) -> str:
    """Return errors as a model is told of them, given where its code is."""
    return feedback((error, error.where(path, start, end)) for error in errors)
