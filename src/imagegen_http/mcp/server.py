"""The tools and the stored images as an MCP server, at ``/mcp`` and on stdio. Only this loads the SDK."""

import asyncio
import base64
import json
import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, cast

import attrs
import httpx
import mcp_types as types
import msgspec
import structlog
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.shared.exceptions import MCPError

from imagegen_core.images import MediaType
from imagegen_http.api.errors import error_response
from imagegen_http.errors import ServiceCode
from imagegen_http.guard import asgi
from imagegen_http.guard.asgi import App, AsgiMessage, InboundRequest, Receive, Refuse, Scope, Send
from imagegen_http.guard.bodies import BufferedBody
from imagegen_http.guard.delivery import CALLER, Caller, wait_for_delivery, wait_for_disconnect
from imagegen_http.mcp.tools import TOOLS, Api, Fields, ToolFailed

if TYPE_CHECKING:
    from imagegen_http.service import Service

PATH = "/mcp"
MAX_RESULT_BYTES = 900_000
"""Of a tool's result as JSON: Claude's apps take 1 MB (https://github.com/anthropics/claude-code/issues/66519)."""

MAX_THUMBNAIL_BYTES = 200_000
MAX_RESOURCE_BYTES = 5 * 1024 * 1024
"""What Claude's API takes of an image. A larger one would be in memory several times, and then be dropped."""

MAX_MESSAGE_BYTES = 1024 * 1024
_TOO_LONG = (
    b'{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"a message may have %d bytes"}}\n'
    % MAX_MESSAGE_BYTES
)
_CONCURRENT_READS = 2  # of resources: each is in memory several times until it is sent
_PROGRESS_SECONDS = 2
_ANSWER = b'"result":'  # in the message that has the result of a call; those before it tell of progress
_LINKS_SINCE = "2025-06-18"  # the first version of the protocol whose results may link to resources
_RESOURCE = re.compile(r"image://([1-9][0-9]{0,17})")
_INSTRUCTIONS = (
    "Makes, changes and finds images. Making one may cost the user money: see list_models and estimate_cost. "
    "Show people the url of an image."
)
_log = structlog.get_logger("imagegen.mcp")
Context = ServerRequestContext[Any, Any]


@attrs.frozen(eq=False)
class Handlers:
    """Answers requests; ``api_of`` returns how a call reaches the HTTP API."""

    _api_of: Callable[[Context], Api]
    _reads: asyncio.Semaphore = attrs.field(factory=lambda: asyncio.Semaphore(_CONCURRENT_READS))

    async def list_tools(self, context: Context, params: types.PaginatedRequestParams) -> Fields:
        return {"tools": [tool.listed for tool in TOOLS.values()]}

    async def call_tool(self, context: Context, params: types.CallToolRequestParams) -> Fields:
        if params.name not in TOOLS:
            raise ToolFailed("not_found", asgi.text(ServiceCode.NO_SUCH_TOOL(name=params.name[:100])))
        reporting = asyncio.create_task(_report(context))
        try:
            api = self._api_of(context)
            outcome = await TOOLS[params.name].call(api, params.arguments or {})
            return await _result(api, outcome, links=context.protocol_version >= _LINKS_SINCE)
        except ToolFailed as failure:
            return _texts(failure.outcome)
        except Exception:  # noqa: BLE001 - the SDK would send its text to the client
            _log.exception("a tool failed", tool=params.name)
            return _texts(ToolFailed.from_refusal(error_response("internal", {}).content).outcome)
        finally:
            reporting.cancel()

    async def list_resources(self, context: Context, params: types.PaginatedRequestParams) -> Fields:
        query = {} if params.cursor is None else {"cursor": params.cursor}
        page = await self._api_of(context).call("GET", "images", params=query)
        return {"resources": [_link(record) for record in page["items"]], "nextCursor": page["next_cursor"]}

    async def list_templates(self, context: Context, params: types.PaginatedRequestParams) -> Fields:
        return {
            "resourceTemplates": [{"name": "image", "uriTemplate": "image://{id}", "title": "a stored image"}]
        }

    async def read_resource(self, context: Context, params: types.ReadResourceRequestParams) -> Fields:
        match, api = _RESOURCE.fullmatch(params.uri), self._api_of(context)
        if match is None:
            raise ToolFailed("not_found", asgi.text(ServiceCode.NO_SUCH_RESOURCE(uri=params.uri[:100])))
        record = await api.call("GET", f"images/{match[1]}")
        if (size := record["size_bytes"]) > MAX_RESOURCE_BYTES:
            url = (await api.shown(record)).get("url", record["image_url"])
            reason = ServiceCode.RESOURCE_TOO_LARGE(size=size, maximum=MAX_RESOURCE_BYTES, url=url)
            raise ToolFailed("resource_too_large", asgi.text(reason))
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._reads)
            blob = base64.b64encode((await api.respond("GET", f"images/{match[1]}/content")).content).decode()
            if context.request is not None:  # over HTTP the slot is free once the client has the answer
                slot = stack.pop_all()
                await context.request.scope[CALLER].on_leave(lambda _: slot.aclose())
        return {"contents": [{"uri": params.uri, "mimeType": record["mime_type"], "blob": blob}]}


