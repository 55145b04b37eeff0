"""What a provider may use during one call, what becomes of late answers, and partial images."""

import asyncio
import contextlib
import io
import json
import logging
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from itertools import chain
from typing import Any, BinaryIO

import attrs

from imagegen_core.attempt import MAX_INLINE_RESPONSE_BYTES, Attempt, InlineResponse, Receipt, UpstreamJob
from imagegen_core.errors import BlobMissing, CallError, FailureCode, StaleTask, StorageError
from imagegen_core.images import MAX_IMAGE_BYTES, SIGNATURE_BYTES, MediaType
from imagegen_core.limits import MAX_PARTIAL_IMAGE_BYTES, MAX_PARTIAL_IMAGES_HELD_BYTES
from imagegen_core.messages import FailureReason, Message
from imagegen_core.ports.blobs import joined
from imagegen_core.ports.parts import Parts
from imagegen_core.ports.provider import Exchange, ProviderCall
from imagegen_core.requests import InputImage
from imagegen_core.resolving import ResolvedProvider
from imagegen_core.running.slots import RunningTask
from imagegen_core.secrets import Redactor
from imagegen_core.task import EventKind, TaskEvent


@attrs.frozen(kw_only=True, eq=False)
class PartialImage:
    """A partial image, the ``index``-th of the image ``image_index``."""

    image_index: int
    index: int
    media_type: MediaType
    content: bytes = attrs.field(repr=False)


class PartialImages:
    """Hands partial images to the followers of their task; for one event loop.

    At most ``max_held_bytes`` are held for followers; more is dropped.
    """

    def __init__(self, max_held_bytes: int = MAX_PARTIAL_IMAGES_HELD_BYTES) -> None:
        self._max_held_bytes = max_held_bytes
        self._followers: dict[str, set[PartialImageFollower]] = {}

    @property
    def held_bytes(self) -> int:
        """The bytes of all partial images that somebody is still to pass on."""
        followers = chain.from_iterable(self._followers.values())
        partials = {partial for each in followers for partial in (each.waiting, each.current)}
        return sum(len(partial.content) for partial in partials if partial is not None)

    def show(self, task_id: str, *, image_index: int, index: int, content: bytes) -> None:
        """Hand a partial image to the task's followers, in place of one that still waits for them.

        Returns at once. It is dropped if nobody follows, if it is too large, if too many bytes are held, or
        if its first bytes are not of an image of pixels. It is not decoded.
        """
        followers = self._followers.get(task_id)
        media_type = MediaType.sniff(content[:SIGNATURE_BYTES])
        if not followers or media_type in (None, MediaType.SVG) or len(content) > MAX_PARTIAL_IMAGE_BYTES:
            return
        partial = PartialImage(image_index=image_index, index=index, media_type=media_type, content=content)
        for follower in followers:
            follower.waiting = None
        if self.held_bytes + len(content) <= self._max_held_bytes:
            for follower in followers:
                follower.hand(partial)

    @contextmanager
    def follow(
        self, task_id: str, arrived: Callable[["PartialImageFollower"], object]
    ) -> Iterator["PartialImageFollower"]:
        """Yield a follower of the task, with which ``arrived`` is called when an image waits for it."""
        follower = PartialImageFollower(arrived)
        followers = self._followers.setdefault(task_id, set())
        followers.add(follower)
        try:
            yield follower
        finally:
            followers.discard(follower)
            if not followers:
                del self._followers[task_id]


@attrs.define(eq=False)
class PartialImageFollower:
    """Holds at most two partial images: the one being passed on, and the latest after it."""

    _arrived: Callable[["PartialImageFollower"], object]
    waiting: PartialImage | None = None
    current: PartialImage | None = None
    _is_announced: bool = False

    def hand(self, partial: PartialImage) -> None:
        """Keep a partial image until it is taken, and announce it, once."""
        self.waiting = partial
        if not self._is_announced:
            self._is_announced = True
            self._arrived(self)

    def take(self) -> PartialImage | None:
        """Return the latest partial image that was not taken; the one before has been passed on."""
        self._is_announced = False
        self.current, self.waiting = self.waiting, None
        return self.current


PROGRESS_INTERVAL_SECONDS = 0.5
RESPONSE_GRACE_SECONDS = 5.0  # time for the rest of a response that has started, at a stop or a time-out

