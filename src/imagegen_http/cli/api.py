"""The API as commands use it, wherever the service is."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import attrs

from imagegen_core.limits import MAX_PAGE_SIZE
from imagegen_core.messages import Language, Message, as_message
from imagegen_http.cli.atomic_file import atomic_file
from imagegen_http.cli.context import CommandFailed
from imagegen_http.cli.messages import CommandCode, ConnectionCode
from imagegen_http.cli.responses import envelope_of, foreign_response, refusal_reason

if TYPE_CHECKING:  # it takes a moment to load, which would delay `--help`
    import httpx

_LOST_STATUSES = (502, 504)
"""What a proxy answers when it has sent a request on and got no response; 503 is said before that."""

MIN_POLL_SECONDS = 0.2
_POLL_GROWTH = 1.3


class ApiRefusal(CommandFailed):
    """The API refused the request; another one may well succeed.

    ``summary`` is the sentence for all requests of this kind, where ``reason`` is about this one.
    """

    def __init__(self, reason: Message | str, *, summary: Message) -> None:
        super().__init__(reason)
        self.summary = summary


class ResponseLost(CommandFailed):
    """There is no response to a request that may have been received, and carried out."""


class ImageUnreadable(CommandFailed):
    """The bytes of one image cannot be read; those of others may be readable."""


@attrs.frozen(kw_only=True)
class Distance:
    """What differs between a service on this machine and one elsewhere.

    Attributes:
        retry_delays: seconds before each further attempt of a request that may be sent again.
        max_poll_seconds: how rarely a task is looked at that takes long.
        hints: sentences around the API's own, by its code.
    """

    retry_delays: tuple[float, ...] = ()
    max_poll_seconds: float = MIN_POLL_SECONDS
    hints: Mapping[int, ConnectionCode] = attrs.field(factory=dict)


HERE = Distance()


class Api:
    """Calls the HTTP API of a service, and returns the ``data`` of its responses.

    Attributes:
        place: where the service has its data, as its user knows it: a directory, or the address of a node.
        tasks_go_on: whether others run its tasks, when the command has ended.
        program: the program with the options that lead to the same service.
    """

    def __init__(
        self,
        client: "httpx.AsyncClient",
        *,
        place: str,
        language: Language,
        in_process: bool = False,
        tasks_go_on: bool = True,
        program: str = "imagegen",
        distance: Distance = HERE,
    ) -> None:
        from imagegen_http.cli.resending import Resender

        self._client = client
        self._distance = distance
        self._resend = Resender(distance.retry_delays)
        self.place = place
        self.language = language
        self.in_process = in_process
        self.tasks_go_on = tasks_go_on
        self.program = program

    async def call(
        self,
        method: str,
        path: str,
        *,
        key: str | None = None,
        names: Mapping[str, str] = MappingProxyType({}),
        **request: Any,
    ) -> Any:
        """Send a request and return the ``data`` of the response.

        ``key`` is for what must not be done twice: the service answers the same key in the same way.
        ``names`` are what the user knows fields of the body by.

        Raises:
            ApiRefusal: the API refused it; the message has the API's reason and the field at fault.
            ResponseLost: it may have been carried out, but nobody knows.
            CommandFailed: there is no response, or it is not the API's.
        """
        if key is not None:
            request["headers"] = {**request.get("headers", {}), "Idempotency-Key": key}
        response = await self._response(
            lambda: self._client.request(method, path, **request), safe=method == "GET", keyed=key is not None
        )
        body = envelope_of(response)
        if body is None:
            lost = method != "GET" and response.status_code in _LOST_STATUSES
            raise self._failure(foreign_response(response), lost=lost, keyed=key is not None)
        if body["code"] != 0:
            hint = self._distance.hints.get(body["code"])
            reason = refusal_reason(body, names)
            summary = as_message(str(body.get("message")))
            raise ApiRefusal(reason if hint is None else hint(reason=reason), summary=summary)
        return body["data"]

    async def submit(
        self, path: str, names: Mapping[str, str] = MappingProxyType({}), **request: Any
    ) -> dict[str, Any]:
        """Have a task made, once, however often the request has to be sent; return what `call` does."""
        key = os.urandom(16).hex()
        task: dict[str, Any] = await self.call("POST", path, key=key, names=names, **request)
        return task

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

        seconds = MIN_POLL_SECONDS
        while True:
            task = await self.call("GET", f"/api/v1/tasks/{segment(task_id)}")
            yield task
            if task["status"] in ("completed", "failed", "cancelled"):
                return
            await asyncio.sleep(seconds)
            seconds = min(seconds * _POLL_GROWTH, self._distance.max_poll_seconds)

    async def lacks_worker(self) -> bool:
        """Return whether no living node runs tasks, as far as the service says who there is."""
        import httpx

        try:
            report = (await self._client.get("/health")).json()
            nodes = report["checks"]["cluster"]["nodes"]
            return not any(node["alive"] and "worker" in node["roles"] for node in nodes)
        except (httpx.HTTPError, ValueError, LookupError, TypeError):  # on one box, or behind a proxy
            return False

    async def download(self, image_id: int, target: Path, *, replace: bool = True) -> None:
        """Write an image to a file, completely or not at all.

        Raises:
            FileTaken: the file exists, and ``replace`` is false.
            ImageUnreadable: its bytes are missing.
            CommandFailed: the file cannot be written, or the server does not respond.
        """
        await self._download(f"/api/v1/images/{image_id:d}/content", target, replace=replace)

    async def download_input(self, task_id: str, index: int, target: Path) -> None:
        """Write an input image of a task to a file, as `download` does.

        Raises:
            ImageUnreadable: its bytes are missing.
            CommandFailed: the file cannot be written, or the server does not respond.
        """
        await self._download(f"/api/v1/tasks/{segment(task_id)}/inputs/{index:d}/content", target)

    async def download_response(
        self, task_id: str, index: int, target: Path, *, replace: bool = False
    ) -> None:
        """Write what was kept of a task's answers to a file, as `download` does.

        Raises:
            FileTaken: the file exists, and ``replace`` is false.
            ApiRefusal: there is no such file, or no such task.
            CommandFailed: the file cannot be written, or the server does not respond.
        """
        path = f"/api/v1/tasks/{segment(task_id)}/response?index={index:d}"
        try:
            await self._download(path, target, replace=replace)
        except ImageUnreadable:
            await self.call("GET", path)  # the API's own reason
            raise

    async def _download(self, path: str, target: Path, *, replace: bool = True) -> None:
        from imagegen_http.cli.downloads import write_by_ranges, write_streamed

        write = write_by_ranges if self.in_process else write_streamed

        async def write_file() -> "httpx.Response":
            with atomic_file(target, replace=replace) as file:
                return await write(self._client, path, file)

        await self._response(write_file, safe=True, keyed=False)

    async def _response(
        self, send: Callable[[], Awaitable["httpx.Response"]], *, safe: bool, keyed: bool
    ) -> "httpx.Response":
        import httpx

        from imagegen_http.cli.connection_problems import UNSENT, connection_problem

        try:
            return await self._resend(send, safe=safe, keyed=keyed)
        except httpx.HTTPError as error:
            lost = not safe and not isinstance(error, UNSENT)
            raise self._failure(connection_problem(error), lost=lost, keyed=keyed) from error
        except UnicodeEncodeError as error:  # an argument, which the shell passes on as any bytes
            raise CommandFailed(CommandCode.ARGUMENT_NOT_UTF8()) from error

    def _failure(self, problem: Message, *, lost: bool, keyed: bool) -> CommandFailed:
        address = str(self._client.base_url).rstrip("/")
        reason = CommandCode.CONCERNING(subject=address, reason=problem)
        if not lost:
            return CommandFailed(reason)
        if keyed:
            return ResponseLost(
                CommandCode.PERHAPS_ACCEPTED(reason=reason, command=f"{self.program} tasks list")
            )
        return ResponseLost(CommandCode.PERHAPS_DONE(reason=reason))


def segment(text: str) -> str:
    """Return the text as one segment of a path.

    Raises:
        CommandFailed: it is not UTF-8; the shell passes on any bytes.
    """
    try:
        return quote(text, safe="")
    except UnicodeEncodeError as error:
        raise CommandFailed(CommandCode.ARGUMENT_NOT_UTF8()) from error