def build_server(api_of: Callable[[Context], Api], version: str) -> "Server[Any]":
    """Return the server; ``api_of`` returns how a call reaches the HTTP API."""
    server: Server[Any] = Server("imagegen", version=version, instructions=_INSTRUCTIONS)
    own, paginated = Handlers(api_of), types.PaginatedRequestParams
    for method, params_type, handle, result_type in (
        ("tools/list", paginated, own.list_tools, types.ListToolsResult),
        ("tools/call", types.CallToolRequestParams, own.call_tool, types.CallToolResult),
        ("resources/list", paginated, own.list_resources, types.ListResourcesResult),
        ("resources/templates/list", paginated, own.list_templates, types.ListResourceTemplatesResult),
        ("resources/read", types.ReadResourceRequestParams, own.read_resource, types.ReadResourceResult),
    ):
        server.add_request_handler(method, params_type, _handler(handle, result_type))
    return server


def _handler(handle: Callable[[Context, Any], Awaitable[Fields]], kind: type[types.Result]) -> Any:
    """Return a handler as the SDK wants one: with a result of its types, or an error of its own."""

    async def answer(context: Context, params: Any) -> types.Result:
        try:
            return kind.model_validate(await handle(context, params))
        except ToolFailed as failure:
            raise MCPError(types.INVALID_PARAMS, failure.message) from failure

    return answer


async def _report(context: Context) -> None:
    """Report how long a call takes, which keeps clients from giving up; silent unless one wants to know."""
    seconds = 0
    while True:
        await asyncio.sleep(_PROGRESS_SECONDS)
        seconds += _PROGRESS_SECONDS
        await context.session.report_progress(
            seconds, message=asgi.text(ServiceCode.STILL_WORKING(seconds=seconds))
        )


# ---------------------------------------------------------------- results


def _texts(outcome: Fields) -> Fields:
    text = msgspec.json.encode(outcome).decode()
    is_error = outcome.get("error") is not None
    return {"content": [{"type": "text", "text": text}], "structuredContent": outcome, "isError": is_error}


async def _result(api: Api, outcome: Fields, *, links: bool) -> Fields:
    """Return a result: text, and a thumbnail and a link of each image, as long as there is room."""
    result = _texts(outcome)
    room = MAX_RESULT_BYTES - len(json.dumps(result))
    for image in outcome.get("images", ()):
        blocks = [_link(image) | {"type": "resource_link"}] if links else []
        is_drawn = image["mime_type"] != MediaType.SVG
        if is_drawn and (thumbnail := await _thumbnail(api, image["id"])) is not None:
            blocks.insert(0, {"type": "image", "data": thumbnail, "mimeType": "image/webp"})
        room -= len(json.dumps(blocks))
        if room < 0:
            break
        result["content"] += blocks
    return result


async def _thumbnail(api: Api, image_id: int) -> str | None:
    """Return an image's thumbnail in base64; None if it is too large, or cannot be read now."""
    try:
        data = (await api.respond("GET", f"images/{image_id}/thumbnail")).content
    except ToolFailed as failure:
        _log.warning("a thumbnail cannot be read", image=image_id, reason=failure.message)
        return None
    return base64.b64encode(data).decode() if len(data) <= MAX_THUMBNAIL_BYTES else None


def _link(record: Fields) -> Fields:
    image_id, kind, size = record["id"], record["mime_type"], record["size_bytes"]
    link = {"uri": f"image://{image_id}", "name": f"image {image_id}", "mimeType": kind, "size": size}
    return {**link, "description": record["prompt"][:100]}


