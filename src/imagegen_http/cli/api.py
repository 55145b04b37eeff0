"""The API as commands use it: the running server's, or that of a service in the command's own process."""

import os
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from imagegen_core.limits import MAX_PAGE_SIZE
from imagegen_core.messages import Language
from imagegen_http.cli.context import CommandFailed, language_of
from imagegen_http.cli.messages import CommandCode

if TYPE_CHECKING:  # each takes a moment to load, which would delay `--help`
    import httpx

    from imagegen_http.runtime.running_server import RunningServer
    from imagegen_http.settings.schema import Settings

MAX_LOCK_WAIT_SECONDS = 10
_LOCK_POLL_SECONDS = 0.2
CALL_SECONDS = 60
"""How long a running server may take for one answer."""

POLL_SECONDS = 0.2
PIECE_BYTES = 512 * 1024
"""Small, since each response of an in-process service stays in memory until a garbage collection."""


class ApiRefusal(CommandFailed):
    """The API refused the request; another one may well succeed."""


class ImageUnreadable(CommandFailed):
    """The bytes of one image cannot be read; those of others may be readable."""


class Api:
    """Calls the HTTP API of the service on ``data_dir``, and returns the ``data`` of its responses."""

    def __init__(
        self, client: "httpx.AsyncClient", *, data_dir: Path, language: Language, in_process: bool
    ) -> None:
        self._client = client
        self.data_dir = data_dir
        self.language = language
        self.in_process = in_process

    async def call(self, method: str, path: str, **request: Any) -> Any:
        """Send a request and return the ``data`` of the response.

        Raises:
            ApiRefusal: the API refused it; the message has the API's reason and the field at fault.
            CommandFailed: there is no response, or it is not the API's.
        """
        import httpx

        try:
            response = await self._client.request(method, path, **request)
        except httpx.HTTPError as error:
            raise CommandFailed(CommandCode.SERVER_SILENT()) from error
        except UnicodeEncodeError as error:  # an argument, which the shell passes on as any bytes
            raise CommandFailed(CommandCode.ARGUMENT_NOT_UTF8()) from error
        try:
            body = response.json()
        except ValueError:
            raise CommandFailed(CommandCode.NO_JSON(status=response.status_code)) from None
        if body.get("code") != 0:
            raise ApiRefusal(_error_text(body))
        return body["data"]

    async def pages(
        self, path: str, *, limit: int | None = None, **params: Any
    ) -> AsyncIterator[dict[str, Any]]:
        """Yield the pages of a list or of its first ``limit`` items; at least one page."""
        cursor: dict[str, Any] = {}
        remaining = limit
        while remaining is None or remaining > 0:
            size = MAX_PAGE_SIZE if remaining is None else min(remaining, MAX_PAGE_SIZE)
            page = await self.call("GET", path, params={**params, "page_size": size, **cursor})
            yield page
            if not page["next_cursor"]:
                return
            cursor = {"cursor": page["next_cursor"]}
            remaining = None if remaining is None else remaining - len(page["items"])

    async def every(self, path: str, **params: Any) -> AsyncIterator[dict[str, Any]]:
        """Yield the items of all pages."""
        async for page in self.pages(path, **params):
            for item in page["items"]:
                yield item

    async def follow(self, task_id: str) -> AsyncIterator[dict[str, Any]]:
        """Poll the task and yield it each time, until and including when it has ended."""
        import asyncio

        while True:
            task = await self.call("GET", f"/api/v1/tasks/{task_id}")
            yield task
            if task["status"] in ("completed", "failed", "cancelled"):
                return
            await asyncio.sleep(POLL_SECONDS)

    async def download(self, path: str, target: Path) -> None:
        """Write an image to a file, completely or not at all.

        Raises:
            ImageUnreadable: its bytes are missing.
            CommandFailed: the file cannot be written, or the server does not respond.
        """
        import httpx

        try:
            with atomic_file(target) as file:
                async for piece in self._pieces(path):
                    file.write(piece)
        except httpx.HTTPError as error:
            raise CommandFailed(CommandCode.SERVER_SILENT()) from error

    async def _pieces(self, path: str) -> AsyncIterator[bytes]:
        """Yield an image's bytes; in-process by ranges, since those responses are not streamed."""
        if not self.in_process:
            async with self._client.stream("GET", path) as response:
                _check_status(response.status_code, 200)
                async for chunk in response.aiter_bytes():
                    yield chunk
            return
        at, size = 0, 1
        while at < size:
            headers = {"Range": f"bytes={at}-{at + PIECE_BYTES - 1}"}
            part = await self._client.get(path, headers=headers)
            _check_status(part.status_code, 206)
            size = int(part.headers["Content-Range"].rpartition("/")[2])
            at += len(part.content)
            yield part.content


