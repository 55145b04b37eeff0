"""From the bytes of a result to stored, inspected and recorded images."""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import Any

import attrs

from imagegen_core.attempt import Attempt, AttemptOutcome, Receipt, can_retry_for_free, most_severe
from imagegen_core.costs import Cost, cost_of
from imagegen_core.errors import BlobMissing, CallError, FailureCode, StorageError
from imagegen_core.images import MAX_IMAGE_BYTES, SIGNATURE_BYTES, Image, MediaType, StorageState
from imagegen_core.limits import MAX_METADATA_BYTES
from imagegen_core.messages import FailureReason, Message, WarningCode
from imagegen_core.policies import DOWNLOAD_RETRY_SECONDS
from imagegen_core.ports.blobs import BlobStore, StoredBlob, joined, thumbnail_key
from imagegen_core.ports.parts import Parts
from imagegen_core.ports.provider import GeneratedImage, ProviderResult
from imagegen_core.ports.tools import ImageRejected, Inspection, InspectorUnavailable
from imagegen_core.requests import ImageRequest
from imagegen_core.running.exchange import ActiveCall, once
from imagegen_core.secrets import json_size, redacted, redacted_message
from imagegen_core.task import Task

_MEDIA_TYPES = {media_type.extension: media_type for media_type in MediaType}
_REST = re.compile(rf"(?:-\d+)?\.({'|'.join(_MEDIA_TYPES)})")


@attrs.frozen(kw_only=True)
class ImageKeys:
    """The keys of one image, which all begin with ``prefix``.

    Each ends in the claim's epoch, so a worker that lost its task overwrites nothing of the next one. Keys of
    earlier versions have none.
    """

    task_id: str
    part: int
    position: int

    @property
    def name(self) -> str:
        """The task's id, the part and the position."""
        return f"{self.task_id}-{self.part}-{self.position}"

    @property
    def prefix(self) -> str:
        """The directory, of which there are 256, and the name."""
        return f"{self.task_id[-2:]}/{self.name}"

    def of_epoch(self, epoch: int, media_type: MediaType) -> str:
        return f"{self.prefix}-{epoch}.{media_type.extension}"

    def media_type(self, key: str) -> MediaType | None:
        """Return the type by a key of this image; None for another image or a thumbnail."""
        match = _REST.fullmatch(key.removeprefix(self.prefix)) if key.startswith(self.prefix) else None
        return None if match is None else _MEDIA_TYPES[match[1]]


async def sha256_of(store: BlobStore, key: str) -> str:
    """Return the SHA-256 of a blob's present bytes, in hex."""
    sha256 = hashlib.sha256()
    async for chunk in store.open(key):
        sha256.update(chunk)
    return sha256.hexdigest()


_LATEST_EPOCHS = 3  # claims whose keys are looked up one by one; a list shows those of earlier ones
MAX_STREAMS = 32  # images streamed to the store at once; each takes about a megabyte of buffers

_MAX_KEPT_BYTES = 64 * 1024
"""Size of an image that is inspected from memory; a thousand that wait take 64 MB."""

_MAX_SHARED_BYTES = 1024
"""Size of metadata that is stored with each image, although the call's images share it."""

_MAX_NAME_CHARS = 50
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
    """A stored image that is not yet inspected, with its ``content`` if that is small.

    ``vendor_sha256`` is of the provider's bytes, if they were labelled.
    """

    blob: StoredBlob
    mime_type: MediaType
    vendor_sha256: str | None = None
    content: bytes | None = attrs.field(default=None, repr=False)


