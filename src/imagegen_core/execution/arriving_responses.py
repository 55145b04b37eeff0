"""Interrupting a paid request without losing a response that is already arriving."""

import asyncio
import logging
from typing import Any

from imagegen_core.execution.call_exchange import CallExchange

RESPONSE_GRACE_SECONDS = 5.0
"""How long a response that has started may take when the service stops or the call times out."""

_log = logging.getLogger(__name__)


async def interrupt(submission: asyncio.Task[Any], exchange: CallExchange) -> asyncio.CancelledError | None:
    """Cancel a submission, unless it ends by itself first.

    Once its response has started, the provider has done the work that is paid for. The submission then has
    `RESPONSE_GRACE_SECONDS` for the rest, because a job's id or an image must not be thrown away.

    Returns:
        The caller's own cancellation if it arrived meanwhile, to be raised once the response is on disk.
    """
    loop = asyncio.get_running_loop()
    end, cancelling = loop.time(), None
    if exchange.response_started and not submission.done():
        _log.info("waiting for a response that has started", extra={"task_id": exchange.run.task.task_id})
        end += RESPONSE_GRACE_SECONDS
    while not submission.done():
        remaining = end - loop.time()
        if remaining <= 0:
            submission.cancel()
        try:
            await asyncio.wait({submission}, timeout=remaining if remaining > 0 else None)
        except asyncio.CancelledError as error:
            cancelling = error
    return cancelling
