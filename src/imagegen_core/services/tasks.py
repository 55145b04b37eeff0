"""What callers ask of tasks: submit, estimate, retry, show, wait, cancel, and what they cost."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from functools import partial
from typing import Any

import attrs

from imagegen_core.attempt import may_be_charged
from imagegen_core.config import ProviderConfig
from imagegen_core.costs import Cost, Usage, UsageGrouping, quote, total
from imagegen_core.errors import (
    BlobMissing,
    ImageNotFound,
    InputNotFound,
    InsufficientStorage,
    InvalidImage,
    ResponseNotKept,
    StaleTask,
    Unavailable,
    ValidationFailed,
)
from imagegen_core.images import MAX_IMAGE_BYTES, Image, MediaType
from imagegen_core.limits import MAX_PAGE_SIZE
from imagegen_core.models import Model, canonical, changed, check_operation, check_request, choose_model
from imagegen_core.ports.blobs import BlobStore, Spool, SpoolOverflow
from imagegen_core.ports.image_records import ImageRecords
from imagegen_core.ports.lineage import Lineage
from imagegen_core.ports.queue import Queue
from imagegen_core.ports.secret_box import SecretBox
from imagegen_core.ports.tasks import AddedTask, IdempotencyClaim, TaskFilter, TaskRepository, UsageKey
from imagegen_core.ports.tools import Clock, HasRoom, ImageRejected, Inspect, InspectorUnavailable
from imagegen_core.ports.upstream_guard import UpstreamGuard
from imagegen_core.problems import JsonType, ProblemCode, RefusalCode
from imagegen_core.requests import ImageRequest, InputImage, InputRole
from imagegen_core.resolving import ResolvedProvider, ResolveProvider
from imagegen_core.running.calls import seal_override
from imagegen_core.running.exchange import kept_owners
from imagegen_core.running.runner import EndTask
from imagegen_core.running.slots import RunningTasks
from imagegen_core.search import Page, Paging
from imagegen_core.task import InputSource, StoredImage, Submission, Task, TaskStatus
from imagegen_core.values import QUARTER_SECONDS, CalendarDays, quarter_of

IDEMPOTENCY_LIFETIME = timedelta(hours=24)


@attrs.frozen(kw_only=True)
class SubmitTask:
    """Submits tasks; once it returns, the task survives a kill and a power cut."""

    resolve: ResolveProvider
    repository: TaskRepository
    queue: Queue
    records: ImageRecords
    blobs: BlobStore
    spool: Spool
    inspect: Inspect
    guard: UpstreamGuard
    box: SecretBox
    has_room: HasRoom
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
            earlier = await self.repository.replay(claim, now=self.clock.now())
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
            added = await self.repository.add(task, queue_size=self.queue_size, claim=claim)
        except asyncio.CancelledError:
            raise  # the task may have been stored nevertheless; files without a task are cleaned up later
        except BaseException:  # interrupted too, no task needs the files
            await self.spool.remove(task_id)
            raise
        if added.replayed:
            await self.spool.remove(task_id)
        else:
            await self.queue.wake()
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
        if not self.has_room():
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
            inspection = await self.inspect(chunks())
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


_ANY_IMAGE = InputImage(
    key="", mime_type=MediaType.PNG, width=1024, height=1024, size_bytes=1024 * 1024, sha256=""
)
"""Stands for the images of a request, which need not be there to be told its price."""


@attrs.frozen(kw_only=True)
class EstimateCost:
    """Prices the calls that a request would take, by the configuration of this moment."""

    resolve: ResolveProvider

    async def __call__(self, submission: Submission) -> tuple[Cost, ...]:
        """Return the costs by currency; empty if calls cost nothing.

        Raises:
            Refusal: the request would be turned down for what it says, apart from its images.
        """
        params = canonical(submission.params)
        resolved = await self.resolve(
            provider_name=submission.provider_name or await self.resolve.default_name(),
            override=submission.override,
            require_saved=submission.require_saved,
        )
        model = choose_model(resolved.profile.models, submission.model_id)
        rules = submission.operation.rules
        request = ImageRequest(
            operation=submission.operation,
            prompt=submission.prompt,
            params=params,
            references=(_ANY_IMAGE,) if rules.max_references else (),
            image=_ANY_IMAGE if rules.takes_image else None,
        )
        check_operation(request.operation, len(request.references), model)
        check_request(request, model)
        calls = resolved.provider.split(request, model, resolved.config)
        quotes = (
            quote(attrs.evolve(call, references=(), image=None), model, is_billed=resolved.profile.billed)
            for call in calls
        )
        return total(cost for cost in quotes if cost is not None)


@attrs.frozen(kw_only=True)
class RetryTask:
    """Submits a task's request again under the current configuration; the old override is gone."""

    repository: TaskRepository
    submit: SubmitTask

    async def __call__(self, *, task_id: str, idempotency_key: str | None = None) -> AddedTask:
        """Store the new task, or return the one that the same key has already created from this task.

        Raises:
            TaskNotFound: there is none.
            ValidationFailed: it neither failed nor was cancelled, or its input images are no longer stored.
            Refusal: as for any submission.
        """
        task = await self.repository.get(task_id)
        if task.status not in (TaskStatus.FAILED, TaskStatus.CANCELLED):
            raise ValidationFailed.for_field("task_id", ProblemCode.NOT_RETRYABLE(status=task.status))
        submission = Submission.again(task, verb="retry", idempotency_key=idempotency_key)
        try:
            return await self.submit(submission)
        except BlobMissing as error:
            raise ValidationFailed.for_field("task_id", ProblemCode.INPUTS_GONE()) from error


