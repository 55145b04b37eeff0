"""The façade: all use cases over one set of adapters, for a program that imports the library."""

import asyncio
import random
from collections.abc import Callable, Mapping
from typing import Any, Self

import attrs

from imagegen_core.errors import ValidationFailed
from imagegen_core.execution.partial_images import PartialImages
from imagegen_core.execution.provider_kinds import ProviderKinds
from imagegen_core.execution.provider_slots import ProviderSlots
from imagegen_core.execution.running_tasks import RunningTasks
from imagegen_core.images import Image
from imagegen_core.limits import (
    DEFAULT_BEAT_SECONDS,
    DEFAULT_KEEP_INPUTS,
    DEFAULT_PROVIDER,
    DEFAULT_QUEUE_SIZE,
    DEFAULT_SHUTDOWN_GRACE_SECONDS,
    DEFAULT_WORKERS,
    MAX_QUEUE_SIZE,
    MAX_WORKERS,
)
from imagegen_core.node import Node
from imagegen_core.operations import Operation
from imagegen_core.ports.blob_store import BlobStore
from imagegen_core.ports.clock import Clock
from imagegen_core.ports.disk_space import DiskSpace
from imagegen_core.ports.event_bus import EventBus
from imagegen_core.ports.idempotency_keys import IdempotencyKeys
from imagegen_core.ports.image_inspector import ImageInspector
from imagegen_core.ports.image_label import ImageLabel
from imagegen_core.ports.image_marks import ImageMarks
from imagegen_core.ports.image_records import ImageRecords
from imagegen_core.ports.image_timeline import ImageTimeline
from imagegen_core.ports.lineage import Lineage
from imagegen_core.ports.nodes import Nodes
from imagegen_core.ports.provider import Provider
from imagegen_core.ports.provider_configs import ProviderConfigs
from imagegen_core.ports.queue import Queue
from imagegen_core.ports.redactor import Redactor
from imagegen_core.ports.secret_box import SecretBox
from imagegen_core.ports.slots import Slots
from imagegen_core.ports.spool import Spool
from imagegen_core.ports.task_feed import TaskFeed
from imagegen_core.ports.task_repository import TaskRepository
from imagegen_core.ports.upstream_guard import UpstreamGuard
from imagegen_core.ports.usage_ledger import UsageLedger
from imagegen_core.providers.config import ConfigSource, ProviderConfig
from imagegen_core.providers.config_checks import check_provider_name
from imagegen_core.search.folding import Simplify
from imagegen_core.tasks.policies import RetryPolicy
from imagegen_core.tasks.submission import InputSource, Submission
from imagegen_core.tasks.task import Task
from imagegen_core.use_cases.cancel_task import CancelTask
from imagegen_core.use_cases.cancel_tasks import CancelTasks
from imagegen_core.use_cases.configure_provider import SaveProvider, ToggleProvider
from imagegen_core.use_cases.delete_image import DeleteImage
from imagegen_core.use_cases.delete_images import DeleteImages
from imagegen_core.use_cases.end_task import EndTask
from imagegen_core.use_cases.estimate_cost import EstimateCost
from imagegen_core.use_cases.interrupt_task import InterruptTask
from imagegen_core.use_cases.list_image_days import ListImageDays
from imagegen_core.use_cases.list_providers import ListProviders, ProbeProvider
from imagegen_core.use_cases.mark_images import MarkImage, MarkImages
from imagegen_core.use_cases.name_collection import CreateCollection, RenameCollection
from imagegen_core.use_cases.open_input import OpenInput
from imagegen_core.use_cases.plan_calls import PlanCalls
from imagegen_core.use_cases.rerun_task import RerunTask
from imagegen_core.use_cases.resolve_provider import ResolveProvider
from imagegen_core.use_cases.resume_tasks import ResumeTasks
from imagegen_core.use_cases.retry_task import RetryTask
from imagegen_core.use_cases.run_attempt import RunAttempt
from imagegen_core.use_cases.run_task import RunTask
from imagegen_core.use_cases.send_call import SendCall
from imagegen_core.use_cases.show_image import ShowImage
from imagegen_core.use_cases.show_inputs import ShowInputs
from imagegen_core.use_cases.show_task import ListTasks, ShowTask
from imagegen_core.use_cases.show_thumbnail import ShowThumbnail
from imagegen_core.use_cases.show_usage import ShowUsage
from imagegen_core.use_cases.store_image import StoreImage
from imagegen_core.use_cases.store_images import StoreImages
from imagegen_core.use_cases.store_result import StoreResult
from imagegen_core.use_cases.submit_task import SubmitTask
from imagegen_core.use_cases.wait_for_task import WaitForTask
from imagegen_core.use_cases.zip_images import ZipImages
from imagegen_core.worker import Worker


