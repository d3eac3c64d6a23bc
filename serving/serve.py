"""An index served to an assistant."""

from pathlib import Path

from rsidx import __version__
from rsidx.api.index import Index
from rsidx.errors import RsidxError
from rsidx.serving.complete import Check
from rsidx.serving.tools import MAX_CHARS, Limits, Tools


def serve_tools(
    index: Index,
    *,
    like: str | Path | None = None,
    check: Check | None = None,
    may_write: bool = False,
    max_chars: int = MAX_CHARS,
) -> None:
    """Serve an index by the Model Context Protocol on stdin and stdout, until these are closed.

    `like` is the export that prompts are like, `check` how code is checked. Files are written only
    if the tools `may_write`; an answer has at most `max_chars` characters. The index must be used
    by nothing else meanwhile. Raises RsidxError where the package `mcp` is missing.
    """
    try:
        from rsidx.serving.mcp_server import run  # noqa: PLC0415  (an extra)
    except ImportError as error:
        raise RsidxError("the package mcp is missing: pip install 'rsidx[mcp]'") from error
    folder = Path(like) if like is not None else None
    run(Tools(index, Limits(check or Check(), folder, may_write, max_chars)), __version__)