@attrs.frozen(kw_only=True)
class TaskChanges:
    """What is to be other than in the task that is made again; None leaves a thing as it was.

    ``params`` may hold ``prompt``, too; a parameter of None is taken back. Another provider means its default
    model, unless ``model_id`` says which.
    """

    params: Mapping[str, Any] = attrs.field(factory=dict)
    provider_name: str | None = None
    model_id: str | None = None


@attrs.frozen(kw_only=True)
class RerunTask:
    """Submits a task's request again, whatever became of it; it is paid for again."""

    repository: TaskRepository
    submit: SubmitTask

    async def __call__(
        self, *, task_id: str, changes: TaskChanges, idempotency_key: str | None = None
    ) -> AddedTask:
        """Store the new task, or return the one that the same key has already created from this task.

        Raises:
            TaskNotFound: there is none.
            ValidationFailed: its input images are no longer stored, or the changed request is invalid; a
                parameter that another model does not know has to be taken back.
            Refusal: as for any submission.
        """
        task = await self.repository.get(task_id)
        submission = Submission.again(task, verb="rerun", idempotency_key=idempotency_key)
        try:
            return await self.submit(_changed(submission, changes))
        except BlobMissing as error:
            raise ValidationFailed.for_field("task_id", ProblemCode.INPUTS_GONE()) from error


def _changed(submission: Submission, changes: TaskChanges) -> Submission:
    """Return the submission with the changes.

    Raises:
        ValidationFailed: the prompt is no text.
    """
    params = dict(changes.params)
    prompt = params.pop("prompt", submission.prompt)
    if not isinstance(prompt, str):
        wrong_type = ProblemCode.WRONG_TYPE(types=(JsonType.STRING(),))
        raise ValidationFailed.for_field("prompt", wrong_type)
    provider_name = changes.provider_name or submission.provider_name
    kept_model = submission.model_id if provider_name == submission.provider_name else None
    return attrs.evolve(
        submission,
        prompt=prompt,
        params=changed(submission.params, params),
        provider_name=provider_name,
        model_id=changes.model_id or kept_model,
    )


@attrs.frozen(kw_only=True)
class InputView:
    """An input image as it is shown.

    Its bytes are those of the stored image that it was named by, or what its caller sent. Unless it is
    ``available``, that image is deleted, or what was sent was not kept.
    """

    role: InputRole
    image: InputImage
    available: bool


