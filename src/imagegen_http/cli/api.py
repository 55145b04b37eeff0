"""The API as commands use it: the running server's, or one made for the command's own time."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from imagegen_core.limits import MAX_PAGE_SIZE
from imagegen_http.cli.context import CommandFailed
from imagegen_http.runtime.running_server import RunningServer

if TYPE_CHECKING:  # each takes a moment to load, and `--help` should not
    import httpx

    from imagegen_http.settings.schema import Settings

MAX_LOCK_WAIT_SECONDS = 10
_LOCK_POLL_SECONDS = 0.2
CALL_SECONDS = 60
"""How long a running server may take for one answer."""

POLL_SECONDS = 0.2
PIECE_BYTES = 512 * 1024
"""Small, since each answer of our own service lives on until the garbage collector comes by."""


class ApiRefusal(CommandFailed):
    """The API answered that it does not do that; another call may well work."""


class ImageUnreadable(CommandFailed):
    """One image's bytes are not to be had; another's may be."""


class Api:
    """Calls the HTTP API and returns the ``data`` of its answers, which are about ``data_dir``."""

    def __init__(self, client: "httpx.AsyncClient", *, data_dir: Path, in_process: bool) -> None:
        self._client = client
        self.data_dir = data_dir
        self.in_process = in_process

    async def call(self, method: str, path: str, **request: Any) -> Any:
        """Return ``data``.

        Raises:
            ApiRefusal: with the API's message and the field that is wrong.
            CommandFailed: there is no such answer.
        """
        import httpx

        try:
            response = await self._client.request(method, path, **request)
        except httpx.HTTPError as error:
            raise CommandFailed("the running server does not answer") from error
        except UnicodeEncodeError as error:  # an argument, which the shell passes on as any bytes
            raise CommandFailed("an argument is not UTF-8") from error
        try:
            body = response.json()
        except ValueError:
            raise CommandFailed(f"the server answered {response.status_code} and no JSON") from None
        if body.get("code") != 0:
            raise ApiRefusal(_error_text(body))
        return body["data"]

    async def pages(
        self, path: str, *, limit: int | None = None, **params: Any
    ) -> AsyncIterator[dict[str, Any]]:
        """Yield the pages of a list, of all of it or of its first ``limit`` items; at least one page."""
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
        """Yield the task again and again until it has ended; the last one has."""
        while True:
            task = await self.call("GET", f"/api/v1/tasks/{task_id}")
            yield task
            if task["status"] in ("completed", "failed", "cancelled"):
                return
            await asyncio.sleep(POLL_SECONDS)

    async def download(self, path: str, target: Path) -> None:
        """Write an image to a file, whole or not at all.

        Raises:
            PictureUnreadable: its bytes are not there.
            CommandFailed: the file cannot be written, or nobody answers.
        """
        import httpx

        try:
            with atomic_file(target) as file:
                async for piece in self._pieces(path):
                    file.write(piece)
        except httpx.HTTPError as error:
            raise CommandFailed("the running server does not answer") from error

    async def _pieces(self, path: str) -> AsyncIterator[bytes]:
        """Yield an image's bytes; from our own service by ranges, since its answers are held whole."""
        if not self.in_process:
            async with self._client.stream("GET", path) as response:
                _check_status(response.status_code, 200)
                async for chunk in response.aiter_bytes():
                    yield chunk
            return
        at, size = 0, 1
        while at < size:
            wanted = {"Range": f"bytes={at}-{at + PIECE_BYTES - 1}"}
            answer = await self._client.get(path, headers=wanted)
            _check_status(answer.status_code, 206)
            size = int(answer.headers["Content-Range"].rpartition("/")[2])
            at += len(answer.content)
            yield answer.content


@asynccontextmanager
async def open_api(
    settings: "Settings", environ: Mapping[str, str], *, run_background: bool, create: bool
) -> AsyncIterator[Api]:
    """Return the running server's API, or one over a service that lives as long as the body.

    Such a service takes up tasks, which may cost money, only if it is ``working``, and begins a data
    directory only if it may ``create`` one.

    Raises:
        DataDirectoryInUse: another command has the data directory and does not end.
        DataDirectoryMissing: there is none, and none may be created.
        StorageError: the data directory cannot be used.
    """
    import httpx

    server = RunningServer.find(settings.data_dir)
    if server is not None and await server.is_listening():
        token = settings.server.auth_token
        headers = httpx.Headers({"Accept-Language": _language(environ)}, encoding="utf-8")
        if token:
            headers["Authorization"] = f"Bearer {token}"
        async with httpx.AsyncClient(
            base_url=server.url, headers=headers, timeout=CALL_SECONDS, trust_env=False
        ) as client:
            yield Api(client, data_dir=settings.data_dir, in_process=False)
        return
    async with _in_process_service(settings, environ, run_background=run_background, create=create) as api:
        yield api


@asynccontextmanager
async def _in_process_service(
    settings: "Settings", environ: Mapping[str, str], *, run_background: bool, create: bool
) -> AsyncIterator[Api]:
    import httpx

    from imagegen_http.app import build_app
    from imagegen_http.asgi import request_context
    from imagegen_http.cli.interruption import interruptible
    from imagegen_http.cli.privileges import become_owner
    from imagegen_http.composition import DataDirectoryInUse, Redactor, compose, redact_event
    from imagegen_http.server.logs import set_up_logs

    become_owner(settings.data_dir)
    redactor = Redactor()
    set_up_logs(settings.log, redact_event(redactor))  # to stderr: stdout is the command's own
    if settings.log.level == "info":
        logging.getLogger().setLevel(logging.ERROR)  # what matters is in the command's own one line
    request_context.english.set(_language(environ) == "en")  # nobody stands before this app to read a header
    for tries_left in reversed(range(round(MAX_LOCK_WAIT_SECONDS / _LOCK_POLL_SECONDS))):
        try:
            async with compose(
                settings, environ=environ, redactor=redactor, run_background=run_background, create=create
            ) as service:
                transport = httpx.ASGITransport(app=build_app(service))  # type: ignore[arg-type] # the same ASGI, typed twice
                async with (
                    interruptible(service) if run_background else nullcontext(),
                    httpx.AsyncClient(transport=transport, base_url="http://localhost") as client,
                ):
                    yield Api(client, data_dir=settings.data_dir, in_process=True)
            return
        except DataDirectoryInUse:
            if not tries_left:
                raise
            await asyncio.sleep(_LOCK_POLL_SECONDS)


@contextmanager
def atomic_file(target: Path) -> Iterator[BinaryIO]:
    """Yield a file to write to; ``target`` appears, or is replaced, once all of it is on the disk.

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
        raise CommandFailed(f"{target}: {error.strerror}") from error
    finally:
        temporary.unlink(missing_ok=True)


def _check_status(status: int, wanted: int) -> None:
    if status != wanted:
        raise ImageUnreadable(f"the image cannot be read ({status})")


def _language(environ: Mapping[str, str]) -> str:
    locale = environ.get("LC_ALL") or environ.get("LC_MESSAGES") or environ.get("LANG") or ""
    return "zh" if locale.lower().startswith("zh") else "en"


def _error_text(body: Mapping[str, Any]) -> str:
    data = body.get("data") or {}
    details = [f"{p['field']} {p['message']}" for p in data.get("errors", [])]
    if data.get("detail"):
        details.append(str(data["detail"]))
    return ": ".join([str(body.get("message")), *details[:3]])