RETENTION_SECONDS = 7 * 24 * 3600.0
"""Life of kept answers, and of responses whose images could not be stored."""

_KEPT, _LATE = ".kept", ".late"
_UNUSABLE = frozenset({FailureCode.BAD_RESPONSE, FailureCode.DOWNLOAD_FAILED, FailureCode.INVALID_IMAGE})
_MAX_FORM_BYTES = 64 * 1024  # longer than a secret in any encoding
_MAX_ESCAPE_LEVELS = 3
_ESCAPE = re.compile(rb"\\(?:u(?P<code>[0-9A-Fa-f]{4})|(?P<char>[^\0]))", re.DOTALL)
_log = logging.getLogger(__name__)


def spool_folder(task_id: str, attempt_id: str) -> str:
    """Return the spool's folder of an attempt; it begins with the task's id."""
    return f"{task_id}.{attempt_id}"


def is_kept(folder: str) -> bool:
    """Return whether a folder of the spool holds a kept answer."""
    return folder.endswith((_KEPT, _LATE))


def kept_folders(attempt: Attempt) -> tuple[str, ...]:
    """Return the spool's folders for what was kept of an attempt's answer."""
    folder = spool_folder(attempt.task_id, attempt.attempt_id)
    return f"{folder}{_KEPT}", f"{folder}{_LATE}"


