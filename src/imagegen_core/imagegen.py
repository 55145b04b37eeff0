"""The façade: make images, wait for them, keep and find them; `ImageGen` also runs what was queued."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Self, TypeAlias

import attrs

from imagegen_core.config import ConfigSource, ProviderConfig, check_provider_name
from imagegen_core.errors import ImagegenError, ProviderEnded, ValidationFailed
from imagegen_core.images import Image
from imagegen_core.limits import (
    DEFAULT_BATCH_POLL_SECONDS,
    DEFAULT_BEAT_SECONDS,
    DEFAULT_KEEP_INPUTS,
    DEFAULT_PROVIDER,
    DEFAULT_QUEUE_SIZE,
    DEFAULT_SHUTDOWN_GRACE_SECONDS,
    DEFAULT_WORKERS,
    MAX_QUEUE_SIZE,
    MAX_WORKERS,
)
from imagegen_core.messages import FailureReason
from imagegen_core.policies import RetryPolicy
from imagegen_core.ports.gallery import ImageFilter, ImageList, SearchMode
from imagegen_core.ports.parts import Parts
from imagegen_core.requests import Operation
from imagegen_core.resolving import ProviderKinds, Providers, ResolveProvider
from imagegen_core.running.batch_jobs import BatchJobs
from imagegen_core.running.calls import Calls
from imagegen_core.running.exchange import PartialImages
from imagegen_core.running.runner import Node, Runner, Worker
from imagegen_core.running.slots import ProviderSlots
from imagegen_core.running.storing import Storing
from imagegen_core.search import Paging, SearchQuery, pages
from imagegen_core.services.batches import Batches
from imagegen_core.services.estimates import Estimates
from imagegen_core.services.gallery import IdleThumbnails, Images
from imagegen_core.services.tasks import Tasks
from imagegen_core.task import ImageReference, InputSource, Submission, Target, Task


@attrs.frozen(kw_only=True)
class Limits:
    """What an operator can limit: pending tasks (1 to a million), workers (1 to 2000), grace time.

    ``default_provider`` gets tasks that name none, unless another was saved.

    Raises:
        ValidationFailed: a number is out of its range, or ``default_provider`` cannot be a name.
    """

    queue_size: int = DEFAULT_QUEUE_SIZE
    workers: int = DEFAULT_WORKERS
    shutdown_grace_seconds: float = DEFAULT_SHUTDOWN_GRACE_SECONDS
    default_provider: str = DEFAULT_PROVIDER

    def __attrs_post_init__(self) -> None:
        ValidationFailed.check_range("queue_size", self.queue_size, minimum=1, maximum=MAX_QUEUE_SIZE)
        ValidationFailed.check_range("workers", self.workers, minimum=1, maximum=MAX_WORKERS)
        ValidationFailed.check_range("shutdown_grace_seconds", self.shutdown_grace_seconds, minimum=0)
        check_provider_name(self.default_provider, "default_provider")


class TaskFailed(ImagegenError):
    """A task ended without an image; ``task.failure`` says why, and whether it may have been charged."""

    def __init__(self, task: Task) -> None:
        super().__init__(FailureReason.CANCELLED_BY_CALLER() if task.failure is None else task.failure.reason)
        self.task = task


@attrs.frozen
class StoredImage:
    """A kept image: its record, and the way to its bytes."""

    record: Image
    _imagegen: "ImageGen" = attrs.field(repr=False, eq=False)

    @property
    def id(self) -> int:
        return self.record.id

    @property
    def prompt(self) -> str:
        return self.record.prompt

    async def read(self) -> bytes:
        """Return the bytes, exactly as the provider sent them except for a label.

        Raises:
            BlobMissing: no store has the bytes.
            StorageUnreachable: the store that has them does not respond now.
        """
        return await self._imagegen.read(self.record)

    async def save(self, path: str | Path) -> Path:
        """Write the bytes to a file, piece by piece, and return its path; raises as `read` does."""
        target, chunks = Path(path), self._imagegen.parts.blobs.open(self.record.blob_key)
        chunk = await anext(chunks, b"")  # if it cannot be read, no file is made
        file = await asyncio.to_thread(target.open, "wb")
        with file:
            while chunk:
                await asyncio.to_thread(file.write, chunk)
                chunk = await anext(chunks, b"")
        return target

    async def thumbnail(self) -> bytes:
        """Return a WebP of at most 512 pixels a side; an SVG has none (`ThumbnailNotFound`)."""
        return await self._imagegen.gallery.thumbnail(self.record)

    async def delete(self) -> None:
        """Delete the image for good; `Images.trash` leaves a way back."""
        await self._imagegen.gallery.delete_one(self.id)


Source: TypeAlias = bytes | Path | StoredImage
"""An image to start from: its bytes, a file, or one that is kept."""


class ImageGen:
    """Images made through paid providers: a queued task is never lost, a call is never paid for twice.

    Use it once, as an ``async with`` block. Entering resumes what an earlier process left unfinished and
    starts the workers; leaving lets running calls finish within the grace time. Outside the block nothing
    runs: submitted tasks wait for the next instance over the same parts.

    ``tasks``, ``estimates``, ``batches``, ``gallery`` and ``providers`` have everything that callers can do;
    the methods here are what most programs need.

    Args:
        parts: an adapter for every port.
        limits: what an operator can limit.
        file_configs: the operator's configurations (``config.yaml`` of the service). Only they may use
            credentials of the machine, such as Google's.
        retry: when a failed call is repeated.
        owner: the name of this process among those that work on the same tasks.
        beat_seconds: how often it shows that it is alive.
        batch_poll_seconds: how often a provider is asked about a batch job.
        on_change: called after each change of the stored images.
        runs_tasks: otherwise other processes run what it accepts.
        keep_inputs: whether the callers' input images are kept as long as their tasks.
        trash_days: how long images of the trash can be restored; somebody else deletes them for good then.
    """

    def __init__(
        self,
        parts: Parts,
        *,
        limits: Limits | None = None,
        file_configs: Mapping[str, ProviderConfig] | None = None,
        retry: RetryPolicy | None = None,
        owner: str | None = None,
        beat_seconds: float = DEFAULT_BEAT_SECONDS,
        batch_poll_seconds: float = DEFAULT_BATCH_POLL_SECONDS,
        on_change: Callable[[], object] = lambda: None,
        runs_tasks: bool = True,
        keep_inputs: bool = DEFAULT_KEEP_INPUTS,
        trash_days: float = 0,
    ) -> None:
        self.parts = a = parts
        self.limits = limits or Limits()
        self.owner = owner or a.new_id()
        self._entered = False
        self._runs_tasks = runs_tasks
        kinds, configs = ProviderKinds(adapters=a.providers), dict(file_configs or {})
        for name, config in configs.items():
            with suppress(ProviderEnded):  # told where it is used; the others go on
                kinds.check(config.kind, config.extra_config)
            configs[name] = attrs.evolve(config, source=ConfigSource.FILE)
        self.resolve = ResolveProvider(
            configs=a.configs,
            file_configs=configs,
            default_provider=self.limits.default_provider,
            kinds=kinds,
            redactor=a.redactor,
            clock=a.clock,
        )
        self.partial_images = PartialImages()
        self.slots = ProviderSlots(default_limit=self.limits.workers, cluster=a.cluster, node=self.owner)
        self.runner = Runner(
            parts=a,
            calls=Calls(
                parts=a, resolve=self.resolve, partial_images=self.partial_images, storing=Storing(a)
            ),
            slots=self.slots,
            retry=retry or RetryPolicy(),
            random=random.random,
            on_images=self._announce,
            keep_inputs=keep_inputs,
        )
        self.estimates = Estimates(parts=a, resolve=self.resolve)
        self.tasks = Tasks(
            parts=a,
            estimates=self.estimates,
            runner=self.runner,
            owner=self.owner,
            queue_size=self.limits.queue_size,
        )
        jobs = BatchJobs(parts=a, runner=self.runner, owner=self.owner, poll_seconds=batch_poll_seconds)
        self.batches = Batches(parts=a, tasks=self.tasks, jobs=jobs, owner=self.owner)
        self._on_change = on_change
        self.gallery = Images(parts=a, on_change=on_change, trash_days=trash_days)
        self._thumbnails = IdleThumbnails(images=self.gallery, runs=self.runner.runs)
        self.providers = Providers(parts=a, resolve=self.resolve)
        self.node = Node(self.runner, name=self.owner, runs_tasks=runs_tasks, beat_seconds=beat_seconds)
        self.worker = Worker(self.runner, jobs.limit, owner=self.owner, size=self.limits.workers)

    async def __aenter__(self) -> Self:
        if self._entered:
            raise RuntimeError("an ImageGen is entered once; build another one over the same adapters")
        self._entered = True
        if self._runs_tasks:
            await self.parts.queue.wake(locked=True)
        await self.node.start()
        if self._runs_tasks:
            self.worker.start()
            self.batches.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def stop(self, *, force: asyncio.Event | None = None) -> None:
        """Claim nothing more; let running calls finish within the grace time, or until ``force`` is set.

        What still runs then is stored: upstream jobs are resumed at the next start, requests in flight end as
        ``outcome_unknown``. A second call does nothing.
        """
        await self.batches.stop()
        await self.worker.stop(grace_seconds=self.limits.shutdown_grace_seconds, force=force)
        await self._thumbnails.stop()
        await self.node.stop()

    def _announce(self, images: Sequence[Image]) -> None:
        self._on_change()
        self._thumbnails.note(images)

    # ---------------------------------------------------------------- what most programs need

    async def generate(
        self, prompt: str, *, references: Sequence[Source] = (), **params: Any
    ) -> list[StoredImage]:
        """Make images from a prompt, and references if there are any, and wait for them.

        ``params`` are ``provider``, ``model``, ``fallback`` and the model's parameters, such as ``num=2``.

        Raises:
            Refusal: the request is turned down; then nothing is stored or sent.
            TaskFailed: there is no image.
        """
        operation = Operation.REFERENCE if references else Operation.GENERATE
        return await self.run(operation, prompt, references=references, **params)

    async def edit(
        self, image: Source, prompt: str, *, mask: Source | None = None, **params: Any
    ) -> list[StoredImage]:
        """Change an image, or the part of it that a mask shows; raises as `generate` does."""
        return await self.run(Operation.EDIT, prompt, image=image, mask=mask, **params)

    async def upscale(self, image: Source, prompt: str = "", **params: Any) -> list[StoredImage]:
        """Make an image larger; raises as `generate` does."""
        return await self.run(Operation.UPSCALE, prompt, image=image, **params)

    async def run(self, operation: Operation, prompt: str = "", **params: Any) -> list[StoredImage]:
        """Do any operation, wait for it, and return its images; raises as `generate` does."""
        task = await self.wait(await self.submit(prompt, operation=operation, **params))
        images = await self.images(task)
        if not images:
            raise TaskFailed(task)
        return images

    async def submit(
        self,
        prompt: str = "",
        *,
        operation: Operation = Operation.GENERATE,
        provider: str | None = None,
        model: str | None = None,
        fallback: Sequence[Target | str] = (),
        references: Sequence[Source] = (),
        image: Source | None = None,
        mask: Source | None = None,
        idempotency_key: str | None = None,
        **params: Any,
    ) -> Task:
        """Queue a request and return its task, which is durable when this returns.

        ``params`` are the model's parameters, such as ``num=2, width=1024, height=768, seed=7``. ``fallback``
        are providers to ask next, such as ``["ark", "openai:gpt-image-2"]``, where one has charged nothing.

        Raises:
            Refusal: the request is turned down; then nothing is stored or sent.
        """
        submission = Submission(
            operation=operation,
            prompt=prompt,
            params=params,
            provider_name=provider,
            model_id=model,
            fallback=tuple(Target.parse(one) if isinstance(one, str) else one for one in fallback),
            references=tuple([await _input(source) for source in references]),
            image=None if image is None else await _input(image),
            mask=None if mask is None else await _input(mask),
            idempotency_key=idempotency_key,
        )
        return (await self.tasks.submit(submission)).task

    async def wait(self, task: Task | str, *, timeout: float | None = None) -> Task:
        """Return the task once it has ended, or in its present state after ``timeout`` seconds.

        Raises:
            TaskNotFound: there is none.
        """
        return await self.tasks.wait(_id(task), timeout=timeout)

    async def images(self, task: Task | str) -> list[StoredImage]:
        """Return the images that a task has yielded so far, in order."""
        return [StoredImage(record, self) for record in await self.parts.images.of_task(_id(task))]

    async def image(self, image_id: int) -> StoredImage:
        """Return a kept image.

        Raises:
            ImageNotFound: there is none.
        """
        return StoredImage(await self.parts.images.get(image_id), self)

    async def search(
        self, words: str = "", *, similar: bool = False, **criteria: Any
    ) -> AsyncIterator[StoredImage]:
        """Yield the images whose prompts contain all words, newest first; without words, all.

        With ``similar``, those whose prompts share parts of the words follow, closest first. ``criteria`` are
        fields of `ImageFilter`, such as ``provider_name="gemini", tag="猫"``.

        Raises:
            ValidationFailed: the words are no query.
            Unavailable: the search took too long.
        """
        query = SearchQuery.parse(words, self.parts.simplify) if words.strip() else None
        mode = SearchMode.RELEVANT if similar else SearchMode.CONTAINS
        images = ImageList(criteria=ImageFilter(**criteria), query=query, mode=mode)
        async for page in pages(partial(self.parts.images.list, images), Paging()):
            for hit in page.items:
                yield StoredImage(hit.image, self)

    async def read(self, image: Image) -> bytes:
        return b"".join([chunk async for chunk in self.parts.blobs.open(image.blob_key)])

    async def read_input(self, task_id: str, index: int) -> bytes:
        """Return the bytes of a task's input image, by its number among all of them, from 0.

        Raises:
            TaskNotFound: there is no such task.
            InputNotFound: it has no such input, or its bytes are gone.
        """
        opened = await self.tasks.open_input(task_id, index)
        return b"".join([chunk async for chunk in opened.read(0, opened.size_bytes)])


def _id(task: Task | str) -> str:
    return task if isinstance(task, str) else task.task_id


async def _input(source: Source | InputSource) -> InputSource:
    if isinstance(source, StoredImage):
        return ImageReference(id=source.id)
    return await asyncio.to_thread(source.read_bytes) if isinstance(source, Path) else source
