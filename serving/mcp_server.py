"""The tools, for an assistant that speaks the Model Context Protocol over stdin and stdout.

One process serves one client, and stays: the index is opened, and the libraries are loaded, once.
An index belongs to one thread, so all tools run in the same one, one after another.
"""

import asyncio
import functools
import inspect
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from threading import Thread
from typing import Any

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations

from rsidx.errors import RsidxError
from rsidx.serving.tools import Tool, Tools

_INSTRUCTIONS = (
    "An index of this Rust repository's history. A place in the code is FILE:SYMBOL, FILE:LINE, or "
    "FILE with `after` or `in_` for new code; paths are from the top of the repository. Lists are "
    "in pages: ask again with `next_offset` as `offset`."
)


def run(tools: Tools, version: str) -> None:
    """Serve the tools on stdin and stdout until these are closed."""
    server_of(tools, version).run("stdio")


def server_of(tools: Tools, version: str) -> MCPServer:
    """Return a server with the tools."""
    server: MCPServer = MCPServer("rsidx", version=version, instructions=_INSTRUCTIONS)
    worker = _Worker()
    for tool in tools.all():
        name = tool.call.__name__
        annotations = ToolAnnotations(
            read_only_hint=not tool.changes_files and not tool.runs_code,
            destructive_hint=tool.changes_files,
            open_world_hint=False,
        )
        server.add_tool(
            _in_thread(tools, tool, worker),
            name=name,
            description=inspect.getdoc(tool.call),
            annotations=annotations,
            structured_output=False,
        )
    return server


class _Worker:
    """A thread that makes one call after another.

    It ends with the process, in the middle of a call if need be: who closed the connection does not
    wait for a check, and an executor's thread would.
    """

    def __init__(self) -> None:
        self._calls: SimpleQueue[tuple[Future[str], Callable[[], str]]] = SimpleQueue()
        Thread(target=self._work, name="rsidx-tools", daemon=True).start()

    def submit(self, call: Callable[[], str]) -> Future[str]:
        """Return what will come of a call; one that is cancelled in the queue is not made."""
        future: Future[str] = Future()
        self._calls.put((future, call))
        return future

    def _work(self) -> None:
        while True:
            future, call = self._calls.get()
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(call())
                except BaseException as error:
                    future.set_exception(error)


def _in_thread(tools: Tools, tool: Tool, worker: _Worker) -> Callable[..., Any]:
    """Return what has the worker call a tool; its signature is the tool's."""

    @functools.wraps(tool.call)
    async def call(**arguments: Any) -> str:
        try:
            future = worker.submit(functools.partial(tool.call, **arguments))
            return await asyncio.wrap_future(future)
        except RsidxError as error:
            raise ToolError(tools.refusal(error)) from error

    return call