@attrs.define(kw_only=True)
class ActiveCall(Exchange):
    """The call of one part of a running task, and what its provider may use during it.

    ``response``: the call's first response, if it is short enough to be stored with the attempt.
    ``response_started``: the response to the paid request has begun to arrive.
    """

    parts: Parts
    run: RunningTask
    part: int
    resolved: ResolvedProvider
    call: ProviderCall
    partial_images: PartialImages
    response: InlineResponse | None = None
    response_started: bool = False
    _reported_at: float | None = attrs.field(default=None, init=False)

    @property
    def attempt(self) -> Attempt:
        return self.run.attempts[self.part]

    @property
    def folder(self) -> str:
        return spool_folder(self.run.task.task_id, self.call.call_id)

    def answered(self, answer: UpstreamJob | Receipt) -> Attempt:
        now = self.parts.clock.now()
        if isinstance(answer, UpstreamJob):
            return self.attempt.accepted(now, answer)
        return self.attempt.received(now, answer, self.response)

    # ---------------------------------------------------------------- what the provider uses

    def mark_response_started(self) -> None:
        self.response_started = True

    async def spool(self, name: str, chunks: AsyncIterator[bytes], *, max_bytes: int) -> int:
        """Hold a short response until it is stored with the attempt; spool a long or a second one.

        One that echoes a key is spooled, too: what was in a database stays in its log for a while.
        """
        if self.response is not None and self.response.name != name:
            return await self._spool_file(name, chunks, max_bytes)
        self.response, head = None, bytearray()
        async for chunk in chunks:
            head += chunk
            if len(head) > min(max_bytes, MAX_INLINE_RESPONSE_BYTES):
                return await self._spool_file(name, joined(bytes(head), chunks), max_bytes)
        content = bytes(head)
        if self.parts.redactor.contains_secret(content):
            return await self._spool_file(name, joined(content, chunks), max_bytes)
        self.response = InlineResponse(name=name, content=content)
        return len(content)

    async def _spool_file(self, name: str, chunks: AsyncIterator[bytes], max_bytes: int) -> int:
        """Spool a response; of one that is too large, as much as may be, since it is paid for."""
        self.run.has_spooled = True
        cuts: list[int] = []
        try:
            cut_chunks = cut(chunks, max_bytes, cuts)
            size = await self.parts.spool.put(self.folder, name, cut_chunks, max_bytes=max_bytes)
        except StorageError as error:
            raise CallError.of_store(FailureReason.RESPONSE_NOT_KEPT(), error) from error
        if cuts:
            raise CallError(FailureCode.BAD_RESPONSE, FailureReason.RESPONSE_TOO_LARGE(maximum=max_bytes))
        return size

    def open_spooled(self, name: str) -> BinaryIO:
        if self.response is not None and self.response.name == name:
            return io.BytesIO(self.response.content)
        return self.parts.spool.open(self.folder, name)

    def input_chunks(self, image: InputImage) -> AsyncIterator[bytes]:
        return self.parts.spool.chunks(*image.place)

    async def progress(self, fraction: float) -> None:
        """Store and publish progress, at most twice a second.

        A failure to store it does not fail the call, whose response is paid for.
        """
        clock, task_id = self.parts.clock, self.run.task.task_id
        now = clock.monotonic()
        if self._reported_at is not None and now - self._reported_at < PROGRESS_INTERVAL_SECONDS:
            return
        self._reported_at = now
        value = round(min(1.0, max(0.0, fraction)), 3)
        event = TaskEvent(task_id=task_id, kind=EventKind.PROGRESS, at=clock.now(), data={"progress": value})
        with contextlib.suppress(StorageError, StaleTask):
            if await self.run.save_progress(value):
                await self.parts.queue.publish(event)

    def partial_image(self, index: int, content: bytes) -> None:
        """Hand a partial image to those who follow the task at this process."""
        self.partial_images.show(self.run.task.task_id, image_index=self.part, index=index, content=content)

    # ---------------------------------------------------------------- when it does not end as usual

    def stage_response(self) -> None:
        """Add a short response to the attempt, which is about to end by a defect of ours."""
        if self.attempt.is_active and self.response is not None:
            self.run.stage(attempts=(attrs.evolve(self.attempt, response=self.response),))

    async def interrupt(self, submission: asyncio.Task[Any]) -> asyncio.CancelledError | None:
        """Cancel a submission, unless it ends by itself first.

        Once its response has started, it has `RESPONSE_GRACE_SECONDS` for the rest: that is paid for. Returns
        the caller's own cancellation if it arrived meanwhile, to be raised once the response is on disk.
        """
        loop = asyncio.get_running_loop()
        end, cancelling = loop.time(), None
        if self.response_started and not submission.done():
            _log.info("waiting for a response that has started", extra={"task_id": self.run.task.task_id})
            end += RESPONSE_GRACE_SECONDS
        while not submission.done():
            remaining = end - loop.time()
            if remaining <= 0:
                submission.cancel()
            try:
                await asyncio.wait({submission}, timeout=remaining if remaining > 0 else None)
            except asyncio.CancelledError as error:
                cancelling = error
        return cancelling

    @asynccontextmanager
    async def forwarded_cancel(self, job: UpstreamJob | None) -> AsyncIterator[None]:
        """Forward a caller's cancellation to the provider, once, until the block exits."""

        async def forward() -> None:
            await self.run.cancelled.wait()
            try:
                await self.resolved.provider.cancel(self.call, job)
            except Exception:  # noqa: BLE001 - logged; the response to the call itself decides its outcome
                _log.exception("the cancellation could not be sent", extra={"task_id": self.attempt.task_id})

        watch = asyncio.create_task(forward())
        try:
            yield
        finally:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)

    async def keep_late_answer(self, answer: UpstreamJob | Receipt) -> None:
        """Keep the answer to a paid request whose task another worker has by now.

        The attempt was stored before it was sent, so the task says already that it may have been charged.
        """
        name, described = "receipt.json", dict(answer.data)
        if isinstance(answer, UpstreamJob):
            name, described = "job.json", {"id": answer.id, "data": described}
        details = {"task_id": self.attempt.task_id, "provider": self.call.config.provider_name}
        try:
            await self._copy_response(_LATE)
            await self._keep(_LATE, name, once(json.dumps(described).encode()))
        except (StorageError, BlobMissing):
            _log.exception("an answer that is paid for came too late, and could not be kept", extra=details)
        else:
            _log.error("an answer that is paid for came too late; it is kept in the spool", extra=details)

    async def keep_unusable(self, error: CallError) -> CallError:
        """Keep the response of a call that may be charged but has no usable result; say so in its error.

        If it cannot be kept, the error is ``storage_failed``, so that it is tried again.
        """
        failure = error.failure
        is_noted = failure.reason.code is FailureReason.ANSWER_KEPT
        if failure.code not in _UNUSABLE or not failure.possible_charge or is_noted:
            return error
        try:
            if not await self._copy_response(_KEPT):
                return error
        except (StorageError, BlobMissing) as lost:
            _log.exception("an unusable answer could not be kept", extra={"task_id": self.attempt.task_id})
            return CallError.of_store(FailureReason.RESPONSE_NOT_KEPT(), lost)
        failure = attrs.evolve(failure, reason=self._with_place(failure.reason))
        return CallError.from_failure(failure, is_transient=error.is_transient)

    async def keep_image(self, position: int, chunks: AsyncIterator[bytes], reason: Message) -> Message:
        """Keep what came of an image that cannot be stored; return ``reason`` with its place."""
        try:
            await self._keep(_KEPT, f"image-{position}", _as_far_as_it_came(chunks))
        except (StorageError, BlobMissing) as error:
            raise CallError.of_store(FailureReason.RESPONSE_NOT_KEPT(), error) from error
        return self._with_place(reason)

    def _with_place(self, reason: Message) -> Message:
        until = self.parts.clock.now() + timedelta(seconds=RETENTION_SECONDS)
        return FailureReason.ANSWER_KEPT(
            reason=reason, until=f"{until:%Y-%m-%d %H:%M} UTC", task_id=self.run.task.task_id
        )

    async def _copy_response(self, suffix: str) -> bool:
        """Copy all that the call has spooled; return whether there was anything."""
        files = {name: size for name, size in (await self.parts.spool.files(self.folder)).items() if size}
        for name in files:
            await self._keep(suffix, name, self.parts.spool.chunks(self.folder, name))
        # A short response is newer than a file of its name.
        response = self.response if self.response is not None and self.response.content else None
        if response is not None:
            await self._keep(suffix, response.name, once(response.content))
        return bool(files) or response is not None

    async def _keep(self, suffix: str, name: str, chunks: AsyncIterator[bytes]) -> None:
        masked = _without_secrets(chunks, self.parts.redactor)
        await self.parts.spool.put(f"{self.folder}{suffix}", name, masked, max_bytes=2**40)


