"""The HTTP API as commands call it: at another node, at this machine's server, or in this process."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, urlsplit

import attrs
import click

from imagegen_core.limits import MAX_PAGE_SIZE
from imagegen_core.messages import Argument, Message, RefusalCode, as_message
from imagegen_http.cli.context import (
    CommandFailed,
    Context,
    about,
    become_owner,
    complain,
    connection_problem,
    import_lean,
    naming_data_dir,
)
from imagegen_http.cli.files import atomic_file
from imagegen_http.cli.words import message, reader_language

if TYPE_CHECKING:
    import ssl

    import httpx

    from imagegen_http.service import Service
    from imagegen_http.settings.schema import Settings

_T = TypeVar("_T")

_CALL_SECONDS = 60  # for one response
_CONNECT_SECONDS = 10
MAX_LOCK_WAIT_SECONDS = 10
LOCK_POLL_SECONDS = 0.2


def with_api(
    context: Context,
    act: Callable[["Api"], Awaitable[_T]],
    *,
    run_background: bool = False,
    create: bool = False,
) -> _T:
    """Run ``act(api)`` against the remote node, the running server, or a service in this process.

    That service claims tasks only with ``run_background``: commands that only read cost no money. It creates
    a data directory only with ``create``.
    """
    import asyncio

    async def run() -> _T:
        async with AsyncExitStack() as stack:
            if settings is None:
                return await act(await _connect_to_node(stack, context))
            stack.enter_context(naming_data_dir(settings))
            api = await connect_here(
                stack, settings, context.environ, run_background=run_background, create=create
            )
            return await act(api)

    settings = context.settings() if context.server is None else None
    try:
        return asyncio.run(run())
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None  # only a signal cancels a command


def api_command(command: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Make a command of a coroutine function; its first argument is the API."""

    @click.pass_obj
    @wraps(command)
    def run(context: Context, /, **arguments: Any) -> None:
        with_api(context, lambda api: command(api, **arguments))

    return run


# ---------------------------------------------------------------- the way to a remote node


def is_local(url: str) -> bool:
    import ipaddress

    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


async def _connect_to_node(stack: AsyncExitStack, context: Context) -> "Api":
    """Return the API of a remote node. No redirect is followed, so nobody else gets the token."""
    import_lean("httpx")
    import httpx

    url, token = str(context.server), context.token
    if token and not (url.startswith("https:") or is_local(url)):
        complain(
            "{address} is not encrypted: whoever is on the way can read the token; use https", address=url
        )
    try:
        client = _client(url)
    except (httpx.InvalidURL, ValueError, ImportError, OSError) as error:
        raise CommandFailed(
            "the proxy or the certificates that the environment names cannot be used: {detail}",
            detail=str(error),
        ) from error
    await stack.enter_async_context(client)
    _authorize(client, token)
    return Api(client, place=url, retry_delays=_RETRY_DELAYS)


def _client(url: str, *, trust_env: bool = True) -> "httpx.AsyncClient":
    """Return a client without a token; the environment names a proxy, but not for this machine."""
    import httpx

    return httpx.AsyncClient(
        base_url=url,
        headers={"Accept-Language": str(reader_language())},
        timeout=httpx.Timeout(_CALL_SECONDS, connect=_CONNECT_SECONDS),
        trust_env=trust_env and not is_local(url),
        verify=_certificates(url),
    )


def _authorize(client: "httpx.AsyncClient", token: str | None) -> None:
    if token:
        client.headers.encoding = "utf-8"
        client.headers["Authorization"] = f"Bearer {token}"


def _certificates(url: str) -> "ssl.SSLContext":
    """Return the environment's CA certificates, else the system's and certifi's."""
    import ssl

    if not url.startswith("https:"):
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # no TLS: nothing to verify
    context = ssl.create_default_context()
    if not (os.environ.get("SSL_CERT_FILE") or os.environ.get("SSL_CERT_DIR")):
        import certifi

        context.load_verify_locations(certifi.where())
    return context


# ---------------------------------------------------------------- the way to this machine's service


