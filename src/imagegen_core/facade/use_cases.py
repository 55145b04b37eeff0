"""Every use case over one set of adapters; read it from top to bottom."""

import random
from collections.abc import Callable, Mapping

import attrs

from imagegen_core.config import ConfigSource, ProviderConfig
from imagegen_core.facade.adapters import Adapters
from imagegen_core.facade.limits import Limits
from imagegen_core.limits import DEFAULT_KEEP_INPUTS
from imagegen_core.policies import RetryPolicy
from imagegen_core.resolving import ProviderKinds, ResolveProvider
from imagegen_core.running.calls import PlanCalls, RunAttempt, SendCall
from imagegen_core.running.exchange import PartialImages
from imagegen_core.running.runner import EndTask, InterruptTask, RunTask
from imagegen_core.running.slots import ProviderSlots, RunningTasks
from imagegen_core.running.storing import StoreImage, StoreImages, StoreResult
from imagegen_core.running.worker import ResumeTasks
from imagegen_core.services.gallery import (
    CreateCollection,
    DeleteImage,
    DeleteImages,
    ListImageDays,
    MarkImage,
    MarkImages,
    RenameCollection,
    ShowImage,
    ShowThumbnail,
    ZipImages,
)
from imagegen_core.services.providers import ListProviders, ProbeProvider, SaveProvider, ToggleProvider
from imagegen_core.services.tasks import (
    CancelTask,
    CancelTasks,
    EstimateCost,
    ListTasks,
    OpenInput,
    OpenResponse,
    RerunTask,
    RetryTask,
    ShowInputs,
    ShowTask,
    ShowUsage,
    SubmitTask,
    WaitForTask,
)


class UseCases:
    """Each use case is a callable attribute; the arguments are those of `ImageGen`."""

    def __init__(
        self,
        adapters: Adapters,
        *,
        limits: Limits | None = None,
        file_configs: Mapping[str, ProviderConfig] | None = None,
        retry: RetryPolicy | None = None,
        owner: str | None = None,
        on_change: Callable[[], object] = lambda: None,
        keep_inputs: bool = DEFAULT_KEEP_INPUTS,
    ) -> None:
        a = self.adapters = adapters
        self.limits = limits or Limits()
        self.owner = owner or a.new_id()
        self.partial_images = PartialImages()
        self.running = RunningTasks(repository=a.tasks, queue=a.queue, on_change=on_change)
        self.slots = ProviderSlots(default_limit=self.limits.workers, places=a.slots, node=self.owner)
        self.resolve = self._resolve(file_configs or {})
        self.submit_task = SubmitTask(
            resolve=self.resolve,
            repository=a.tasks,
            queue=a.queue,
            records=a.images,
            blobs=a.blobs,
            spool=a.spool,
            inspect=a.inspect,
            guard=a.guard,
            box=a.box,
            has_room=a.has_room,
            clock=a.clock,
            new_id=a.new_id,
            queue_size=self.limits.queue_size,
        )
        self.show_inputs = ShowInputs(spool=a.spool, lineage=a.lineage)
        self.open_input = OpenInput(repository=a.tasks, records=a.images, blobs=a.blobs, spool=a.spool)
        self.open_response = OpenResponse(repository=a.tasks, spool=a.spool)
        self.show_task = ShowTask(
            repository=a.tasks, records=a.images, queue=a.queue, inputs=self.show_inputs
        )
        self.list_tasks = ListTasks(repository=a.tasks, show=self.show_task)
        self.show_usage = ShowUsage(repository=a.tasks)
        self.estimate_cost = EstimateCost(resolve=self.resolve)
        end = EndTask(
            repository=a.tasks, queue=a.queue, records=a.images, spool=a.spool, keep_inputs=keep_inputs
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
        self.wait_for_task = WaitForTask(repository=a.tasks, queue=a.queue)
        self.show_image = ShowImage(records=a.images, timeline=a.timeline, lineage=a.lineage)
        self.zip_images = ZipImages(records=a.images, blobs=a.blobs)
        self.list_image_days = ListImageDays(timeline=a.timeline)
        self.show_thumbnail = ShowThumbnail(records=a.images, blobs=a.blobs, inspect=a.inspect)
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

    def _resolve(self, file_configs: Mapping[str, ProviderConfig]) -> ResolveProvider:
        a = self.adapters
        kinds = ProviderKinds(adapters=a.providers)
        for config in file_configs.values():
            kinds.check(config.kind, config.extra_config)
        return ResolveProvider(
            configs=a.configs,
            file_configs={
                name: attrs.evolve(config, source=ConfigSource.FILE) for name, config in file_configs.items()
            },
            default_provider=self.limits.default_provider,
            kinds=kinds,
            redactor=a.redactor,
            clock=a.clock,
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
                        inspect=a.inspect,
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
            queue=a.queue,
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