@attrs.frozen(kw_only=True)
class ShowInputs:
    """Looks for the bytes of all inputs at once; for tasks without inputs, nowhere."""

    spool: Spool
    lineage: Lineage

    async def __call__(self, *, tasks: Sequence[Task]) -> Mapping[str, tuple[InputView, ...]]:
        """Return the inputs of the tasks that have any, by their ids: references, then image, then mask.

        Raises:
            StorageError: the stores do not respond now.
        """
        inputs = {task.task_id: task.request.inputs_with_roles for task in tasks if task.request.inputs}
        images = [image for pairs in inputs.values() for _, image in pairs]
        owners = {image.place[0] for image in images if image.image_id is None}
        image_ids = {image.image_id for image in images if image.image_id is not None}
        present = await self.spool.holds(owners) if owners else frozenset()
        existing = await self.lineage.existing(image_ids) if image_ids else frozenset()

        def is_available(image: InputImage) -> bool:
            return image.place[0] in present if image.image_id is None else image.image_id in existing

        return {
            task_id: tuple(
                InputView(role=role, image=image, available=is_available(image)) for role, image in pairs
            )
            for task_id, pairs in inputs.items()
        }


@attrs.frozen(kw_only=True)
class TaskView:
    """A task as it is shown; ``queue_position`` is 1 for the next task, None if it is not pending.

    ``costs`` are what its attempts cost or may have cost, by currency; empty if that is nothing.
    """

    task: Task
    images: tuple[Image, ...]
    inputs: tuple[InputView, ...] = ()
    queue_position: int | None = None
    costs: tuple[Cost, ...] = ()


@attrs.frozen(kw_only=True)
class ShowTask:
    """Shows one task."""

    repository: TaskRepository
    records: ImageRecords
    queue: Queue
    inputs: ShowInputs

    async def __call__(self, *, task_id: str) -> TaskView:
        """Return the task.

        Raises:
            TaskNotFound: there is none.
        """
        return await self.view(await self.repository.get(task_id))

    async def view(self, task: Task) -> TaskView:
        """Return the view of a task that has already been read."""
        (view,) = await self.views((task,))
        return view

    async def views(self, tasks: Sequence[Task]) -> tuple[TaskView, ...]:
        """Return the views of tasks that have already been read."""
        started = [task.task_id for task in tasks if task.started_at is not None]
        costs = await self.repository.costs(started) if started else {}
        inputs = await self.inputs(tasks=tasks)
        views = (
            self._view(task, total(costs.get(task.task_id, ())), inputs.get(task.task_id, ()))
            for task in tasks
        )
        return tuple(await asyncio.gather(*views))

    async def _view(self, task: Task, costs: tuple[Cost, ...], inputs: tuple[InputView, ...]) -> TaskView:
        images = () if task.started_at is None else await self.records.by_task(task.task_id)
        position = await self.queue.position(task.task_id) if task.status is TaskStatus.PENDING else None
        return TaskView(task=task, images=images, inputs=inputs, queue_position=position, costs=costs)


@attrs.frozen(kw_only=True)
class ListTasks:
    """Lists tasks, newest first."""

    repository: TaskRepository
    show: ShowTask

    async def __call__(self, *, criteria: TaskFilter, paging: Paging) -> Page[TaskView]:
        """Return one page."""
        page = await self.repository.find(criteria, paging)
        return page.with_items(await self.show.views(page.items))


@attrs.frozen(kw_only=True)
class OpenedInput:
    """An input image whose bytes ``read(start, end)`` yields, from start up to end."""

    image: InputImage
    read: Callable[[int, int], AsyncIterator[bytes]]


