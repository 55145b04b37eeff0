"""An agent's program: the official client, over HTTP or beside the installed command, without any `await`."""

import contextlib
import functools
from concurrent.futures import Future

import attrs
import httpx2
from anyio.from_thread import start_blocking_portal
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client

from tests.integration.api.live_server import IMAGEGEN, clean_environ

MODES = {"http": "auto", "http before 2026": "legacy"}
"""How the client begins over HTTP: by `server/discover`, or with a handshake."""

TRANSPORTS = (*MODES, "stdio")
ENGLISH = {"Accept-Language": "en"}


@attrs.frozen
class Agent:
    """One session; what it calls runs in the portal's thread."""

    portal: object
    client: Client

    def call(self, tool, **arguments):
        """Return a tool's result."""
        return self.do(self.client.call_tool, tool, arguments)

    def begin(self, tool, **arguments) -> Future:
        """Call a tool and return its future result; cancelling that gives the call up."""
        return self.portal.start_task_soon(self.client.call_tool, tool, arguments)

    def data(self, tool, **arguments):
        """Return the data of a call that went well."""
        result = self.call(tool, **arguments)
        assert not result.is_error, result.structured_content
        return result.structured_content

    def error(self, tool, **arguments):
        """Return the error of a call that failed."""
        result = self.call(tool, **arguments)
        assert result.is_error, result.structured_content
        return result.structured_content["error"]

    def together(self, calls):
        """Return the results of several calls that were made at once."""
        return [future.result(90) for future in [self.begin(tool, **fields) for tool, fields in calls]]

    def do(self, method, *arguments, **more):
        return self.portal.call(functools.partial(method, *arguments, **more))


@contextlib.contextmanager
def over_http(url, *, mode="auto", headers=ENGLISH):
    """Connect to a service's ``/mcp``."""
    with start_blocking_portal() as portal:
        http = httpx2.AsyncClient(headers=headers, timeout=90, trust_env=False)
        client = Client(streamable_http_client(f"{url}/mcp", http_client=http), mode=mode)
        with portal.wrap_async_context_manager(http), portal.wrap_async_context_manager(client):
            yield Agent(portal, client)


@contextlib.contextmanager
def on_stdio(folder, *arguments, command=IMAGEGEN, environ=()):
    """Start the command in a folder, whose settings it finds there, and connect to it."""
    environment = clean_environ(**{"IMAGEGEN_LANG": "en", **dict(environ)})
    parameters = StdioServerParameters(command=command, args=[*arguments, "mcp"], env=environment, cwd=folder)
    with contextlib.ExitStack() as stack:
        log = stack.enter_context((folder / "stderr").open("a"))
        portal = stack.enter_context(start_blocking_portal())
        client = Client(stdio_client(parameters, errlog=log))
        yield Agent(portal, stack.enter_context(portal.wrap_async_context_manager(client)))


@contextlib.contextmanager
def connected(server, transport):
    """Connect to a server by one of `TRANSPORTS`."""
    ways = on_stdio(server.folder) if transport == "stdio" else over_http(server.url, mode=MODES[transport])
    with ways as agent:
        yield agent
