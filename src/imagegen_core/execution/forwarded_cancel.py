"""A caller's wish to cancel, on its way to the provider."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from imagegen_core.execution.running_tasks import RunningTask
from imagegen_core.ports.provider import Provider, ProviderCall
from imagegen_core.tasks.attempt import UpstreamJob

_log = logging.getLogger(__name__)


@asynccontextmanager
async def forwarded_cancel(
    run: RunningTask, provider: Provider, call: ProviderCall, job: UpstreamJob | None
) -> AsyncIterator[None]:
    """Pass a caller's cancelling on to the provider, once, while the body waits for it."""

    async def forward() -> None:
        await run.cancelled.wait()
        try:
            await provider.cancel(call, job)
        except Exception:  # noqa: BLE001 - said; what the provider makes of the call is told by its answer
            _log.exception("a cancelling did not reach the provider", extra={"task_id": run.task.task_id})

    watch = asyncio.create_task(forward())
    try:
        yield
    finally:
        watch.cancel()
        await asyncio.gather(watch, return_exceptions=True)