# ---------------------------------------------------------------- over HTTP


@asynccontextmanager
async def over_http(app: App, service: "Service", refuse: Refuse) -> AsyncIterator[App]:
    """Serve ``/mcp`` beside an application that has the HTTP API, which each tool calls.

    The guard has checked the request. What a call leaves is settled once its answer has reached the client.
    """

    def api_of(context: Context) -> Api:
        request: Any = context.request
        scope, headers = request.scope, request.headers

        async def call(inner: Scope, receive: Receive, send: Send) -> None:
            await app({**inner, CALLER: scope[CALLER]}, receive, send)

        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=call),
            base_url=f"{scope['scheme']}://{headers['host']}",
            headers={"Authorization": headers.get("authorization", ""), "Accept-Encoding": "identity"},
            trust_env=False,
        )
        return Api(client.request, stopping=service.stopping.is_set)

    server = build_server(api_of, service.version)
    manager = StreamableHTTPSessionManager(server, stateless=True, max_request_body_size=MAX_MESSAGE_BYTES)

    async def served(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or InboundRequest.from_scope(scope).path != PATH:
            await app(scope, receive, send)
        elif scope["method"] != "POST":  # a stream without an end for what the service never says by itself
            await refuse(scope, receive, send, "method_not_allowed", {}, {"allow": "POST"})
        else:
            await _serve(manager, scope, receive, send)

    try:
        async with manager.run():
            yield served
    except ExceptionGroup as group:  # the SDK's tasks run in one, and those outside know only what is in it
        raise group.exceptions[0] from None


async def _serve(manager: StreamableHTTPSessionManager, scope: Scope, receive: Receive, send: Send) -> None:
    body: AsgiMessage | None = await receive()
    BufferedBody.from_scope(scope).drop()  # a large one would keep others waiting for as long as a tool waits
    caller = Caller(asyncio.create_task(wait_for_disconnect(receive)))

    async def receive_body() -> AsgiMessage:
        nonlocal body
        message, body = body, None
        if message is None:
            await asyncio.wait({caller.disconnect})
        return message or {"type": "http.disconnect"}

    async def send_and_settle(message: AsgiMessage) -> None:
        is_answer = caller.settle and _ANSWER in message.get("body", b"")
        if is_answer:  # clients close a stream once they have it, and after that nobody knows whether they do
            await send({**message, "more_body": True})
            await caller.leave(arrived=await wait_for_delivery(scope, caller.disconnect))
        if not is_answer or not message.get("more_body", False):
            await send({**message, "body": b""} if is_answer else message)

    try:
        await manager.handle_request({**scope, CALLER: caller}, receive_body, send_and_settle)
    finally:
        caller.disconnect.cancel()
        await caller.leave(arrived=False)


# ---------------------------------------------------------------- on stdio


async def on_stdio(server: "Server[Any]") -> None:
    """Serve one client until stdin ends; both are pipes, sockets or terminals.

    stdout has the protocol alone: what is printed goes to stderr.
    """
    wire, loop = os.fdopen(os.dup(1), "wb"), asyncio.get_running_loop()
    os.dup2(2, 1)
    reader = asyncio.StreamReader(MAX_MESSAGE_BYTES)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(os.dup(0), "rb"))
    output = await loop.connect_write_pipe(lambda: asyncio.StreamReaderProtocol(asyncio.StreamReader()), wire)
    writer = asyncio.StreamWriter(*output, None, loop)
    stdin, stdout = cast("Any", _lines(reader, writer)), cast("Any", _Output(writer))
    try:
        async with stdio_server(stdin, stdout) as (read_stream, write_stream):
            await server.run(read_stream, write_stream, server.create_initialization_options())
    except* ConnectionError:
        pass  # nobody reads stdout any more, so the session is over; calls that wait are lost


async def _lines(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> AsyncIterator[str]:
    """Yield lines until stdin ends; one that is too long is answered with an error."""
    while True:
        try:
            line = await reader.readline()
        except ValueError:
            writer.write(_TOO_LONG)
            continue
        if not line:
            return
        yield line.decode("utf-8", "replace")


@attrs.frozen
class _Output:
    """A writer as the SDK wants one."""

    _writer: asyncio.StreamWriter

    async def write(self, text: str) -> None:
        self._writer.write(text.encode())

    async def flush(self) -> None:
        await self._writer.drain()