async def connect_here(
    stack: AsyncExitStack,
    settings: "Settings",
    environ: Mapping[str, str],
    *,
    run_background: bool,
    create: bool,
) -> "Api":
    """Return the API of the running server, else of a service in this process; see `with_api`."""
    import asyncio

    from imagegen_core.errors import StorageError
    from imagegen_http.running_server import RunningServer

    import_lean("httpx")
    import httpx

    server = RunningServer.find(settings.data_dir)
    if server is not None:
        client = await stack.enter_async_context(_client(server.url, trust_env=False))
        if await server.answers(client):  # only the server itself gets the token
            _authorize(client, settings.server.auth_token)
            return Api(client, place=settings.place)
    import_lean("structlog")
    from imagegen_core.secrets import Redactor
    from imagegen_http.app import build_app
    from imagegen_http.guard import asgi
    from imagegen_http.server.logs import set_up_logs
    from imagegen_http.service import DataDirectoryInUse, compose
    from imagegen_http.settings.schema import API

    become_owner(settings.data_dir)
    has_nodes = settings.database is not None
    if has_nodes:  # its workers run the tasks; a command that soon ends claims none
        settings = attrs.evolve(settings, roles=(API,))
    redactor, log = Redactor(), settings.log
    if log.level == "info":
        log = attrs.evolve(log, level="error")  # the command itself prints what matters
    set_up_logs(log, redactor.redact_event)  # to stderr: stdout is the command's own
    asgi.language.set(reader_language())  # no middleware reads the header here
    for tries_left in reversed(range(round(MAX_LOCK_WAIT_SECONDS / LOCK_POLL_SECONDS))):
        composing = compose(
            settings, environ=environ, redactor=redactor, run_background=run_background, create=create
        )
        try:
            service = await stack.enter_async_context(composing)
            break
        except DataDirectoryInUse as error:
            if not tries_left and server is not None:
                reason = message(
                    "a server works in this data directory, but does not answer at {url}, as in a container: "
                    "run the command where the server runs, or name its address with --server",
                    url=server.url,
                )
                raise StorageError(reason) from error
            if not tries_left:
                raise
        await asyncio.sleep(LOCK_POLL_SECONDS)
    transport = httpx.ASGITransport(app=build_app(service))  # type: ignore[arg-type] # ASGI has types in both libraries
    if run_background:
        await stack.enter_async_context(interruptible(service))
    client = await stack.enter_async_context(
        httpx.AsyncClient(transport=transport, base_url="http://localhost")
    )
    return Api(client, place=settings.place, in_process=True, tasks_go_on=has_nodes)


@asynccontextmanager
async def interruptible(service: "Service") -> AsyncIterator[None]:
    """The first signal cancels the block; calls may finish until the grace ends or another signal comes.

    So no paid call is lost silently: the state of running calls is stored.
    """
    import asyncio
    import signal

    signals = (signal.SIGINT, signal.SIGTERM)
    loop, force = asyncio.get_running_loop(), asyncio.Event()
    body = [task] if (task := asyncio.current_task()) is not None else []

    def signalled() -> None:
        if body:
            body.pop().cancel()
        else:
            force.set()

    for number in signals:
        loop.add_signal_handler(number, signalled)
    try:
        yield
    finally:
        if not body and service.imagegen.worker.busy:
            seconds = f"{service.settings.shutdown_grace_seconds:g}"
            complain("waiting up to {seconds} s for the call; Ctrl-C gives it up", seconds=seconds)
        body.clear()
        await service.imagegen.stop(force=force)
        for number in signals:
            loop.remove_signal_handler(number)


# ---------------------------------------------------------------- calls

_POLL_SECONDS = 0.2
_MAX_REMOTE_POLL_SECONDS = 1
_POLL_GROWTH = 1.3
_RETRY_DELAYS = (1, 2, 4, 8)  # seconds before each retry; only for another machine
_GATEWAY_STATUSES = frozenset({502, 503, 504})  # a proxy's answer for a node that stops, starts or is down
_LOST_STATUSES = frozenset({502, 504})  # the proxy had sent the request on; at 503 it had not
_KEY = "Idempotency-Key"
_PIECE_BYTES = 512 * 1024  # small: in-process responses stay in memory until a garbage collection


