"""The tools, for an assistant that speaks the Model Context Protocol over stdin and stdout.

One process serves one client, and stays: the index is opened, and the libraries are loaded, once.
An index belongs to one thread, so all tools run in the same one, one after another.
"""

import asyncio
import functools
import inspect
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
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
    thread = ThreadPoolExecutor(1, "rsidx-tools")
    for tool in tools.all():
        name = tool.call.__name__
        annotations = ToolAnnotations(
            read_only_hint=not tool.changes_files and not tool.runs_code,
            destructive_hint=tool.changes_files,
            open_world_hint=False,
        )
        server.add_tool(
            _in_thread(tools, tool, thread),
            name=name,
            description=inspect.getdoc(tool.call),
            annotations=annotations,
            structured_output=False,
        )
    return server


def _in_thread(tools: Tools, tool: Tool, thread: ThreadPoolExecutor) -> Callable[..., Any]:
    """Return what calls a tool in the thread; its signature is the tool's."""

    @functools.wraps(tool.call)
    async def call(**arguments: Any) -> str:
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(thread, functools.partial(tool.call, **arguments))
        except RsidxError as error:
            raise ToolError(tools.refusal(error)) from error

    return call