@attrs.frozen
class Storing:
    """Stores the images of a result. A rejected or lost one costs no other; a rejected one is removed.

    A failed download is retried, since it is free. Only the decoder's verdict rejects an image. One that
    could not be inspected stays stored: the next try starts there, because its source may be gone by then.

    Its thumbnail is made when somebody looks, or nothing else is to do: see `Images.thumbnail`.

    Without a label the provider's bytes are stored unchanged. At most `MAX_STREAMS` images are streamed at
    once, which bounds the memory.
    """

    parts: Parts
    _streams: asyncio.Semaphore = attrs.field(
        factory=lambda: asyncio.Semaphore(MAX_STREAMS), init=False, repr=False, eq=False
    )

    async def store_result(self, active: ActiveCall, *, is_retry: bool) -> AttemptOutcome:
        """Store the images of a received attempt; return its outcome, whose failures are not redacted.

        The call's cost is staged once the response is read. ``is_retry``: an earlier try may have stored
        images, recorded or not.
        """
        recorded = await self._recorded(active.attempt) if is_retry else frozenset()
        try:
            result = await active.resolved.provider.collect(
                active.call, active.attempt.receipt or Receipt(), active
            )
        except BlobMissing as error:
            raise CallError(FailureCode.STORAGE_FAILED, FailureReason.RESPONSE_GONE()) from error
        images, failures, dropped = await self._store_images(active, result, recorded, is_retry=is_retry)
        attempt = active.attempt
        for failure in failures:
            if can_retry_for_free(failure, attempt, active.run.task):
                if images:
                    await active.run.save_attempt(
                        attempt.with_images(i.position for i in images), tuple(images)
                    )
                raise failure
        if not images and not recorded:
            no_image = CallError(FailureCode.BAD_RESPONSE, FailureReason.NO_IMAGE_IN_RESPONSE())
            raise most_severe(failures) or no_image
        noted = [*result.warnings, *_size_warnings(active.call.request, result, images)]
        if dropped:
            noted.append(WarningCode.METADATA_DROPPED(names=tuple(dropped)))
        warnings = tuple(redacted_message(warning, self.parts.redactor) for warning in noted)
        failures = [await active.keep_unusable(failure) for failure in failures]
        lost = next((f.failure for f in failures if f.failure.code is FailureCode.STORAGE_FAILED), None)
        await active.run.save_attempt(attempt.stored(self.parts.clock.now(), lost=lost), tuple(images))
        return AttemptOutcome(failures=tuple(failures), warnings=warnings)

    async def _store_images(
        self, active: ActiveCall, result: ProviderResult, recorded: frozenset[int], *, is_retry: bool
    ) -> tuple[list[Image], list[CallError], dict[str, None]]:
        """Return records, failures, and the names of dropped metadata."""
        shares = _stage_cost(active, result)
        images: list[Image] = []
        failures = list(result.failures)
        bounded, dropped = _bounded(result.images)
        for position, image in enumerate(bounded):
            if position in recorded:
                continue
            try:
                record = await self.store_image(
                    image,
                    position=position,
                    task=active.run.task,
                    attempt=active.attempt,
                    cost=shares[position],
                    keep=partial(active.keep_image, position),
                    is_retry=is_retry,
                )
                images.append(record)
            except CallError as error:
                failures.append(error)
                if isinstance(error, RejectedImage) and not await active.run.is_stale():
                    await self.parts.blobs.delete(error.key)
        return images, failures, dropped

    async def _recorded(self, attempt: Attempt) -> frozenset[int]:
        """Return the positions of images that an earlier try has recorded, also of those deleted since."""
        images = await self.parts.images.of_task(attempt.task_id)
        present = {image.position for image in images if image.attempt_id == attempt.attempt_id}
        return frozenset(present.union(() if attempt.receipt is None else attempt.receipt.stored))

    # ---------------------------------------------------------------- one image

    async def store_image(
        self,
        image: GeneratedImage,
        *,
        position: int,
        task: Task,
        attempt: Attempt,
        keep: Keep,
        cost: Cost | None = None,
        is_retry: bool = False,
    ) -> Image:
        """Return the record of the stored image, without an id, its metadata redacted.

        ``is_retry``: an earlier try may have stored it without recording it.
        """
        metadata = await redacted(image.metadata, self.parts.redactor)
        keys = ImageKeys(task_id=task.task_id, part=attempt.part, position=position)
        stored = await self._stored_before(keys, task.epoch) if is_retry else None
        try:
            stored = stored or await self._store_with_retries(image, keys, task.epoch, keep)
            inspection = await self._inspect(stored)
        except RejectedImage as error:
            opened = self.parts.blobs.open(error.key)
            raise RejectedImage(error.key, await keep(opened, error.reason)) from error
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
            thumbnail_key=None if stored.mime_type is MediaType.SVG else thumbnail_key(blob.key),
            storage=blob.state if blob.state is StorageState.ARCHIVE else StorageState.LOCAL,
            created_at=self.parts.clock.now(),
            params=task.request.params,
            metadata={name: value for name, value in metadata.items() if value is not None},
            cost=cost,
        )

    async def _stored_before(self, keys: ImageKeys, epoch: int) -> _Stored | None:
        """Return what an earlier try stored, durable now, with its SHA-256, but not that of upstream."""
        blobs = self.parts.blobs
        try:
            async for key in self._earlier_keys(keys, epoch):
                mime_type = keys.media_type(key)
                blob = None if mime_type is None else await blobs.stat(key)
                if mime_type is not None and blob is not None:
                    await blobs.sync(key)
                    blob = attrs.evolve(blob, sha256=await sha256_of(blobs, key))
                    return _Stored(blob=blob, mime_type=mime_type)
        except BlobMissing:
            pass
        except StorageError as error:
            raise CallError.of_store(FailureReason.IMAGE_NOT_READ(), error) from error
        return None

    async def _earlier_keys(self, keys: ImageKeys, epoch: int) -> AsyncIterator[str]:
        """Yield the listed keys, then those of the latest tries, since a list may be late."""
        async for key in self.parts.blobs.keys(keys.prefix):
            yield key
        for number in range(epoch, max(epoch - _LATEST_EPOCHS, -1), -1):
            for media_type in MediaType:
                yield keys.of_epoch(number, media_type)

    async def _store_with_retries(
        self, image: GeneratedImage, keys: ImageKeys, epoch: int, keep: Keep
    ) -> _Stored:
        for delay in (*DOWNLOAD_RETRY_SECONDS, None):
            try:
                async with self._streams:
                    return await self._store(image, keys, epoch, keep)
            except CallError as error:
                failure = error.failure
                gone = failure.upstream_status in _GONE_STATUSES and not error.is_transient
                if failure.code is not FailureCode.DOWNLOAD_FAILED or gone or delay is None:
                    raise
            await self.parts.clock.sleep(delay)
        raise AssertionError("unreachable: the last try returns or raises")

    async def _store(self, image: GeneratedImage, keys: ImageKeys, epoch: int, keep: Keep) -> _Stored:
        source, head = image.chunks(), b""
        async for chunk in source:
            head += chunk
            if len(head) >= SIGNATURE_BYTES:
                break
        chunks = joined(head, source)
        mime_type = MediaType.sniff(head[:SIGNATURE_BYTES])
        if mime_type is None:
            reason = FailureReason.NOT_AN_IMAGE()
            raise CallError(FailureCode.INVALID_IMAGE, await keep(chunks, reason) if head else reason)
        upstream = hashlib.sha256()
        if self.parts.label is not None:
            chunks = self.parts.label(hashed(chunks, upstream), mime_type, keys.name)
        content: list[bytes] = []
        refused: list[Message] = []
        key = keys.of_epoch(epoch, mime_type)
        try:
            blob = await self.parts.blobs.put(key, _capped(chunks, content, refused), content_type=mime_type)
        except StorageError as error:
            raise CallError.of_store(FailureReason.IMAGE_NOT_STORED(), error) from error
        if refused:
            raise RejectedImage(key, refused[0])
        return _Stored(
            blob=blob,
            mime_type=mime_type,
            vendor_sha256=None if self.parts.label is None else upstream.hexdigest(),
            content=b"".join(content) or None,
        )

    async def _inspect(self, stored: _Stored) -> Inspection:
        key = stored.blob.key
        try:
            content = self.parts.blobs.open(key) if stored.content is None else once(stored.content)
            inspection = await self.parts.inspect(content)
            if inspection.mime_type is not stored.mime_type:
                raise ImageRejected(FailureReason.TYPE_UNCLEAR())
        except ImageRejected as error:
            raise RejectedImage(key, FailureReason.IMAGE_REFUSED(reason=error.reason)) from error
        except InspectorUnavailable as error:
            reason = FailureReason.STORED_IMAGE_NOT_CHECKED(reason=error.reason, key=key)
            raise CallError(FailureCode.STORAGE_FAILED, reason) from error
        except (StorageError, BlobMissing) as error:
            raise CallError.of_store(FailureReason.IMAGE_NOT_READ(), error) from error
        return inspection


