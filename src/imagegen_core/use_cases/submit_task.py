"""Accept a request: check all of it, spool its input images, and store the task."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from functools import partial
from typing import Any

import attrs

from imagegen_core.config import ProviderConfig
from imagegen_core.errors import BlobMissing, ImageNotFound, InsufficientStorage, InvalidImage, Unavailable
from imagegen_core.execution.sealed_overrides import seal_override
from imagegen_core.images import MAX_IMAGE_BYTES, MediaType
from imagegen_core.models import Model, canonical, check_operation, check_request, choose_model
from imagegen_core.ports.blobs import BlobStore, Spool, SpoolOverflow
from imagegen_core.ports.clock import Clock
from imagegen_core.ports.disk_space import DiskSpace
from imagegen_core.ports.idempotency_keys import IdempotencyKeys
from imagegen_core.ports.image_inspector import ImageInspector, ImageRejected, InspectorUnavailable
from imagegen_core.ports.image_records import ImageRecords
from imagegen_core.ports.queue import Queue
from imagegen_core.ports.secret_box import SecretBox
from imagegen_core.ports.task_repository import AddedTask, IdempotencyClaim, TaskRepository
from imagegen_core.ports.upstream_guard import UpstreamGuard
from imagegen_core.problems import ProblemCode, RefusalCode
from imagegen_core.requests import ImageRequest, InputImage
from imagegen_core.task import InputSource, StoredImage, Submission, Task
from imagegen_core.use_cases.resolve_provider import ResolvedProvider, ResolveProvider

IDEMPOTENCY_LIFETIME = timedelta(hours=24)


@attrs.frozen(kw_only=True)
class SubmitTask:
    """Submits tasks; once it returns, the task survives a kill and a power cut."""

    resolve: ResolveProvider
    repository: TaskRepository
    idempotency_keys: IdempotencyKeys
    queue: Queue
    records: ImageRecords
    blobs: BlobStore
    spool: Spool
    inspector: ImageInspector
    guard: UpstreamGuard
    box: SecretBox
    disk: DiskSpace
    clock: Clock
    new_id: Callable[[], str]
    queue_size: int

    async def __call__(self, submission: Submission) -> AddedTask:
        """Store the task and queue it, or return the task that the same idempotency key has created.

        A replay comes before any check that depends on the configuration, which may have changed since.

        Raises:
            Refusal: the request is turned down; then nothing is stored.
        """
        submission.check_shape()
        claim = await self._claim(submission)
        if claim is not None:
            earlier = await self.idempotency_keys.replay(claim, now=self.clock.now())
            if earlier is not None:
                return AddedTask(task=earlier, replayed=True)
        return await self._submit(submission, claim)

    async def _submit(self, submission: Submission, claim: IdempotencyClaim | None) -> AddedTask:
        params = canonical(submission.params)
        resolved = await self._resolve(submission)
        model = choose_model(resolved.profile.models, submission.model_id)
        check_operation(submission.operation, len(submission.references), model)
        task_id = self.new_id()
        try:
            request = await self._request(submission, params, task_id)
            check_request(request, model)
            resolved.provider.split(request, model, resolved.config)
            await self._check_environment(resolved)
            task = self._task(task_id, submission, request, resolved, model)
            added = await self.repository.add(task, queue_size=self.queue_size, idempotency=claim)
        except asyncio.CancelledError:
            raise  # the task may have been stored nevertheless; files without a task are cleaned up later
        except BaseException:  # interrupted too, no task needs the files
            await self.spool.remove(task_id)
            raise
        if added.replayed:
            await self.spool.remove(task_id)
        else:
            await self.queue.enqueue(added.task)
        return added

    async def _resolve(self, submission: Submission) -> ResolvedProvider:
        return await self.resolve(
            provider_name=submission.provider_name or await self.resolve.default_name(),
            override=submission.override,
            require_saved=submission.require_saved,
        )

    async def _check_environment(self, resolved: ResolvedProvider) -> None:
        if resolved.config.api_base:
            await self.guard.check(resolved.config.api_base)
        if not self.disk.sufficient():
            raise InsufficientStorage

    async def _claim(self, submission: Submission) -> IdempotencyClaim | None:
        if submission.idempotency_key is None:
            return None
        return IdempotencyClaim(
            scope=f"{submission.idempotency_scope}:{submission.operation}",
            key=submission.idempotency_key,
            body_sha256=await submission.digest(),
            expires_at=self.clock.now() + IDEMPOTENCY_LIFETIME,
        )

    def _task(
        self,
        task_id: str,
        submission: Submission,
        request: ImageRequest,
        resolved: ResolvedProvider,
        model: Model,
    ) -> Task:
        override, now = submission.override, self.clock.now()
        warning = model.warning_on(now.date())
        return Task(
            task_id=task_id,
            request=request,
            provider_name=resolved.config.provider_name,
            model_id=model.id,
            created_at=now,
            config_snapshot=snapshot(resolved.config, model),
            override=None if override is None else seal_override(override, self.box, task_id),
            max_retries=resolved.config.retries,
            warnings=() if warning is None else (warning,),
            retry_of=submission.retry_of,
        )

    async def _request(self, submission: Submission, params: dict[str, Any], task_id: str) -> ImageRequest:
        references = tuple(
            [
                await self._input(source, f"reference_images.{i}", task_id, f"reference-{i}")
                for i, source in enumerate(submission.references)
            ]
        )
        image = mask = None
        if submission.image is not None:
            image = await self._input(submission.image, "image", task_id, "image")
        if submission.mask is not None and image is not None:
            mask = await self._input(submission.mask, "mask", task_id, "mask")
            if (mask.width, mask.height) != (image.width, image.height):
                reason = ProblemCode.NOT_SIZE_OF_IMAGE(width=image.width, height=image.height)
                raise InvalidImage("mask", reason)
        return ImageRequest(
            operation=submission.operation,
            prompt=submission.prompt,
            params=params,
            references=references,
            image=image,
            mask=mask,
        )

    async def _input(self, source: InputSource, field: str, task_id: str, name: str) -> InputImage:
        if isinstance(source, InputImage):
            return await self._copied(source, task_id, name)
        image_id = source.id if isinstance(source, StoredImage) else None
        if isinstance(source, StoredImage):
            chunks = partial(self.blobs.open, (await self.records.get(source.id)).blob_key)
        else:
            chunks = partial(_pieces, source)
        digest = hashlib.sha256()
        try:
            size = await self.spool.put(task_id, name, _hashed(chunks(), digest), max_bytes=MAX_IMAGE_BYTES)
            inspection = await self.inspector.inspect(chunks())
        except SpoolOverflow as error:
            raise InvalidImage(field, ProblemCode.TOO_MANY_BYTES(maximum=MAX_IMAGE_BYTES)) from error
        except ImageRejected as error:
            raise InvalidImage(field, error.reason) from error
        except InspectorUnavailable as error:
            reason = RefusalCode.IMAGE_NOT_CHECKED(field=field, reason=error.reason)
            raise Unavailable(reason) from error
        return InputImage(
            key=f"{task_id}/{name}",
            mime_type=MediaType(inspection.mime_type),
            width=inspection.width,
            height=inspection.height,
            size_bytes=size,
            sha256=digest.hexdigest(),
            image_id=image_id,
        )

    async def _copied(self, source: InputImage, task_id: str, name: str) -> InputImage:
        """Copy an input of an earlier task, which was inspected when that was submitted.

        Raises:
            BlobMissing: it was not kept, or was a stored image that is deleted.
        """
        try:
            chunks = self.spool.chunks(*source.place)
            await self.spool.put(task_id, name, chunks, max_bytes=MAX_IMAGE_BYTES)
        except BlobMissing:
            if source.image_id is None:
                raise
            chunks = self.blobs.open(await self._blob_key(source.image_id))
            await self.spool.put(task_id, name, chunks, max_bytes=MAX_IMAGE_BYTES)
        return attrs.evolve(source, key=f"{task_id}/{name}")

    async def _blob_key(self, image_id: int) -> str:
        try:
            return (await self.records.get(image_id)).blob_key
        except ImageNotFound as error:
            raise BlobMissing(f"image:{image_id}") from error


def snapshot(config: ProviderConfig, model: Model) -> dict[str, Any]:
    """Return the configuration that a task shows: under which it was accepted, without secrets."""
    return {
        "api_base": config.api_base,
        "api_key": None if config.api_key is None else config.api_key.masked,
        "model_id": model.id,
        "timeout_seconds": config.timeout,
        "max_retries": config.retries,
        "source": str(config.source),
    }


async def _pieces(data: bytes, size: int = 256 * 1024) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]
        await asyncio.sleep(0)  # a consumer that never blocks would otherwise starve the event loop


async def _hashed(chunks: AsyncIterator[bytes], digest: "hashlib._Hash") -> AsyncIterator[bytes]:
    async for chunk in chunks:
        digest.update(chunk)
        yield chunk
