"""Forwarding of a caller's cancellation to the provider."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from imagegen_core.attempt import UpstreamJob
from imagegen_core.execution.active_calls import ActiveCall

_log = logging.getLogger(__name__)


@asynccontextmanager
async def forwarded_cancel(active: ActiveCall, job: UpstreamJob | None) -> AsyncIterator[None]:
    """Forward a caller's cancellation to the provider, once, while the body waits for the call."""

    async def forward() -> None:
        await active.run.cancelled.wait()
        try:
            await active.provider.cancel(active.call, job)
        except Exception:  # noqa: BLE001 - logged; the response to the call itself decides its outcome
            _log.exception("the cancellation could not be sent", extra={"task_id": active.attempt.task_id})

    watch = asyncio.create_task(forward())
    try:
        yield
    finally:
        watch.cancel()
        await asyncio.gather(watch, return_exceptions=True)
