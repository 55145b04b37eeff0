"""The façade, for the service and for a program that imports the library."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Self

from imagegen_core.config import ProviderConfig
from imagegen_core.facade.adapters import Adapters
from imagegen_core.facade.limits import Limits
from imagegen_core.facade.use_cases import UseCases
from imagegen_core.images import Image
from imagegen_core.limits import DEFAULT_BEAT_SECONDS, DEFAULT_KEEP_INPUTS
from imagegen_core.operations import Operation
from imagegen_core.policies import RetryPolicy
from imagegen_core.running.worker import Node, Worker
from imagegen_core.task import InputSource, Submission, Task


class ImageGen(UseCases):
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
        super().__init__(
            adapters,
            limits=limits,
            file_configs=file_configs,
            retry=retry,
            owner=owner,
            on_change=on_change,
            keep_inputs=keep_inputs,
        )
        self._entered = False
        self._runs_tasks = runs_tasks
        self.node = Node(
            name=self.owner,
            nodes=adapters.nodes,
            resume=self.resume_tasks if runs_tasks else None,
            running=self.running,
            beat_seconds=beat_seconds,
        )
        self.worker = Worker(
            queue=adapters.queue,
            run_task=self.run_task,
            slots=self.slots,
            concurrency=self.resolve.concurrency,
            has_room=adapters.has_room,
            clock=adapters.clock,
            owner=self.owner,
            size=self.limits.workers,
        )

    async def __aenter__(self) -> Self:
        if self._entered:
            raise RuntimeError("an ImageGen is entered once; build another one over the same adapters")
        self._entered = True
        if self._runs_tasks:
            await self.adapters.queue.wake(locked=True)
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