class ApiRefusal(CommandFailed):
    """The API refused a request by ``error_code``; ``summary`` is the sentence for all such refusals."""

    def __init__(self, reason: Message, *, summary: Message, error_code: int = 0) -> None:
        super().__init__(reason)
        self.summary, self.error_code = summary, error_code


class ResponseLost(CommandFailed):
    """There is no response, and what was asked for may have been done."""


class ImageUnreadable(CommandFailed):
    """The bytes of one image cannot be read; other images may be readable."""


@attrs.define
class Api:
    """Calls the HTTP API and returns the ``data`` of its responses."""

    _client: "httpx.AsyncClient"
    place: str  # the data directory or the node's address, as the user knows it
    in_process: bool = False
    tasks_go_on: bool = True  # others run its tasks after the command has ended
    _retry_delays: Sequence[float] = ()  # seconds; only a remote node has any
    _has_answered: bool = attrs.field(default=False, init=False)

    @property
    def program(self) -> str:
        """The program with the options that lead to the same service."""
        return f"imagegen --server {self.place}" if self._retry_delays else "imagegen"

    async def call(
        self, method: str, path: str, *, names: Mapping[str, str] | None = None, **request: Any
    ) -> Any:
        """Send a request and return the ``data`` of the response.

        A request with a key is carried out once, however often it arrives. ``names`` are the user's names
        for fields of the body. Raises ApiRefusal, or CommandFailed if there is no response.
        """
        response = await self.send(method, path, **request)
        try:
            body = response.json()
        except ValueError:
            body = None
        if not (isinstance(body, dict) and isinstance(body.get("code"), int) and "data" in body):
            is_keyed = _KEY in request.get("headers", ())
            is_lost = method != "GET" and response.status_code in _LOST_STATUSES
            raise self._failure(_foreign_response(response), is_lost=is_lost, is_keyed=is_keyed)
        if body["code"] != 0:
            reason = refusal_reason(body, names or {})
            if self._retry_delays and (hint := _REMOTE_HINTS.get(body["code"])):
                reason = message(hint, reason=reason)
            raise ApiRefusal(reason, summary=as_message(str(body.get("message"))), error_code=body["code"])
        return body["data"]

    async def send(self, method: str, path: str, **request: Any) -> "httpx.Response":
        """Send a request and return its response, whatever it says; CommandFailed if there is none."""
        is_safe, is_keyed = method == "GET", _KEY in request.get("headers", ())
        return await self._send(
            lambda: self._client.request(method, path, **request), is_safe=is_safe, is_keyed=is_keyed
        )

    async def get(self, path: str, **request: Any) -> Any:
        return await self.call("GET", path, **request)

    async def post(self, path: str, **request: Any) -> Any:
        """Send once, unless it has a key. If the response is lost, the request may have been carried out."""
        return await self.call("POST", path, **request)

    async def submit(self, path: str, headers: Mapping[str, str] | None = None, **request: Any) -> Any:
        """Submit a task exactly once, however often the request has to be sent."""
        return await self.post(path, headers={**(headers or {}), _KEY: os.urandom(16).hex()}, **request)

    async def pages(
        self, path: str, *, limit: int | None = None, **params: Any
    ) -> AsyncIterator[dict[str, Any]]:
        """Yield the pages of a list, at least one; ``limit`` counts items."""
        while limit is None or limit > 0:
            size = MAX_PAGE_SIZE if limit is None else min(limit, MAX_PAGE_SIZE)
            page = await self.get(path, params={**params, "page_size": size})
            yield page
            if not page["next_cursor"]:
                return
            params["cursor"] = page["next_cursor"]
            limit = None if limit is None else limit - len(page["items"])

    async def every(self, path: str, **params: Any) -> AsyncIterator[dict[str, Any]]:
        async for page in self.pages(path, **params):
            for item in page["items"]:
                yield item

    async def follow(self, task_id: str) -> AsyncIterator[dict[str, Any]]:
        """Poll the task and yield each state; the last one is final."""
        import asyncio

        seconds = _POLL_SECONDS
        maximum = _MAX_REMOTE_POLL_SECONDS if self._retry_delays else _POLL_SECONDS
        while True:
            task = await self.get(f"/api/v1/tasks/{quoted(task_id)}")
            yield task
            if task["status"] in ("completed", "failed", "cancelled"):
                return
            await asyncio.sleep(seconds)
            seconds = min(seconds * _POLL_GROWTH, maximum)

    async def lacks_worker(self) -> bool:
        """Return whether the service lists its nodes, and no living one is a worker."""
        import httpx

        try:
            nodes = (await self._client.get("/health")).json()["checks"]["cluster"]["nodes"]
            return not any(node["alive"] and "worker" in node["roles"] for node in nodes)
        except (httpx.HTTPError, ValueError, LookupError, TypeError):  # no cluster, or behind a proxy
            return False

    async def download(self, path: str, target: Path, *, replace: bool = True) -> None:
        """Write what is at a path to a file, all or nothing; FileTaken if that must not be replaced."""

        async def write_file() -> "httpx.Response":
            at, size, headers = 0, 1, {}
            with atomic_file(target, replace=replace) as file:
                while at < size:
                    if self.in_process:  # where a response is in memory as a whole
                        headers["Range"] = f"bytes={at}-{at + _PIECE_BYTES - 1}"
                    async with self._client.stream("GET", path, headers=headers) as response:
                        if response.status_code != (206 if headers else 200):
                            status = response.status_code
                            raise ImageUnreadable("the image cannot be read ({status})", status=status)
                        async for chunk in response.aiter_bytes():
                            at += file.write(chunk)
                    size = int(response.headers["Content-Range"].rpartition("/")[2]) if headers else at
            return response

        await self._send(write_file, is_safe=True)

    async def download_image(self, image_id: int, target: Path, *, replace: bool = True) -> None:
        await self.download(f"/api/v1/images/{image_id:d}/content", target, replace=replace)

    async def _send(
        self, send: Callable[[], Awaitable["httpx.Response"]], *, is_safe: bool, is_keyed: bool = False
    ) -> "httpx.Response":
        """Send a request; resend it if it was lost and cannot do anything twice.

        Safe requests change nothing, keyed ones act once. Before the first answer the address may be wrong:
        then only a keyed request that may have arrived is resent.
        """
        import asyncio

        import httpx

        unsent = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
        for delay in (*self._retry_delays, None):
            try:
                response = await send()
            except httpx.HTTPError as error:
                is_unsent = isinstance(error, unsent)
                may_resend = self._has_answered if is_safe or is_unsent else is_keyed
                if delay is None or not may_resend or not isinstance(error, httpx.TransportError):
                    is_lost = not (is_safe or is_unsent)
                    problem = connection_problem(error)
                    raise self._failure(problem, is_lost=is_lost, is_keyed=is_keyed) from error
            except UnicodeEncodeError as error:  # the shell passes on any bytes
                raise CommandFailed("an argument is not UTF-8") from error
            else:
                may_resend = is_keyed or (is_safe and self._has_answered)
                if delay is None or not may_resend or response.status_code not in _GATEWAY_STATUSES:
                    self._has_answered = True
                    return response
            await asyncio.sleep(delay)
        raise AssertionError  # the last attempt has returned or raised

    def _failure(self, problem: Message, *, is_lost: bool, is_keyed: bool) -> CommandFailed:
        reason = about(str(self._client.base_url).rstrip("/"), problem)
        if is_lost and is_keyed:
            return ResponseLost(
                "{reason}; a task may have been accepted: look with `{command}` before asking again",
                reason=reason,
                command=f"{self.program} tasks list",
            )
        if is_lost:
            return ResponseLost(
                "{reason}; the response is lost, and what was asked for may have been done", reason=reason
            )
        return CommandFailed(reason)


