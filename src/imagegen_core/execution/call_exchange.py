"""The exchange of one call with a provider, backed by the spool and the task's run."""

import contextlib
import io
from collections.abc import AsyncIterator
from typing import BinaryIO

import attrs

from imagegen_core.attempt import MAX_INLINE_RESPONSE_BYTES, InlineResponse
from imagegen_core.errors import CallError, FailureCode, StaleTask, StorageError
from imagegen_core.execution.partial_images import PartialImages
from imagegen_core.execution.running_tasks import RunningTask
from imagegen_core.ports.blobs import Spool
from imagegen_core.ports.clock import Clock
from imagegen_core.ports.event_bus import EventBus
from imagegen_core.ports.redactor import Redactor
from imagegen_core.problems import FailureReason
from imagegen_core.requests import InputImage
from imagegen_core.task import EventKind, TaskEvent

PROGRESS_INTERVAL_SECONDS = 0.5


def spool_owner(task_id: str, attempt_id: str) -> str:
    """Return the owner of an attempt's spooled files; it begins with the task's id."""
    return f"{task_id}.{attempt_id}"


@attrs.define(kw_only=True)
class CallExchange:
    """The `Exchange` of one attempt, which has spooled files of its own.

    ``response``: the first response of the call, if it is short enough to be stored with the attempt.
    ``response_started``: the response to the paid request has begun to arrive.
    """

    attempt_id: str
    part: int
    run: RunningTask
    spool_files: Spool
    events: EventBus
    partial_images: PartialImages
    clock: Clock
    redactor: Redactor
    response: InlineResponse | None = None
    response_started: bool = False
    _reported_at: float | None = None

    @property
    def owner(self) -> str:
        """The owner of the attempt's spooled files."""
        return spool_owner(self.run.task.task_id, self.attempt_id)

    def mark_response_started(self) -> None:
        """Note that the response is arriving; an interruption then waits a moment for the rest of it."""
        self.response_started = True

    async def spool(self, name: str, chunks: AsyncIterator[bytes], *, max_bytes: int) -> int:
        """Hold a short response until it is stored with the attempt; spool a long one, or a second one.

        One that echoes a key is spooled, too: what a database held stays in its log for a while.
        """
        if self.response is not None and self.response.name != name:
            return await self._spool_file(name, chunks, max_bytes)
        self.response, head = None, bytearray()
        async for chunk in chunks:
            head += chunk
            if len(head) > min(max_bytes, MAX_INLINE_RESPONSE_BYTES):
                return await self._spool_file(name, _joined(bytes(head), chunks), max_bytes)
        content = bytes(head)
        if self.redactor.contains_secret(content):
            return await self._spool_file(name, _joined(content, chunks), max_bytes)
        self.response = InlineResponse(name=name, content=content)
        return len(content)

    async def _spool_file(self, name: str, chunks: AsyncIterator[bytes], max_bytes: int) -> int:
        """Spool a response; of one that is too large, as much as it may be, since it is paid for."""
        self.run.has_spooled = True
        is_cut = False

        async def whole_or_cut() -> AsyncIterator[bytes]:
            nonlocal is_cut
            size = 0
            async for chunk in chunks:
                yield chunk[: max_bytes - size]
                size += len(chunk)
                if size > max_bytes:
                    is_cut = True
                    return

        try:
            size = await self.spool_files.put(self.owner, name, whole_or_cut(), max_bytes=max_bytes)
        except StorageError as error:
            raise CallError(FailureCode.STORAGE_FAILED, FailureReason.RESPONSE_NOT_KEPT()) from error
        if is_cut:
            raise CallError(FailureCode.BAD_RESPONSE, FailureReason.RESPONSE_TOO_LARGE(maximum=max_bytes))
        return size

    def open_spooled(self, name: str) -> BinaryIO:
        """Return the response as a file; the caller closes it."""
        if self.response is not None and self.response.name == name:
            return io.BytesIO(self.response.content)
        return self.spool_files.open(self.owner, name)

    async def read_input(self, image: InputImage) -> bytes:
        """Return the bytes of an input image."""
        return b"".join([chunk async for chunk in self.input_chunks(image)])

    def input_chunks(self, image: InputImage) -> AsyncIterator[bytes]:
        """Yield the bytes of an input image in chunks."""
        owner, _, name = image.key.partition("/")
        return self.spool_files.chunks(owner, name)

    async def progress(self, fraction: float) -> None:
        """Store and publish progress, at most twice a second.

        What keeps it from being stored does not fail the call, whose response is paid for.
        """
        now = self.clock.monotonic()
        if self._reported_at is not None and now - self._reported_at < PROGRESS_INTERVAL_SECONDS:
            return
        self._reported_at = now
        value = round(min(1.0, max(0.0, fraction)), 3)
        event = TaskEvent(
            task_id=self.run.task.task_id,
            kind=EventKind.PROGRESS,
            at=self.clock.now(),
            data={"progress": value},
        )
        with contextlib.suppress(StorageError, StaleTask):
            if await self.run.save_progress(value):
                await self.events.publish(event)

    def partial_image(self, index: int, content: bytes) -> None:
        """Hand a partial image to those who follow the task at this process."""
        self.partial_images.show(self.run.task.task_id, image_index=self.part, index=index, content=content)


async def _joined(head: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield head
    async for chunk in rest:
        yield chunk