@attrs.frozen(kw_only=True)
class OpenInput:
    """Reads what its caller sent from the spool, and a stored image from the blob store."""

    repository: TaskRepository
    records: ImageRecords
    blobs: BlobStore
    spool: Spool

    async def __call__(self, *, task_id: str, index: int) -> OpenedInput:
        """Return the input with this number among all of the task's, from 0; nothing is read yet.

        Raises:
            TaskNotFound: there is no such task.
            InputNotFound: it has no such input, or its bytes are no longer there.
        """
        inputs = (await self.repository.get(task_id)).request.inputs
        if not 0 <= index < len(inputs):
            raise InputNotFound(task_id, index)
        image = inputs[index]
        if image.image_id is not None:
            key = await self._blob_key(task_id, index, image.image_id)
            return OpenedInput(
                image=image, read=lambda start, end: self.blobs.open(key, start=start, end=end)
            )
        owner, name = image.place
        if owner not in await self.spool.holds([owner]):
            raise InputNotFound(task_id, index)
        return OpenedInput(
            image=image, read=lambda start, end: self.spool.chunks(owner, name, start=start, end=end)
        )

    async def _blob_key(self, task_id: str, index: int, image_id: int) -> str:
        try:
            return (await self.records.get(image_id)).blob_key
        except ImageNotFound as error:
            raise InputNotFound(task_id, index) from error


@attrs.frozen(kw_only=True)
class WaitForTask:
    """Woken by the final event of the task, but decides by the stored task."""

    repository: TaskRepository
    queue: Queue

    async def __call__(self, *, task_id: str, timeout: float | None = None) -> Task:
        """Return the task once it has ended, or in its present state after ``timeout`` seconds.

        Raises:
            TaskNotFound: there is none.
        """
        task = await self.repository.get(task_id)
        if task.status.final:
            return task
        try:
            async with asyncio.timeout(timeout):
                async for event in self.queue.events(task_id):
                    if event.kind.final:
                        break
        except TimeoutError:
            pass
        return await self.repository.get(task_id)


_MAX_TRIES = 50
_PAUSE_SECONDS = 0.02


@attrs.frozen(kw_only=True)
class CancelTask:
    """Idempotent: a task that has ended is returned unchanged.

    That a running task is to be cancelled is stored, and then its run is told, if it is one of this process.
    """

    repository: TaskRepository
    running: RunningTasks
    end: EndTask
    clock: Clock
    owner: str

    async def __call__(self, *, task_id: str) -> Task:
        """Return the task: cancelled, already ended, or still running with its cancellation requested.

        Raises:
            TaskNotFound: there is none.
        """
        task = await self.repository.get(task_id)
        while not task.status.final:
            if task.status is TaskStatus.PROCESSING:
                task = await self.repository.request_cancel(task_id)
                if task.status is TaskStatus.PROCESSING:
                    await self._notify(task)
                    return task
            else:
                try:
                    return await self._cancel_waiting(task)
                except StaleTask:
                    task = await self.repository.get(task_id)
        return task

    async def _notify(self, task: Task) -> None:
        """Tell the run of a task of this process; one that was just claimed may start a moment later."""
        for _ in range(_MAX_TRIES):
            run = self.running.get(task.task_id)
            if run is not None:
                run.cancelled.set()
            if run is not None or task.owner != self.owner:
                return
            await self.clock.sleep(_PAUSE_SECONDS)

    async def _cancel_waiting(self, task: Task) -> Task:
        """Cancel a pending task, which may have been requeued after an attempt that reached the provider."""
        now = self.clock.now()
        attempts = await self.repository.attempts(task.task_id)
        cancelled = task.cancel(now, possible_charge=may_be_charged(attempts))
        await self.end(task=cancelled, holder=task.fence, attempts=attempts)
        return cancelled


_UNFINISHED = tuple(status for status in TaskStatus if not status.final)


