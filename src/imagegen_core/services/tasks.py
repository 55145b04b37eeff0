"""What callers do with tasks: submit, estimate, retry, show, wait, cancel, and sum up costs."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta, tzinfo
from functools import partial
from typing import Any

import attrs

from imagegen_core.attempt import may_be_charged
from imagegen_core.config import ProviderConfig
from imagegen_core.costs import Cost, Usage, UsageGrouping, total
from imagegen_core.errors import (
    BlobMissing,
    ImageNotFound,
    InputNotFound,
    InsufficientStorage,
    InvalidImage,
    ResponseNotKept,
    StaleTask,
    TaskNotFound,
    TaskNotRecallable,
    Unavailable,
    ValidationFailed,
)
from imagegen_core.facts import parse_text
from imagegen_core.images import MAX_IMAGE_BYTES, Image, MediaType
from imagegen_core.messages import ProblemCode, RefusalCode
from imagegen_core.models import Model, canonical, changed, check_operation, check_request
from imagegen_core.ports.batches import OWNER_PREFIX
from imagegen_core.ports.blobs import SpoolOverflow
from imagegen_core.ports.parts import Parts
from imagegen_core.ports.tasks import AddedTask, IdempotencyClaim, TaskFilter
from imagegen_core.ports.tools import ImageRejected, InspectorUnavailable
from imagegen_core.requests import ImageRequest, InputImage, InputRole, Operation
from imagegen_core.running.calls import seal_override
from imagegen_core.running.exchange import kept_folders
from imagegen_core.running.runner import Runner
from imagegen_core.running.storing import hashed
from imagegen_core.search import Page, Paging, pages
from imagegen_core.services.estimates import Choice, Estimates, naming
from imagegen_core.task import (
    FALLBACK,
    RESPONSE_FORMAT,
    WEBHOOK_URL,
    ImageReference,
    InputSource,
    Submission,
    Target,
    Task,
    TaskStatus,
    check_idempotency_key,
)
from imagegen_core.values import QUARTER_SECONDS, CalendarDays, quarter_of

IDEMPOTENCY_LIFETIME = timedelta(hours=24)
_MAX_TRIES = 50
_PAUSE_SECONDS = 0.02
_UNFINISHED = tuple(status for status in TaskStatus if not status.final)


@attrs.frozen(kw_only=True)
class TaskChanges:
    """Changes for a task that is made again; None leaves a thing as it was.

    ``params`` may hold ``prompt``, too; None removes a parameter. Another provider means its default model,
    unless ``model_id`` says which, and is asked once, although the task's fallback may name it.
    """

    params: Mapping[str, Any] = attrs.field(factory=dict)
    provider_name: str | None = None
    model_id: str | None = None
    fallback: tuple[Target, ...] | None = None


@attrs.frozen(kw_only=True)
class InputView:
    """An input; not ``available`` if its stored image is deleted, or what was sent is gone."""

    role: InputRole
    image: InputImage
    available: bool


@attrs.frozen(kw_only=True)
class TaskView:
    """A task as it is shown; ``queue_position`` is 1 for the next task, None if it is not pending.

    ``costs`` of its attempts, certain or possible, are by currency.
    """

    task: Task
    images: tuple[Image, ...]
    inputs: tuple[InputView, ...] = ()
    queue_position: int | None = None
    costs: tuple[Cost, ...] = ()


@attrs.frozen(kw_only=True)
class OpenedFile:
    """A file of a task; ``read(start, end)`` yields its bytes, up to end; no other file has its ``etag``."""

    etag: str
    mime_type: str = "application/octet-stream"
    size_bytes: int
    read: Callable[[int, int], AsyncIterator[bytes]]


@attrs.frozen(kw_only=True)
class Tasks:
    """What callers do with tasks; running them is `Runner`'s."""

    parts: Parts
    estimates: Estimates
    runner: Runner
    owner: str
    queue_size: int

    # ---------------------------------------------------------------- submit

    async def submit(self, submission: Submission) -> AddedTask:
        """Store and queue a task, or return the one that the same idempotency key created.

        A replay comes before all checks of the configuration, which may have changed since. Once this
        returns, the task survives a kill and a power cut. On a `Refusal` nothing is stored.
        """
        submission.check_shape()
        claim = await self._claim(submission)
        if claim is not None and not submission.is_new_key:
            earlier = await self.parts.tasks.replay(claim, now=self.parts.clock.now())
            if earlier is not None:
                return AddedTask(task=earlier, replayed=True)
        task_id = self.parts.new_id()
        try:
            task = await self.new_task(submission, task_id)
            added = await self.parts.tasks.add(task, queue_size=self.queue_size, claim=claim)
        except asyncio.CancelledError:
            raise  # the task may have been stored nevertheless; files without a task are cleaned up later
        except BaseException:  # interrupted too, no task needs the files
            await self.parts.spool.remove(task_id)
            raise
        if added.replayed:
            await self.parts.spool.remove(task_id)
        else:
            await self.parts.queue.wake()
        return added

    async def new_task(self, submission: Submission, task_id: str) -> Task:
        """Check a request as a whole, spool its images, and return its task, which is not stored yet."""
        params = canonical(submission.params)
        (resolved, model), *others = order = await self.estimates.order(submission)
        check_operation(submission.operation, len(submission.references), model)
        request = await self._request(submission, params, task_id)
        for number, (each, its_model) in enumerate(order):
            with naming(number):
                check_request(request, its_model)
                each.provider.split(request, its_model, each.config)
                if each.config.api_base:
                    await self.parts.check_address(each.config.api_base)
        if submission.webhook_url is not None:
            await self.parts.check_webhook(submission.webhook_url)
        if not self.parts.has_room():
            raise InsufficientStorage
        now, override = self.parts.clock.now(), submission.override
        warning = model.warning_on(now.date())
        return Task(
            task_id=task_id,
            request=request,
            provider_name=resolved.config.provider_name,
            model_id=model.id,
            created_at=now,
            config_snapshot=snapshot(resolved.config, model) | _wishes(submission, others),
            override=None if override is None else seal_override(override, self.parts.box, task_id),
            max_retries=resolved.config.retries,
            warnings=() if warning is None else (warning,),
            retry_of=submission.retry_of,
        )

    async def retry(self, task_id: str, *, idempotency_key: str | None = None) -> AddedTask:
        """Make a failed or cancelled task again, under the current configuration; it is paid for again.

        `ValidationFailed`: it neither failed nor was cancelled, or its input images are gone.
        """
        task = await self.parts.tasks.get(task_id)
        if task.status not in (TaskStatus.FAILED, TaskStatus.CANCELLED):
            raise ValidationFailed.for_field("task_id", ProblemCode.NOT_RETRYABLE(status=task.status))
        return await self._again(Submission.again(task, verb="retry", idempotency_key=idempotency_key))

    async def rerun(
        self, task_id: str, changes: TaskChanges, *, idempotency_key: str | None = None
    ) -> AddedTask:
        """Make any task again, with changes; it is paid for again.

        A parameter that another model does not know has to be removed. `ValidationFailed`: its inputs are
        gone.
        """
        task = await self.parts.tasks.get(task_id)
        earlier = Submission.again(task, verb="rerun", idempotency_key=idempotency_key)
        params = dict(changes.params)
        prompt = parse_text(params.pop("prompt", earlier.prompt), "prompt")
        provider_name = changes.provider_name or earlier.provider_name
        kept_model = earlier.model_id if provider_name == earlier.provider_name else None
        kept_fallback = tuple(target for target in earlier.fallback if target.provider_name != provider_name)
        submission = attrs.evolve(
            earlier,
            prompt=prompt,
            params=changed(earlier.params, params),
            provider_name=provider_name,
            model_id=changes.model_id or kept_model,
            fallback=kept_fallback if changes.fallback is None else changes.fallback,
        )
        return await self._again(submission)

    async def _again(self, submission: Submission) -> AddedTask:
        try:
            return await self.submit(submission)
        except (BlobMissing, ImageNotFound) as error:
            raise ValidationFailed.for_field("task_id", ProblemCode.INPUTS_GONE()) from error

    async def of_key(self, key: str, *, scope: str, operations: Sequence[Operation]) -> Task:
        """Return the newest task of an idempotency key, whatever its body was; nothing is started.

        `TaskNotFound`: none has it, or it is too long ago.
        """
        now, tasks = self.parts.clock.now(), []
        with suppress(ValidationFailed):
            check_idempotency_key(key)
            for operation in operations:
                claim = IdempotencyClaim(scope=f"{scope}:{operation}", key=key, expires_at=now)
                task = await self.parts.tasks.replay(claim, now=now)
                if task is not None:
                    tasks.append(task)
        if tasks:
            return max(tasks, key=lambda task: task.task_id)
        raise TaskNotFound(key)

    async def _claim(self, submission: Submission) -> IdempotencyClaim | None:
        if submission.idempotency_key is None:
            return None
        return IdempotencyClaim(
            scope=f"{submission.idempotency_scope}:{submission.operation}",
            key=submission.idempotency_key,
            body_sha256=await submission.digest(),
            expires_at=self.parts.clock.now() + IDEMPOTENCY_LIFETIME,
        )

    async def _request(self, submission: Submission, params: dict[str, Any], task_id: str) -> ImageRequest:
        references = [
            await self._input(source, f"reference_images.{i}", task_id, f"reference-{i}")
            for i, source in enumerate(submission.references)
        ]
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
            references=tuple(references),
            image=image,
            mask=mask,
        )

    async def _input(self, source: InputSource, field: str, task_id: str, name: str) -> InputImage:
        if isinstance(source, InputImage):
            return await self._copied(source, task_id, name)
        if isinstance(source, ImageReference):
            chunks = partial(self.parts.blobs.open, (await self.parts.images.get(source.id)).blob_key)
        else:
            chunks = partial(_pieces, source)
        digest = hashlib.sha256()
        try:
            chunks_read = hashed(chunks(), digest)
            size = await self.parts.spool.put(task_id, name, chunks_read, max_bytes=MAX_IMAGE_BYTES)
            inspection = await self.parts.inspect(chunks())
        except SpoolOverflow as error:
            raise InvalidImage(field, ProblemCode.TOO_MANY_BYTES(maximum=MAX_IMAGE_BYTES)) from error
        except ImageRejected as error:
            raise InvalidImage(field, error.reason) from error
        except InspectorUnavailable as error:
            raise Unavailable(RefusalCode.IMAGE_NOT_CHECKED(field=field, reason=error.reason)) from error
        if inspection.mime_type is MediaType.SVG:
            raise InvalidImage(field, ProblemCode.SVG_INPUT())
        return InputImage(
            key=f"{task_id}/{name}",
            mime_type=inspection.mime_type,
            width=inspection.width,
            height=inspection.height,
            size_bytes=size,
            sha256=digest.hexdigest(),
            image_id=source.id if isinstance(source, ImageReference) else None,
        )

    async def _copied(self, source: InputImage, task_id: str, name: str) -> InputImage:
        """Copy an input of an earlier task; raise `BlobMissing` or `ImageNotFound` if it is gone."""
        try:
            chunks = self.parts.spool.chunks(*source.place)
            await self.parts.spool.put(task_id, name, chunks, max_bytes=MAX_IMAGE_BYTES)
        except BlobMissing:
            if source.image_id is None:
                raise
            chunks = self.parts.blobs.open((await self.parts.images.get(source.image_id)).blob_key)
            await self.parts.spool.put(task_id, name, chunks, max_bytes=MAX_IMAGE_BYTES)
        return attrs.evolve(source, key=f"{task_id}/{name}")

    # ---------------------------------------------------------------- show

    async def show(self, task_id: str) -> TaskView:
        return await self.view(await self.parts.tasks.get(task_id))

    async def list(self, criteria: TaskFilter, paging: Paging) -> Page[TaskView]:
        page = await self.parts.tasks.find(criteria, paging)
        return page.with_items(await self.views(page.items))

    async def view(self, task: Task) -> TaskView:
        (view,) = await self.views((task,))
        return view

    async def views(self, tasks: Sequence[Task]) -> tuple[TaskView, ...]:
        started = [task.task_id for task in tasks if task.started_at is not None]
        costs = await self.parts.tasks.costs(started) if started else {}
        inputs = {task.task_id: task.request.inputs_with_roles for task in tasks if task.request.inputs}
        images = [image for pairs in inputs.values() for _, image in pairs]
        folders = {image.place[0] for image in images if image.image_id is None}
        image_ids = {image.image_id for image in images if image.image_id is not None}
        present = await self.parts.spool.holds(folders) if folders else frozenset()
        existing = await self.parts.images.existing(image_ids) if image_ids else frozenset()

        def view_of_input(role: InputRole, image: InputImage) -> InputView:
            available = image.place[0] in present if image.image_id is None else image.image_id in existing
            return InputView(role=role, image=image, available=available)

        async def view(task: Task) -> TaskView:
            is_pending = task.status is TaskStatus.PENDING
            return TaskView(
                task=task,
                images=() if task.started_at is None else await self.parts.images.of_task(task.task_id),
                inputs=tuple(view_of_input(*pair) for pair in inputs.get(task.task_id, ())),
                queue_position=await self.parts.queue.position(task.task_id) if is_pending else None,
                costs=total(costs.get(task.task_id, ())),
            )

        return tuple(await asyncio.gather(*map(view, tasks)))

    async def open_input(self, task_id: str, index: int) -> OpenedFile:
        """Open the task's input with this number, from 0; `InputNotFound` if its bytes are gone."""
        inputs = (await self.parts.tasks.get(task_id)).request.inputs
        if not 0 <= index < len(inputs):
            raise InputNotFound(task_id, index)
        image = inputs[index]
        folder, name = image.place
        try:
            if image.image_id is not None:
                read = partial(self.parts.blobs.open, (await self.parts.images.get(image.image_id)).blob_key)
            elif folder in await self.parts.spool.holds([folder]):
                read = partial(self.parts.spool.chunks, folder, name)
            else:
                raise BlobMissing(image.key)
        except (BlobMissing, ImageNotFound) as error:
            raise InputNotFound(task_id, index) from error
        return OpenedFile(
            etag=image.sha256,
            mime_type=image.mime_type,
            size_bytes=image.size_bytes,
            read=lambda start, end: read(start=start, end=end),
        )

    async def open_response(self, task_id: str, index: int = 0) -> OpenedFile:
        """Open a kept answer of the task's calls that was paid for and of no use; nothing is read yet.

        ``index`` counts the files of all attempts from 0, latest first, images before the answer. They are
        kept for a week; after it, `ResponseNotKept`.
        """
        await self.parts.tasks.get(task_id)
        files = []
        for attempt in reversed(await self.parts.tasks.attempts(task_id)):
            for folder in kept_folders(attempt):
                sizes = await self.parts.spool.files(folder)
                names = sorted(sizes, key=lambda name: (not name.startswith("image-"), name))
                files += [(folder, name, sizes[name]) for name in names]
        if not 0 <= index < len(files):
            raise ResponseNotKept(task_id, index)
        folder, name, size = files[index]
        return OpenedFile(
            etag=f"{folder}.{name}.{size}",
            size_bytes=size,
            read=lambda start, end: self.parts.spool.chunks(folder, name, start=start, end=end),
        )

    async def wait(self, task_id: str, *, timeout: float | None = None) -> Task:
        """Return the task once it has ended, or in its present state after ``timeout`` seconds."""
        return (await self.outcome(task_id, timeout=timeout))[0]

    async def outcome(
        self, task_id: str, *, timeout: float | None, is_new: bool = False
    ) -> tuple[Task, tuple[Image, ...] | None]:
        """Like `wait`, with the images if it ended here; one that ``is_new`` is read within a second."""
        with suppress(TimeoutError), self.parts.queue.follow(task_id) as changed:
            async with asyncio.timeout(timeout):
                if is_new:  # it may have ended before it was followed
                    asyncio.get_running_loop().call_later(1, changed.set)
                    await changed.wait()
                while True:
                    changed.clear()
                    run = self.runner.runs.get(task_id)
                    if run is not None and run.task.status.final:
                        return run.task, run.images if len(run.attempts) == 1 else None  # in order
                    task = await self.parts.tasks.get(task_id)
                    if task.status.final:
                        return task, None
                    await changed.wait()
        return await self.parts.tasks.get(task_id), None

    # ---------------------------------------------------------------- cancel

    async def cancel(self, task_id: str) -> Task:
        """Cancel a task: a pending one at once, a running one as far as its provider allows.

        One that was sent in a batch job is refused as `TaskNotRecallable`.

        For a running one the request is stored, then its run is told, if in this process. An ended one stays.
        """
        task = await self.parts.tasks.get(task_id)
        while not task.status.final:
            waits_for_job = task.owner == OWNER_PREFIX
            if not waits_for_job and (task.owner or "").startswith(OWNER_PREFIX):
                raise TaskNotRecallable(task_id)
            if task.status is TaskStatus.PROCESSING and not waits_for_job:
                task = await self.parts.tasks.request_cancel(task_id)
                if task.status is TaskStatus.PROCESSING:
                    await self._notify(task)
                    return task
                continue
            # It may have been requeued after an attempt that reached the provider.
            attempts = await self.parts.tasks.attempts(task_id)
            cancelled = task.cancel(self.parts.clock.now(), possible_charge=may_be_charged(attempts))
            with suppress(StaleTask):
                await self.runner.end(cancelled, task.fence, attempts)
                return cancelled
            task = await self.parts.tasks.get(task_id)
        return task

    async def cancel_all(self, criteria: TaskFilter) -> int:
        """Cancel all tasks of a filter, and return how many were, or were asked to stop.

        Pending ones come before running ones, whose places they would take otherwise.
        """
        if criteria.status is not None and criteria.status.final:
            raise ValidationFailed.for_field("status", ProblemCode.NOT_ONE_OF(choices=_UNFINISHED))
        count = 0
        for status in _UNFINISHED if criteria.status is None else (criteria.status,):
            async for page in pages(partial(self.parts.tasks.find, attrs.evolve(criteria, status=status))):
                ended = await asyncio.gather(*(self._cancelled(task) for task in page.items))
                count += sum(task.status is TaskStatus.CANCELLED or task.cancel_requested for task in ended)
        return count

    async def _cancelled(self, task: Task) -> Task:
        try:
            return await self.cancel(task.task_id)
        except TaskNotRecallable:
            return task

    async def _notify(self, task: Task) -> None:
        """Tell the task's run in this process; after a claim it may start a moment later."""
        for _ in range(_MAX_TRIES):
            run = self.runner.runs.get(task.task_id)
            if run is not None:
                run.cancelled.set()
            if run is not None or task.owner != self.owner:
                return
            await self.parts.clock.sleep(_PAUSE_SECONDS)

    # ---------------------------------------------------------------- usage

    async def usage(
        self,
        grouping: UsageGrouping,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        zone: tzinfo = UTC,
    ) -> Mapping[str, Usage]:
        """Return totals by key, in order: days as ``2026-11-24`` in ``zone``, providers, or models.

        The quarters of an hour of ``since`` and ``until`` count whole.
        """
        first = None if since is None else quarter_of(since)
        last = None if until is None else -(-int(until.timestamp()) // QUARTER_SECONDS) - 1
        if grouping is not UsageGrouping.DAY:
            return dict(sorted((await self.parts.tasks.usage(grouping, first=first, last=last)).items()))
        span = await self.parts.tasks.usage_span()
        if span is None:
            return {}
        first = span[0] if first is None else max(first, span[0])
        last = span[1] if last is None else min(last, span[1])
        calendar = CalendarDays.between(first, last, zone)
        if not calendar.days:
            return {}
        usages = zip(calendar.days, await self.parts.tasks.usage_by_interval(calendar.bounds), strict=True)
        return {day.isoformat(): usage for day, usage in usages if usage.tasks}


def snapshot(config: ProviderConfig, model: Model) -> dict[str, Any]:
    """Return the configuration under which a task is accepted, without secrets."""
    return {
        "api_base": config.api_base,
        "api_key": None if config.api_key is None else config.api_key.masked,
        "model_id": model.id,
        "timeout_seconds": config.timeout,
        "max_retries": config.retries,
        "source": str(config.source),
    }


def _wishes(submission: Submission, others: Sequence[Choice]) -> dict[str, Any]:
    """Return what a task remembers of its caller's wishes; ``others`` are to be asked after the first."""
    url = submission.webhook_url
    fallback = [
        snapshot(each.config, model) | {"provider": each.config.provider_name} for each, model in others
    ]
    wishes = {
        RESPONSE_FORMAT: submission.response_format,
        WEBHOOK_URL: url and url.strip(),
        FALLBACK: fallback or None,
    }
    return {name: value for name, value in wishes.items() if value is not None}


async def _pieces(data: bytes, size: int = 256 * 1024) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]
        await asyncio.sleep(0)  # a consumer that never blocks would otherwise starve the event loop
