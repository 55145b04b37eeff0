"""A caller's wish to cancel, on its way to the vendor."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from imagegen_core.attempts import UpstreamJob
from imagegen_core.ports.provider import Provider, ProviderCall
from imagegen_core.running_tasks import RunningTask


@asynccontextmanager
async def forwarded_cancel(
    run: RunningTask, provider: Provider, call: ProviderCall, job: UpstreamJob | None
) -> AsyncIterator[None]:
    """Pass a caller's cancelling on to the vendor, once, while the body waits for it."""

    async def forward() -> None:
        await run.cancelled.wait()
        await provider.cancel(call, job)

    watch = asyncio.create_task(forward())
    try:
        yield
    finally:
        watch.cancel()
        await asyncio.gather(watch, return_exceptions=True)