@asynccontextmanager
async def open_api(
    settings: "Settings", environ: Mapping[str, str], *, run_background: bool, create: bool
) -> AsyncIterator[Api]:
    """Yield the API of the running server, or of a service that lives as long as the context.

    Such a service claims tasks, which may cost money, only with ``run_background``, and creates a data
    directory only with ``create``.

    Raises:
        DataDirectoryInUse: another command is using the data directory and does not end in time.
        DataDirectoryMissing: there is no data directory, and none may be created.
        StorageError: the data directory cannot be used.
    """
    from imagegen_http.cli.lean_imports import load_httpx
    from imagegen_http.runtime.running_server import RunningServer

    load_httpx()
    server = RunningServer.find(settings.data_dir)
    if server is not None and await server.is_listening():
        language = language_of(environ)
        async with _client(server, language, settings.server.auth_token) as client:
            yield Api(client, data_dir=settings.data_dir, language=language, in_process=False)
        return
    async with _in_process_service(settings, environ, run_background=run_background, create=create) as api:
        yield api


def _client(server: "RunningServer", language: Language, token: str | None) -> "httpx.AsyncClient":
    import ssl

    import httpx

    headers = httpx.Headers({"Accept-Language": str(language)}, encoding="utf-8")
    if token:
        headers["Authorization"] = f"Bearer {token}"
    return httpx.AsyncClient(
        base_url=server.url,
        headers=headers,
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

    from imagegen_http.cli.lean_imports import load_structlog

    load_structlog()
    from imagegen_http.app import build_app
    from imagegen_http.asgi import request_context
    from imagegen_http.cli.interruption import interruptible
    from imagegen_http.cli.privileges import become_owner
    from imagegen_http.composition import DataDirectoryInUse, PatternRedactor, compose, redact_event
    from imagegen_http.server.logs import set_up_logs

    become_owner(settings.data_dir)
    redactor = PatternRedactor()
    log = settings.log
    if log.level == "info":
        log = attrs.evolve(log, level="error")  # what matters is in the command's own line
    set_up_logs(log, redact_event(redactor))  # to stderr: stdout is the command's own
    language = language_of(environ)
    request_context.language.set(language)  # no middleware reads a header in this process
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
                    yield Api(client, data_dir=settings.data_dir, language=language, in_process=True)
            return
        except DataDirectoryInUse:
            if not tries_left:
                raise
            await asyncio.sleep(_LOCK_POLL_SECONDS)


@contextmanager
def atomic_file(target: Path) -> Iterator[BinaryIO]:
    """Yield a temporary file that atomically replaces ``target`` once all of it is on the disk.

    Raises:
        CommandFailed: it cannot be written.
    """
    temporary = target.with_name(f".{target.name}.part")
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    except OSError as error:
        reason = CommandCode.CONCERNING(subject=str(target), reason=str(error.strerror))
        raise CommandFailed(reason) from error
    finally:
        temporary.unlink(missing_ok=True)


def _check_status(status: int, expected: int) -> None:
    if status != expected:
        raise ImageUnreadable(CommandCode.IMAGE_NOT_READABLE(status=status))


def _error_text(body: Mapping[str, Any]) -> str:
    data = body.get("data") or {}
    details = [f"{p['field']} {p['message']}" for p in data.get("errors", [])]
    if data.get("detail"):
        details.append(str(data["detail"]))
    return ": ".join([str(body.get("message")), *details[:3]])