@attrs.frozen(kw_only=True)
class CancelTasks:
    """Cancels each task as `CancelTask` does; those that are submitted meanwhile are left alone."""

    repository: TaskRepository
    cancel: CancelTask

    async def __call__(self, *, criteria: TaskFilter) -> int:
        """Return how many tasks were cancelled, or while they run were asked to stop.

        Pending ones are cancelled before those that run, whose places they would take otherwise.

        Raises:
            ValidationFailed: ``criteria`` ask for tasks that have ended.
        """
        if criteria.status is not None and criteria.status.final:
            raise ValidationFailed.for_field("status", ProblemCode.NOT_ONE_OF(choices=_UNFINISHED))
        statuses = _UNFINISHED if criteria.status is None else (criteria.status,)
        cancelled = 0
        for status in statuses:
            async for tasks in self._pages(attrs.evolve(criteria, status=status)):
                ended = await asyncio.gather(*(self.cancel(task_id=task.task_id) for task in tasks))
                cancelled += sum(t.status is TaskStatus.CANCELLED or t.cancel_requested for t in ended)
        return cancelled

    async def _pages(self, criteria: TaskFilter) -> AsyncIterator[tuple[Task, ...]]:
        """Yield the tasks that there are now, newest first, in pages."""
        paging = Paging(page=1, page_size=MAX_PAGE_SIZE, after=None)
        while True:
            page = await self.repository.find(criteria, paging)
            if page.items:
                yield page.items
            if not page.has_more:
                return
            paging = attrs.evolve(paging, after=page.last)


@attrs.frozen(kw_only=True)
class ShowUsage:
    """Adds up the tasks that ended in a time."""

    repository: TaskRepository

    async def __call__(
        self,
        *,
        grouping: UsageGrouping,
        since: datetime | None = None,
        until: datetime | None = None,
        zone: tzinfo = UTC,
    ) -> Mapping[str, Usage]:
        """Return the totals of each key, in their order: days as ``2026-11-24``, providers, or models.

        Args:
            grouping: what a key is.
            since: the first moment; all of its quarter of an hour counts.
            until: the moment before which it ends; all of the quarter of an hour that it is in counts.
            zone: the time zone whose days these are.
        """
        first = None if since is None else quarter_of(since)
        last = None if until is None else -(-int(until.timestamp()) // QUARTER_SECONDS) - 1
        if grouping is UsageGrouping.PROVIDER:
            return _sorted(await self.repository.usage(UsageKey.PROVIDER, first=first, last=last))
        if grouping is UsageGrouping.MODEL:
            return _sorted(await self.repository.usage(UsageKey.MODEL, first=first, last=last))
        return await self._by_day(first, last, zone)

    async def _by_day(self, first: int | None, last: int | None, zone: tzinfo) -> dict[str, Usage]:
        span = await self.repository.usage_span()
        if span is None:
            return {}
        first = span[0] if first is None else max(first, span[0])
        last = span[1] if last is None else min(last, span[1])
        calendar = CalendarDays.between(first, last, zone)
        if not calendar.days:
            return {}
        usages = zip(calendar.days, await self.repository.usage_by_interval(calendar.bounds), strict=True)
        return {day.isoformat(): usage for day, usage in usages if usage.tasks}


def _sorted(usages: Mapping[str, Usage]) -> dict[str, Usage]:
    return dict(sorted(usages.items()))


@attrs.frozen(kw_only=True)
class OpenedResponse:
    """A file whose bytes ``read(start, end)`` yields, from start up to end; ``key`` is that of no other."""

    key: str
    size_bytes: int
    read: Callable[[int, int], AsyncIterator[bytes]]


@attrs.frozen(kw_only=True)
class OpenResponse:
    """Counts the files of all attempts, the latest first; of each, its images before the answer itself."""

    repository: TaskRepository
    spool: Spool

    async def __call__(self, *, task_id: str, index: int = 0) -> OpenedResponse:
        """Return the file with this number, from 0; nothing is read yet.

        Raises:
            TaskNotFound: there is no such task.
            ResponseNotKept: so many files were not kept of it, or they were removed after a week.
            StorageError: that cannot be told now.
        """
        await self.repository.get(task_id)
        files = []
        for attempt in reversed(await self.repository.attempts(task_id)):
            for owner in kept_owners(attempt):
                sizes = await self.spool.files(owner)
                names = sorted(sizes, key=lambda name: (not name.startswith("image-"), name))
                files += [(owner, name, sizes[name]) for name in names]
        if not 0 <= index < len(files):
            raise ResponseNotKept(task_id, index)
        owner, name, size = files[index]
        return OpenedResponse(
            key=f"{owner}.{name}",
            size_bytes=size,
            read=lambda start, end: self.spool.chunks(owner, name, start=start, end=end),
        )
