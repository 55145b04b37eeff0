"""The API of this machine: the running server's, or that of a service in the command's own process."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, nullcontext
from typing import TYPE_CHECKING

from imagegen_core.errors import StorageError
from imagegen_core.messages import Language
from imagegen_http.cli.api import Api
from imagegen_http.cli.language import language_of
from imagegen_http.cli.messages import CommandCode

if TYPE_CHECKING:  # each takes a moment to load, which would delay `--help`
    import httpx

    from imagegen_http.runtime.running_server import RunningServer
    from imagegen_http.settings.schema import Settings

MAX_LOCK_WAIT_SECONDS = 10
_LOCK_POLL_SECONDS = 0.2
CALL_SECONDS = 60
"""How long a running server may take for one answer."""


@asynccontextmanager
async def open_local(
    settings: "Settings", environ: Mapping[str, str], *, run_background: bool, create: bool
) -> AsyncIterator[Api]:
    """Yield the API of the running server, or of a service that lives as long as the context.

    Such a service claims tasks, which may cost money, only with ``run_background``, and creates a data
    directory only with ``create``.

    Raises:
        DataDirectoryInUse: another command is using the data directory and does not end in time.
        StorageError: the server that works in the data directory does not answer at its address.
        DataDirectoryMissing: there is no data directory, and none may be created.
        DataDirectoryUnusable: the data directory cannot be used.
    """
    from imagegen_http.cli.lean_imports import load_httpx, load_structlog
    from imagegen_http.runtime.running_server import RunningServer

    load_httpx()
    server = RunningServer.find(settings.data_dir)
    if server is not None:
        language = language_of(environ)
        async with _client(server, language) as client:
            if await server.answers(client):
                if token := settings.server.auth_token:
                    client.headers.encoding = "utf-8"
                    client.headers["Authorization"] = f"Bearer {token}"
                yield Api(client, place=settings.place, language=language)
                return
    load_structlog()
    from imagegen_http.composition import DataDirectoryInUse

    try:
        async with _in_process_service(
            settings, environ, run_background=run_background, create=create
        ) as api:
            yield api
    except DataDirectoryInUse as error:
        if server is None:
            raise
        raise StorageError(CommandCode.SERVER_NOT_THERE(url=server.url)) from error


def _client(server: "RunningServer", language: Language) -> "httpx.AsyncClient":
    """Return a client without a token, which only the server itself may get."""
    import ssl

    import httpx

    return httpx.AsyncClient(
        base_url=server.url,
        headers=httpx.Headers({"Accept-Language": str(language)}, encoding="utf-8"),
        timeout=CALL_SECONDS,
        trust_env=False,
        verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),  # for plain HTTP no certificates need be read
    )


@asynccontextmanager
async def _in_process_service(
    settings: "Settings", environ: Mapping[str, str], *, run_background: bool, create: bool
) -> AsyncIterator[Api]:
    import asyncio

    import attrs
    import httpx

    from imagegen_http.app import build_app
    from imagegen_http.cli.interruption import interruptible
    from imagegen_http.cli.privileges import become_owner
    from imagegen_http.composition import DataDirectoryInUse, PatternRedactor, compose, redact_event
    from imagegen_http.guard import asgi
    from imagegen_http.server.logs import set_up_logs
    from imagegen_http.settings.schema import API

    become_owner(settings.data_dir)
    has_nodes = settings.database is not None
    if has_nodes:  # they run what is submitted; a command, which ends in a moment, claims none of their tasks
        settings = attrs.evolve(settings, roles=(API,))
    redactor = PatternRedactor()
    log = settings.log
    if log.level == "info":
        log = attrs.evolve(log, level="error")  # what matters is in the command's own line
    set_up_logs(log, redact_event(redactor))  # to stderr: stdout is the command's own
    language = language_of(environ)
    asgi.language.set(language)  # no middleware reads a header in this process
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
                    yield Api(
                        client,
                        place=settings.place,
                        language=language,
                        in_process=True,
                        tasks_go_on=has_nodes,
                    )
            return
        except DataDirectoryInUse:
            if not tries_left:
                raise
            await asyncio.sleep(_LOCK_POLL_SECONDS)
