"""Store one image of a response: streamed to the blob store, inspected there, with a thumbnail."""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable

import attrs

from imagegen_core.attempt import Attempt
from imagegen_core.costs import Cost
from imagegen_core.errors import BlobMissing, CallError, FailureCode, StorageError
from imagegen_core.execution.earlier_blobs import earlier_blob
from imagegen_core.execution.image_keys import ImageKeys, thumbnail_key
from imagegen_core.execution.redacted_json import redacted
from imagegen_core.images import MAX_IMAGE_BYTES, SIGNATURE_BYTES, Image, MediaType, StorageState
from imagegen_core.messages import Message
from imagegen_core.policies import DownloadRetryPolicy
from imagegen_core.ports.blobs import BlobStore, StoredBlob
from imagegen_core.ports.clock import Clock
from imagegen_core.ports.image_inspector import (
    ImageInspector,
    ImageRejected,
    Inspection,
    InspectorUnavailable,
)
from imagegen_core.ports.image_label import ImageLabel
from imagegen_core.ports.provider import GeneratedImage
from imagegen_core.ports.redactor import Redactor
from imagegen_core.problems import FailureReason
from imagegen_core.task import Task

MAX_STREAMS = 32
"""Images that are streamed to the store at once; each takes about a megabyte of buffers."""

_MAX_KEPT_BYTES = 64 * 1024
"""Of an image that is inspected from memory; a thousand that wait for the decoder take 64 MB."""

_GONE_STATUSES = frozenset({401, 403, 404, 410})


Keep = Callable[[AsyncIterator[bytes], Message], Awaitable[Message]]
"""Keeps an image that cannot be stored for a person to fetch, and adds to the reason where it is."""


class RejectedImage(CallError):
    """An image that is refused, and the key under which it is stored."""

    def __init__(self, key: str, reason: Message) -> None:
        super().__init__(FailureCode.INVALID_IMAGE, reason)
        self.key = key


@attrs.frozen(kw_only=True)
class _Stored:
    """A stored image that is not yet inspected; its ``content``, if that is little and still in memory.

    ``vendor_sha256`` is the SHA-256 of the provider's bytes, if they were labelled.
    """

    blob: StoredBlob
    mime_type: MediaType
    vendor_sha256: str | None = None
    content: bytes | None = attrs.field(default=None, repr=False)