async def _capped(
    chunks: AsyncIterator[bytes], content: list[bytes], refused: list[Message]
) -> AsyncIterator[bytes]:
    """Yield the chunks; ``refused`` says why an image ends early, such as by its size.

    ``content`` holds all chunks while they are few, and nothing once they are more.
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


async def hashed(chunks: AsyncIterator[bytes], digest: "hashlib._Hash") -> AsyncIterator[bytes]:
    async for chunk in chunks:
        digest.update(chunk)
        yield chunk


def _bounded(images: Sequence[GeneratedImage]) -> tuple[list[GeneratedImage], dict[str, None]]:
    """Return the images with as much metadata as is kept, and the names of what is dropped.

    Long metadata that several images share is kept with the first.
    """
    bounded: list[GeneratedImage] = []
    shared: dict[str, Any] = {}
    dropped: dict[str, None] = {}
    for image in images:
        metadata, room = {}, MAX_METADATA_BYTES
        for name, value in image.metadata.items():
            size = json_size([name, value], room)
            if size > _MAX_SHARED_BYTES and name in shared and shared[name] == value:
                continue
            if size > room:
                dropped[name[:_MAX_NAME_CHARS]] = None
                continue
            room -= size
            metadata[name] = value
            shared.setdefault(name, value)
        bounded.append(attrs.evolve(image, metadata=metadata))
    return bounded, dropped


def _size_warnings(
    request: ImageRequest, result: ProviderResult, images: Sequence[Image]
) -> Iterable[Message]:
    """Warn of other pixels than were requested, unless a warning says so already."""
    dimensions = request.dimensions
    pixels = [image for image in images if image.mime_type is not MediaType.SVG]
    other = next((image for image in pixels if (image.width, image.height) != dimensions), None)
    if dimensions is None or other is None or not result.keeps_size:
        return
    requested = f"{dimensions[0]}x{dimensions[1]}"
    arguments = {value for warning in result.warnings for value in warning.args.values()}
    names = {name for value in arguments if isinstance(value, tuple) for name in value}
    if requested not in arguments and not {"size", "width"} & names:
        yield WarningCode.OTHER_SIZE(requested=requested, size=f"{other.width}x{other.height}")


def _stage_cost(active: ActiveCall, result: ProviderResult) -> tuple[Cost | None, ...]:
    """Stage what the call cost by its result, and return each image's share."""
    attempt, call, count = active.attempt, active.call, len(result.images)
    cost = cost_of(
        call.request, call.model, attempt.price, usage=result.usage, images=count, quoted=attempt.cost
    )
    if cost != attempt.cost:
        active.run.stage(attempts=(attrs.evolve(attempt, cost=cost),))
    return (None,) * count if cost is None else cost.shares(count)