def quoted(text: str) -> str:
    """Quote one segment of a path, or fail: the shell passes on any bytes."""
    try:
        return quote(text, safe="")
    except UnicodeEncodeError as error:
        raise CommandFailed("an argument is not UTF-8") from error


# ---------------------------------------------------------------- failures of single images

_MAX_LISTED_IDS = 20


def listed_ids(ids: Sequence[str | int]) -> tuple[Argument, ...]:
    """Return the first ids for a message, and how many more there are."""
    more = len(ids) - _MAX_LISTED_IDS
    return (*ids[:_MAX_LISTED_IDS], *((message("{count} more", count=more),) if more > 0 else ()))


class Failures(dict[Message, list[str]]):
    """The ids of images by the reason for which each failed, so that one does not stop the others."""

    @contextmanager
    def catching(self, image_id: int) -> Iterator[None]:
        """Record a refusal or an unreadable image, and go on."""
        try:
            yield
        except (ApiRefusal, ImageUnreadable) as error:
            reason = error.summary if isinstance(error, ApiRefusal) else error.reason
            self.setdefault(reason, []).append(str(image_id))

    def check(self) -> None:
        if self:
            problems = tuple(about(listed_ids(ids), reason) for reason, ids in self.items())
            raise CommandFailed(RefusalCode.PROBLEMS(problems=problems))