@attrs.frozen(kw_only=True)
class Adapters:
    """One adapter for every port.

    ``providers`` are by kind; ``simplify`` is used by the search; without a ``label`` images stay unchanged.
    """

    tasks: TaskRepository
    idempotency_keys: IdempotencyKeys
    queue: Queue
    nodes: Nodes
    slots: Slots
    images: ImageRecords
    timeline: ImageTimeline
    marks: ImageMarks
    lineage: Lineage
    usage: UsageLedger
    configs: ProviderConfigs
    blobs: BlobStore
    spool: Spool
    inspector: ImageInspector
    events: EventBus
    feed: TaskFeed
    guard: UpstreamGuard
    box: SecretBox
    disk: DiskSpace
    clock: Clock
    providers: Mapping[str, Provider]
    redactor: Redactor
    new_id: Callable[[], str]
    simplify: Simplify = str
    label: ImageLabel | None = None


@attrs.frozen(kw_only=True)
class Limits:
    """Limits that an operator can set: 1 to a million pending tasks, 1 to a thousand workers, a grace time.

    ``default_provider`` is where a task goes that names none.

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


class ImageGen:
    """Submit, wait, read the bytes.

    Use it as an ``async with`` block, once: entering resumes what an earlier process left unfinished and
    starts the workers; leaving lets running calls finish within the grace time. Outside the block nothing
    runs: tasks that are submitted wait for the next instance over the same adapters.

    ``file_configs`` are the operator's layer, as ``config.yaml`` is for the service: only they may use
    credentials of the machine, such as Google's.

    Each use case is a callable attribute, shared by the service and programs. ``on_change`` is called after
    each change of the stored images. Where several processes work on the same tasks, each shows every
    ``beat_seconds`` that it is alive, and looks for what concerns it.

    Unless ``runs_tasks``, entering only shows that it is alive: other processes run what it accepts.

    With ``keep_inputs`` the input images that callers send are kept for as long as their tasks.
    """

    def __init__(
        self,
        adapters: Adapters,
        *,
        limits: Limits | None = None,
        file_configs: Mapping[str, ProviderConfig] | None = None,
        retry: RetryPolicy | None = None,
        owner: str | None = None,
        beat_seconds: float = DEFAULT_BEAT_SECONDS,
        on_change: Callable[[], object] = lambda: None,
        runs_tasks: bool = True,
        keep_inputs: bool = DEFAULT_KEEP_INPUTS,
    ) -> None:
        a = self.adapters = adapters
        self.limits = limits or Limits()
        self.owner = owner or a.new_id()
        self._entered = False
        self._runs_tasks = runs_tasks
        self.partial_images = PartialImages()
        self.running = RunningTasks(repository=a.tasks, events=a.events, on_change=on_change)
        self.slots = ProviderSlots(default_limit=self.limits.workers, places=a.slots, node=self.owner)
        kinds = ProviderKinds(adapters=a.providers)
        for config in (file_configs or {}).values():
            kinds.check(config.kind, config.extra_config)
        self.resolve = ResolveProvider(
            configs=a.configs,
            file_configs={
                name: attrs.evolve(config, source=ConfigSource.FILE)
                for name, config in (file_configs or {}).items()
            },
            kinds=kinds,
            redactor=a.redactor,
        )
        self.submit_task = SubmitTask(
            resolve=self.resolve,
            repository=a.tasks,
            idempotency_keys=a.idempotency_keys,
            queue=a.queue,
            records=a.images,
            blobs=a.blobs,
            spool=a.spool,
            inspector=a.inspector,
            guard=a.guard,
            box=a.box,
            disk=a.disk,
            clock=a.clock,
            new_id=a.new_id,
            queue_size=self.limits.queue_size,
            default_provider=self.limits.default_provider,
        )
        self.show_inputs = ShowInputs(spool=a.spool, lineage=a.lineage)
        self.open_input = OpenInput(repository=a.tasks, records=a.images, blobs=a.blobs, spool=a.spool)
        self.show_task = ShowTask(
            repository=a.tasks, records=a.images, queue=a.queue, ledger=a.usage, inputs=self.show_inputs
        )
        self.list_tasks = ListTasks(repository=a.tasks, show=self.show_task)
        self.show_usage = ShowUsage(ledger=a.usage)
        self.estimate_cost = EstimateCost(resolve=self.resolve, default_provider=self.limits.default_provider)
        end = EndTask(
            repository=a.tasks, events=a.events, records=a.images, spool=a.spool, keep_inputs=keep_inputs
        )
        self.cancel_task = CancelTask(
            repository=a.tasks, running=self.running, end=end, clock=a.clock, owner=self.owner
        )
        self.cancel_tasks = CancelTasks(repository=a.tasks, cancel=self.cancel_task)
        self.retry_task = RetryTask(repository=a.tasks, submit=self.submit_task)
        self.rerun_task = RerunTask(repository=a.tasks, submit=self.submit_task)
        self.resume_tasks = ResumeTasks(
            repository=a.tasks, queue=a.queue, nodes=a.nodes, running=self.running, end=end, clock=a.clock
        )
        self.wait_for_task = WaitForTask(repository=a.tasks, events=a.events)
        self.show_image = ShowImage(records=a.images, timeline=a.timeline, lineage=a.lineage)
        self.zip_images = ZipImages(records=a.images, blobs=a.blobs)
        self.list_image_days = ListImageDays(timeline=a.timeline)
        self.show_thumbnail = ShowThumbnail(records=a.images, blobs=a.blobs, inspector=a.inspector)
        self.delete_image = DeleteImage(records=a.images, blobs=a.blobs, on_change=on_change)
        self.delete_images = DeleteImages(records=a.images, on_change=on_change)
        self.mark_images = MarkImages(marks=a.marks)
        self.mark_image = MarkImage(mark_images=self.mark_images, records=a.images)
        self.create_collection = CreateCollection(marks=a.marks, clock=a.clock)
        self.rename_collection = RenameCollection(marks=a.marks)
        self.save_provider = SaveProvider(
            configs=a.configs, resolve=self.resolve, guard=a.guard, box=a.box, clock=a.clock
        )
        self.toggle_provider = ToggleProvider(configs=a.configs, clock=a.clock)
        self.list_providers = ListProviders(resolve=self.resolve)
        self.probe_provider = ProbeProvider(resolve=self.resolve, redactor=a.redactor)
        self.run_task = self._run_task(retry or RetryPolicy(), end)
        self.node = Node(
            name=self.owner,
            nodes=a.nodes,
            resume=self.resume_tasks if runs_tasks else None,
            running=self.running,
            beat_seconds=beat_seconds,
        )
        self.worker = Worker(
            queue=a.queue,
            run_task=self.run_task,
            slots=self.slots,
            concurrency=self.resolve.concurrency,
            disk=a.disk,
            clock=a.clock,
            owner=self.owner,
            size=self.limits.workers,
        )

    def _run_task(self, retry: RetryPolicy, end: EndTask) -> RunTask:
        a = self.adapters
        plan = PlanCalls(resolve=self.resolve, box=a.box)
        run_attempt = RunAttempt(
            plan=plan,
            send=SendCall(clock=a.clock, box=a.box),
            store_result=StoreResult(
                store_images=StoreImages(
                    store_image=StoreImage(
                        blobs=a.blobs,
                        inspector=a.inspector,
                        clock=a.clock,
                        redactor=a.redactor,
                        label=a.label,
                    ),
                    blobs=a.blobs,
                ),
                records=a.images,
                clock=a.clock,
                redactor=a.redactor,
            ),
            spool=a.spool,
            events=a.events,
            partial_images=self.partial_images,
            clock=a.clock,
            redactor=a.redactor,
            new_id=a.new_id,
        )
        return RunTask(
            plan=plan,
            run_attempt=run_attempt,
            repository=a.tasks,
            queue=a.queue,
            end=end,
            interrupt=InterruptTask(repository=a.tasks, queue=a.queue, clock=a.clock, end=end),
            clock=a.clock,
            running=self.running,
            slots=self.slots,
            retry=retry,
            random=random.random,
        )

    async def __aenter__(self) -> Self:
        if self._entered:
            raise RuntimeError("an ImageGen is entered once; build another one over the same adapters")
        self._entered = True
        if self._runs_tasks:
            await self.adapters.queue.release_locked()
        await self.node.start()
        if self._runs_tasks:
            self.worker.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def stop(self, *, force: asyncio.Event | None = None) -> None:
        """Claim nothing more and let running calls finish within the grace time, or until ``force`` is set.

        The state of tasks that still run then is stored: upstream jobs are resumed at the next start,
        requests in flight end as ``outcome_unknown``. A second call does nothing.
        """
        await self.worker.stop(grace_seconds=self.limits.shutdown_grace_seconds, force=force)
        await self.node.stop()

    async def submit(
        self,
        prompt: str = "",
        *,
        operation: Operation = Operation.GENERATE,
        provider: str | None = None,
        model: str | None = None,
        references: tuple[InputSource, ...] = (),
        image: InputSource | None = None,
        mask: InputSource | None = None,
        idempotency_key: str | None = None,
        **params: Any,
    ) -> Task:
        """Queue a request and return its task, which is durable when this returns.

        ``params`` are the model's parameters, such as ``num=2, width=1024, height=768, seed=7``.

        Raises:
            Refusal: the request is turned down; then nothing is stored or sent.
        """
        submission = Submission(
            operation=operation,
            prompt=prompt,
            params=params,
            provider_name=provider,
            model_id=model,
            references=references,
            image=image,
            mask=mask,
            idempotency_key=idempotency_key,
        )
        return (await self.submit_task(submission)).task

    async def wait(self, task_id: str, *, timeout: float | None = None) -> Task:
        """Return the task once it has ended, or in its present state after ``timeout`` seconds.

        Raises:
            TaskNotFound: there is none.
        """
        return await self.wait_for_task(task_id=task_id, timeout=timeout)

    async def images(self, task_id: str) -> tuple[Image, ...]:
        """Return the records of the images that a task yielded, in order."""
        return await self.adapters.images.by_task(task_id)

    async def read_input(self, task_id: str, index: int) -> bytes:
        """Return the bytes of a task's input image, by its number among all of them, from 0.

        Raises:
            TaskNotFound: there is no such task.
            InputNotFound: it has no such input, or its bytes are no longer there.
        """
        opened = await self.open_input(task_id=task_id, index=index)
        return b"".join([chunk async for chunk in opened.read(0, opened.image.size_bytes)])

    async def read(self, image: Image) -> bytes:
        """Return an image's bytes, exactly as the provider sent them except for a label.

        Raises:
            BlobMissing: no store has the bytes.
            StorageUnreachable: the store that has them does not respond now.
        """
        return b"".join([chunk async for chunk in self.adapters.blobs.open(image.blob_key)])
