"""This process among those that work on the same tasks."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial

from imagegen_core.errors import ImagegenError
from imagegen_core.execution.running_tasks import RunningTasks
from imagegen_core.limits import DEFAULT_BEAT_SECONDS
from imagegen_core.ports.nodes import Nodes
from imagegen_core.use_cases.resume_tasks import ResumeTasks

_log = logging.getLogger(__name__)


class Node:
    """Shows that the process is alive, resumes tasks that nobody runs, and hears of cancellations elsewhere.

    It does so every ``beat_seconds``, from its start until its stop. Without ``resume`` it runs no tasks, and
    only shows that it is alive.
    """

    def __init__(
        self,
        *,
        name: str,
        nodes: Nodes,
        resume: ResumeTasks | None,
        running: RunningTasks,
        beat_seconds: float = DEFAULT_BEAT_SECONDS,
    ) -> None:
        self._name = name
        self._beat_seconds = beat_seconds
        self._nodes = nodes
        self._resume = resume
        self._running = running
        self._cancellation = asyncio.Event()
        self._loops: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Join, and resume what an earlier process left unfinished, before anything is claimed."""
        await self._nodes.join(self._name)
        # Apart, since a beat must not wait for a long list of tasks.
        acts: list[tuple[Callable[[], Awaitable[object]], str, asyncio.Event]] = [
            (partial(self._nodes.beat, self._name), "a beat failed", asyncio.Event())
        ]
        if self._resume is not None:
            resume = partial(self._resume, owner=self._name)
            await resume()
            acts += [
                (resume, "no orphans could be resumed", asyncio.Event()),
                (
                    self._running.notice_cancellations,
                    "no cancellations could be looked for",
                    self._cancellation,
                ),
            ]
        self._loops = [asyncio.create_task(self._repeat(*act), name=act[1]) for act in acts]

    async def stop(self) -> None:
        """Leave: what this process still has is for others from now on. A second call does nothing."""
        if not self._loops:
            return
        loops, self._loops = self._loops, []
        for loop in loops:
            loop.cancel()
        await asyncio.gather(*loops, return_exceptions=True)
        try:
            await self._nodes.leave(self._name)
        except ImagegenError as error:
            _log.warning("other nodes will notice late that this one is gone", extra={"reason": str(error)})

    def look_for_cancellation(self, task_id: str) -> None:
        """Look now, not at the next beat, whether the cancellation of a task was requested at another node.

        An empty id stands for all tasks. Nothing happens if this node does not run the task.
        """
        if not task_id or task_id in self._running.task_ids:
            self._cancellation.set()

    async def _repeat(self, act: Callable[[], Awaitable[object]], failure: str, hint: asyncio.Event) -> None:
        """Repeat it for good, sooner after a hint; log ``failure`` with whatever it raises."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._beat_seconds):
                    await hint.wait()
            hint.clear()
            try:
                await act()
            except ImagegenError as error:
                _log.warning(failure, extra={"reason": str(error)})
            except Exception:  # noqa: BLE001 - logged, and tried again
                _log.exception(failure)