# ---------------------------------------------------------------- refusals and failures

_BODY_TOO_LARGE = 41300
_REMOTE_HINTS = {
    40101: "{reason}; --token or IMAGEGEN_TOKEN takes that of the server",
    40400: "{reason}: is the path of the address right, and does that node serve the API?",
}
"""By error code: what to add to the API's reason if the service is on another machine."""

_WITH_MESSAGE = frozenset(
    {"invalid_image", "not_found", "queue_full", "unavailable", "unsupported_operation"}
)
"""Errors whose ``message`` says more than their ``detail``."""

_MAX_DETAILS = 3


def _foreign_response(response: "httpx.Response") -> Message:
    """Explain a response that is not the API's. Of a redirect's target, secrets and the API path are cut."""
    import httpx

    status = response.status_code
    if response.has_redirect_location:
        target = "?"
        with suppress(httpx.InvalidURL):
            url = response.url.join(response.headers["Location"])
            target = str(url.copy_with(userinfo=b"", query=None, fragment=None))
            path = response.url.path.rpartition("/api/v1/")[2]
            target = target.removesuffix(path).removesuffix("/api/v1/")
        return message(
            "redirects to {target}, which is not followed: give the address that the service really has",
            target=target,
        )
    if status in _GATEWAY_STATUSES:
        return message("a proxy answers {status}: the service behind it does not respond", status=status)
    return message(
        "answers {status}, and not as imagegen does: is that its address, with its path?", status=status
    )


def refusal_reason(body: Mapping[str, Any], names: Mapping[str, str]) -> Message:
    """Return the API's reason with the user's names of fields, without hints for all API callers."""
    data = body["data"] or {}
    details = [
        about(names.get(p["field"], p["field"]) + (f":{p['line']}" if "line" in p else ""), p["message"])
        for p in data.get("errors", [])
    ]
    if data.get("detail"):
        field, detail = str(data.get("field")), str(data["detail"])
        if field in names and detail.startswith(field):
            detail = names[field] + detail.removeprefix(field)
        details.append(as_message(detail))
    if body["code"] == _BODY_TOO_LARGE and names:
        details.insert(0, as_message(", ".join(dict.fromkeys(names.values()))))
    details = details[:_MAX_DETAILS]
    if hint := data.get("hint"):
        from imagegen_http.errors import TABLE

        if not any(hint in (row.hint_en, row.hint_zh) for row in TABLE.values()):
            details.append(as_message(str(hint)))
    subject = str(body.get("message"))
    if not details:
        return as_message(subject)
    reason = RefusalCode.PROBLEMS(problems=tuple(details))
    says_all = data.get("detail") and data.get("error") not in _WITH_MESSAGE
    return reason if says_all else about(subject, reason)