async def cut(chunks: AsyncIterator[bytes], max_bytes: int, cuts: list[int]) -> AsyncIterator[bytes]:
    """Yield at most ``max_bytes``; if there are more, ``cuts`` gets the size so far."""
    size = 0
    async for chunk in chunks:
        yield chunk[: max_bytes - size]
        size += len(chunk)
        if size > max_bytes:
            cuts.append(size)
            return


async def _as_far_as_it_came(chunks: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    """Yield an image up to the largest size, also where it is refused for that."""
    try:
        async for chunk in cut(chunks, MAX_IMAGE_BYTES, []):
            yield chunk
    except CallError as error:
        if error.failure.code is FailureCode.DOWNLOAD_FAILED:
            raise


async def _without_secrets(chunks: AsyncIterator[bytes], redactor: Redactor) -> AsyncGenerator[bytes, None]:
    """Yield text with its secrets masked; other files, such as most images, unchanged."""
    buffer, is_text = b"", True
    async for chunk in chunks:
        buffer += chunk
        is_text = is_text and b"\0" not in buffer
        if is_text:
            buffer = await asyncio.to_thread(_masked, buffer, redactor, b"\0")
        end = max(0, len(buffer) - _MAX_FORM_BYTES) if is_text else len(buffer)
        if end:
            yield buffer[:end]
            buffer = buffer[end:]
    yield await asyncio.to_thread(_masked, buffer, redactor) if is_text else buffer


def _masked(data: bytes, redactor: Redactor, end: bytes = b"") -> bytes:
    """Return the bytes without secrets; before ``end``, a possible beginning of one is left.

    JSON may hold text of JSON, whose secrets have one more level of escapes than the redactor knows. If one
    shows only without the escapes of a level, the text stays without them.
    """
    unescaped = data
    for _ in range(_MAX_ESCAPE_LEVELS):
        if redactor.contains_secret(unescaped + end):
            text = (unescaped + end).decode("utf-8", "surrogateescape")
            data = unescaped = redactor.redact(text).encode("utf-8", "surrogateescape").removesuffix(end)
        if b"\\" not in unescaped:
            break
        unescaped = _ESCAPE.sub(_resolved, unescaped)
    return data


def _resolved(escape: re.Match[bytes]) -> bytes:
    code = escape["code"]
    return chr(int(code, 16)).encode("utf-8", "replace") if code else escape["char"]


async def once(content: bytes) -> AsyncGenerator[bytes, None]:
    yield content