@attrs.frozen(kw_only=True)
class StoreImage:
    """Downloading is free, so a failed download is retried. Only the decoder's verdict rejects an image.

    One that could not be inspected stays in the store, and the next try starts from there, because its source
    may be gone by then.

    The image and its thumbnail become durable together; a killed process loses neither. If power is cut in
    between, the attempt is still ``received``, so the image is read from its source again.

    Without a ``label`` the provider's bytes are stored unchanged. However many tasks end at the same moment,
    at most `MAX_STREAMS` images are streamed at once, which bounds the memory.
    """

    blobs: BlobStore
    inspector: ImageInspector
    clock: Clock
    redactor: Redactor
    label: ImageLabel | None = None
    retry: DownloadRetryPolicy = attrs.field(factory=DownloadRetryPolicy)
    _streams: asyncio.Semaphore = attrs.field(
        factory=lambda: asyncio.Semaphore(MAX_STREAMS), init=False, repr=False, eq=False
    )

    async def __call__(
        self,
        *,
        image: GeneratedImage,
        position: int,
        task: Task,
        attempt: Attempt,
        keep: Keep,
        cost: Cost | None = None,
        is_retry: bool = False,
    ) -> Image:
        """Return the record of the stored image, which has no id yet, its metadata redacted.

        ``is_retry``: an earlier try may have stored it without recording it.

        Raises:
            RejectedImage: the decoder refuses it, or it is too large; what came of it is stored, and kept.
            CallError: ``download_failed``, ``invalid_image`` or ``storage_failed``.
        """
        metadata = await redacted(image.metadata, self.redactor)
        keys = ImageKeys(task_id=task.task_id, part=attempt.part, position=position)
        stored = await self._stored_before(keys, task.epoch) if is_retry else None
        try:
            stored = stored or await self._store_with_retries(image, keys, task.epoch, keep)
            inspection = await self._inspect_and_keep(stored)
        except RejectedImage as error:
            raise RejectedImage(error.key, await keep(self.blobs.open(error.key), error.reason)) from error
        blob = stored.blob
        return Image(
            task_id=task.task_id,
            attempt_id=attempt.attempt_id,
            position=position,
            operation=task.request.operation,
            prompt=task.request.prompt,
            provider_name=task.provider_name,
            model_id=task.model_id,
            mime_type=stored.mime_type,
            width=inspection.width,
            height=inspection.height,
            size_bytes=blob.size_bytes,
            sha256=blob.sha256 or "",
            vendor_sha256=stored.vendor_sha256,
            archive_checksum=blob.archive_checksum,
            blob_key=blob.key,
            thumbnail_key=thumbnail_key(blob.key),
            storage=blob.state if blob.state is StorageState.ARCHIVE else StorageState.LOCAL,
            created_at=self.clock.now(),
            params=task.request.params,
            metadata={name: value for name, value in metadata.items() if value is not None},
            cost=cost,
        )

    async def _stored_before(self, keys: ImageKeys, epoch: int) -> _Stored | None:
        """Return what an earlier try stored, with its SHA-256 but not that of upstream."""
        try:
            earlier = await earlier_blob(self.blobs, keys, epoch)
        except StorageError as error:
            raise CallError(FailureCode.STORAGE_FAILED, FailureReason.IMAGE_NOT_READ()) from error
        return None if earlier is None else _Stored(blob=earlier[0], mime_type=earlier[1])

    async def _store_with_retries(
        self, image: GeneratedImage, keys: ImageKeys, epoch: int, keep: Keep
    ) -> _Stored:
        for tries in range(1, self.retry.max_tries + 1):
            try:
                async with self._streams:
                    return await self._store(image, keys, epoch, keep)
            except CallError as error:
                failure = error.failure
                gone = failure.upstream_status in _GONE_STATUSES and not error.is_transient
                if failure.code is not FailureCode.DOWNLOAD_FAILED or gone or tries == self.retry.max_tries:
                    raise
            await self.clock.sleep(self.retry.delay(tries=tries))
        raise AssertionError("unreachable: the last try returns or raises")

    async def _store(self, image: GeneratedImage, keys: ImageKeys, epoch: int, keep: Keep) -> _Stored:
        head, chunks = await _peek(image.chunks())
        mime_type = MediaType.sniff(head[:SIGNATURE_BYTES])
        if mime_type is None:
            reason = FailureReason.NOT_AN_IMAGE()
            raise CallError(FailureCode.INVALID_IMAGE, await keep(chunks, reason) if head else reason)
        upstream = hashlib.sha256()
        if self.label is not None:
            chunks = self.label(_hashed(chunks, upstream), media_type=mime_type, produce_id=keys.name)
        content: list[bytes] = []
        refused: list[Message] = []
        key = keys.of_epoch(epoch, mime_type)
        blob = await self._put(key, _capped(chunks, content, refused), mime_type, durable=False)
        if refused:
            raise RejectedImage(key, refused[0])
        return _Stored(
            blob=blob,
            mime_type=mime_type,
            vendor_sha256=None if self.label is None else upstream.hexdigest(),
            content=b"".join(content) or None,
        )

    async def _inspect_and_keep(self, stored: _Stored) -> Inspection:
        """Inspect a stored image, and make it durable with its thumbnail, or at least without."""
        try:
            inspection = await self._inspect(stored)
            await self._put(thumbnail_key(stored.blob.key), _once(inspection.thumbnail), "image/webp")
        except RejectedImage:
            raise
        except BaseException:  # cancelled too: the next try starts from the stored image
            await asyncio.shield(self._sync(stored.blob.key))
            raise
        return inspection

    async def _put(
        self, key: str, chunks: AsyncIterator[bytes], content_type: str, *, durable: bool = True
    ) -> StoredBlob:
        try:
            return await self.blobs.put(key, chunks, content_type=content_type, durable=durable)
        except StorageError as error:
            raise CallError(FailureCode.STORAGE_FAILED, FailureReason.IMAGE_NOT_STORED()) from error

    async def _sync(self, key: str) -> None:
        with contextlib.suppress(StorageError):  # another failure is being raised
            await self.blobs.sync(key)

    async def _inspect(self, stored: _Stored) -> Inspection:
        blob = stored.blob
        content = self.blobs.open(blob.key) if stored.content is None else _once(stored.content)
        try:
            inspection = await self.inspector.inspect(content)
            if inspection.mime_type is not stored.mime_type:
                raise ImageRejected(FailureReason.TYPE_UNCLEAR())
        except ImageRejected as error:
            raise RejectedImage(blob.key, FailureReason.IMAGE_REFUSED(reason=error.reason)) from error
        except InspectorUnavailable as error:
            reason = FailureReason.STORED_IMAGE_NOT_CHECKED(reason=error.reason, key=blob.key)
            raise CallError(FailureCode.STORAGE_FAILED, reason) from error
        except (StorageError, BlobMissing) as error:
            raise CallError(FailureCode.STORAGE_FAILED, FailureReason.IMAGE_NOT_READ()) from error
        return inspection


async def _peek(chunks: AsyncIterator[bytes]) -> tuple[bytes, AsyncIterator[bytes]]:
    """Return the first bytes, and the whole stream again."""
    head = b""
    async for chunk in chunks:
        head += chunk
        if len(head) >= SIGNATURE_BYTES:
            break

    async def whole() -> AsyncIterator[bytes]:
        yield head
        async for chunk in chunks:
            yield chunk

    return head, whole()


async def _capped(
    chunks: AsyncIterator[bytes], content: list[bytes], refused: list[Message]
) -> AsyncIterator[bytes]:
    """Yield the chunks; ``content`` holds all of them while they are few, and nothing once they are more.

    An image that is too large ends early, and ``refused`` says why.
    """
    total = 0
    try:
        async for chunk in chunks:
            yield chunk[: MAX_IMAGE_BYTES - total]
            total += len(chunk)
            if total > MAX_IMAGE_BYTES:
                refused.append(FailureReason.IMAGE_TOO_LARGE(maximum=MAX_IMAGE_BYTES))
                return
            if total <= _MAX_KEPT_BYTES:
                content.append(chunk)
            else:
                content.clear()
    except CallError as error:
        if error.failure.code is not FailureCode.INVALID_IMAGE:
            raise
        refused.append(error.reason)


async def _hashed(chunks: AsyncIterator[bytes], digest: "hashlib._Hash") -> AsyncIterator[bytes]:
    async for chunk in chunks:
        digest.update(chunk)
        yield chunk


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data
