"""Connects a command to a service: on another node, on this machine, or in the command's own process."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import attrs
import click

from imagegen_http.cli.api import REMOTE_DELAYS, Api
from imagegen_http.cli.context import (
    CommandFailed,
    Context,
    WrongUsage,
    become_owner,
    complain,
    import_lean,
    naming_data_dir,
)
from imagegen_http.cli.words import language_of, message

if TYPE_CHECKING:
    import ssl

    import httpx

    from imagegen_http.service import Service
    from imagegen_http.settings.schema import Settings

_T = TypeVar("_T")

CALL_SECONDS = 60  # for one response
CONNECT_SECONDS = 10
MAX_LOCK_WAIT_SECONDS = 10
_LOCK_POLL_SECONDS = 0.2


def with_api(
    context: Context,
    act: Callable[[Api], Awaitable[_T]],
    *,
    run_background: bool = False,
    create: bool = False,
) -> _T:
    """Run ``act(api)`` against the remote node, the running server, or a service in this process.

    That service claims tasks only with ``run_background``: commands that only read cost no money. It creates
    a data directory only with ``create``.
    """
    import asyncio

    async def run(opened: AbstractAsyncContextManager[Api]) -> _T:
        async with opened as api:
            return await act(api)

    try:
        if context.server is not None:
            return asyncio.run(run(open_remote(context.server, context.token, context.environ)))
        settings = context.settings()
        with naming_data_dir(settings):
            local = open_local(settings, context.environ, run_background=run_background, create=create)
            return asyncio.run(run(local))
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None  # only a signal cancels a command


def api_command(command: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Make a command of a coroutine function; its first argument is the API."""

    @click.pass_obj
    @wraps(command)
    def run(context: Context, /, **arguments: Any) -> None:
        with_api(context, lambda api: command(api, **arguments))

    return run


# ---------------------------------------------------------------- a remote node


def server_url(text: str) -> str:
    """Return a node's base URL without trailing slash; one with a password or a query is refused."""
    text = text.strip()
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        parts, host = urlsplit(""), None
    is_strange = not text.isprintable() or "@" in parts.netloc or parts.query or parts.fragment
    if parts.scheme not in ("http", "https") or not host or is_strange:
        raise WrongUsage(
            "--server takes http://HOST:PORT or https://HOST/PATH, without user, password and query"
        )
    return f"{parts.scheme}://{parts.netloc}{parts.path}".rstrip("/")


def is_local(url: str) -> bool:
    import ipaddress

    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@asynccontextmanager
async def open_remote(url: str, token: str | None, environ: Mapping[str, str]) -> AsyncIterator[Api]:
    """Yield the API of a remote node. No redirect is followed, so nobody else gets the token."""
    import_lean("httpx")
    import httpx

    if token and not (url.startswith("https:") or is_local(url)):
        complain(
            "{address} is not encrypted: whoever is on the way can read the token; use https", address=url
        )
    try:
        client = _client(url, environ)
    except (httpx.InvalidURL, ValueError, ImportError, OSError) as error:
        raise CommandFailed(
            "the proxy or the certificates that the environment names cannot be used: {detail}",
            detail=str(error),
        ) from error
    async with client:
        _authorize(client, token)
        yield Api(client, place=url, is_remote=True, retry_delays=REMOTE_DELAYS)


def _client(url: str, environ: Mapping[str, str], *, trust_env: bool = True) -> "httpx.AsyncClient":
    """Return a client without a token; the environment names a proxy, but not for this machine."""
    import httpx

    return httpx.AsyncClient(
        base_url=url,
        headers={"Accept-Language": str(language_of(environ))},
        timeout=httpx.Timeout(CALL_SECONDS, connect=CONNECT_SECONDS),
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


# ---------------------------------------------------------------- this machine


@asynccontextmanager
async def open_local(
    settings: "Settings", environ: Mapping[str, str], *, run_background: bool, create: bool
) -> AsyncIterator[Api]:
    """Yield the API of the running server, else of a service in this process; see `with_api`."""
    from imagegen_core.errors import StorageError
    from imagegen_http.running_server import RunningServer

    import_lean("httpx")
    server = RunningServer.find(settings.data_dir)
    if server is not None:
        async with _client(server.url, environ, trust_env=False) as client:
            if await server.answers(client):  # only the server itself gets the token
                _authorize(client, settings.server.auth_token)
                yield Api(client, place=settings.place)
                return
    import_lean("structlog")
    from imagegen_http.service import DataDirectoryInUse

    try:
        async with _open_in_process(settings, environ, run_background=run_background, create=create) as api:
            yield api
    except DataDirectoryInUse as error:
        if server is None:
            raise
        reason = message(
            "a server works in this data directory, but does not answer at {url}, as in a container: "
            "run the command where the server runs, or name its address with --server",
            url=server.url,
        )
        raise StorageError(reason) from error


@asynccontextmanager
async def _open_in_process(
    settings: "Settings", environ: Mapping[str, str], *, run_background: bool, create: bool
) -> AsyncIterator[Api]:
    import asyncio

    import httpx

    from imagegen_core.secrets import Redactor, redact_event
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
    set_up_logs(log, redact_event(redactor))  # to stderr: stdout is the command's own
    asgi.language.set(language_of(environ))  # no middleware reads the header here
    for tries_left in reversed(range(round(MAX_LOCK_WAIT_SECONDS / _LOCK_POLL_SECONDS))):
        try:
            async with compose(
                settings, environ=environ, redactor=redactor, run_background=run_background, create=create
            ) as service:
                transport = httpx.ASGITransport(app=build_app(service))  # type: ignore[arg-type] # ASGI has types in both libraries
                async with (
                    interruptible(service) if run_background else nullcontext(),
                    httpx.AsyncClient(transport=transport, base_url="http://localhost") as client,
                ):
                    yield Api(client, place=settings.place, in_process=True, tasks_go_on=has_nodes)
            return
        except DataDirectoryInUse:
            if not tries_left:
                raise
            await asyncio.sleep(_LOCK_POLL_SECONDS)


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
