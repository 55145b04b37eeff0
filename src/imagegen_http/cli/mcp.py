"""``imagegen mcp``: the tools of agents on stdin and stdout, over the HTTP API as other commands call it."""

import importlib.metadata
import os
import stat
from typing import TYPE_CHECKING, Any

import click

from imagegen_http.cli.api import Api, ResponseLost, with_api
from imagegen_http.cli.context import CommandFailed, Context, complain, import_lean
from imagegen_http.cli.words import reader_language

if TYPE_CHECKING:
    import httpx


@click.command()
@click.pass_obj
def mcp(context: Context) -> None:
    """Give agents tools over MCP, on stdin and stdout; their program starts this.

    It works beside the running server, or with --server beside another node. Without a server it runs the
    tasks by itself, and as long as it does, no other process can use the data directory.
    """
    import_lean("httpx")
    import_lean("structlog")
    from imagegen_http.service import require_mcp
    from imagegen_http.settings.schema import SettingsError

    try:
        require_mcp("imagegen mcp")
    except SettingsError as error:
        raise CommandFailed(error.reason) from error
    if not all(map(_is_stream, (0, 1))):
        raise CommandFailed("stdin and stdout have to be pipes, as an MCP client makes them")
    if os.isatty(0):
        complain("waiting for the messages of an MCP client on stdin")
    with_api(context, _serve, run_background=True, create=True)


async def _serve(api: Api) -> None:
    from imagegen_http.guard import asgi
    from imagegen_http.mcp.server import build_server, on_stdio
    from imagegen_http.mcp.tools import Api as ToolApi
    from imagegen_http.mcp.tools import ToolFailed

    async def send(method: str, path: str, **request: Any) -> "httpx.Response":
        try:
            return await api.send(method, path, **request)
        except CommandFailed as error:
            may_cost = isinstance(error, ResponseLost)
            raise ToolFailed("unavailable", asgi.text(error.reason), may_cost=may_cost) from error

    asgi.language.set(reader_language())
    tools = ToolApi(send, has_address=not api.in_process)
    await on_stdio(build_server(lambda _: tools, importlib.metadata.version("imagegen-service")))


def _is_stream(descriptor: int) -> bool:
    """Whether reads and writes can be waited for, as they cannot on files and /dev/null."""
    mode = os.fstat(descriptor).st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or os.isatty(descriptor)
