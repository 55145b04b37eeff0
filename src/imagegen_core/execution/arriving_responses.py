"""What becomes of a paid request that nobody may wait for any longer."""

import asyncio
import logging
from typing import Any

from imagegen_core.execution.call_exchange import CallExchange

RESPONSE_GRACE_SECONDS = 5.0
"""How long an answer may take whose beginning is here when the service stops or the call's time is over."""

_log = logging.getLogger(__name__)


async def interrupt(submission: asyncio.Task[Any], exchange: CallExchange) -> asyncio.CancelledError | None:
    """Let a submission end: cancelled, unless it comes to an end of its own before that.

    Once its response has begun, the provider has done what is paid for: then it has
    `RESPONSE_GRACE_SECONDS` for the rest, since a job's id or an image in hand must not be thrown away.

    Returns:
        The caller's own cancelling when it came meanwhile, to be raised once the answer is written down.
    """
    loop = asyncio.get_running_loop()
    end, cancelling = loop.time(), None
    if exchange.response_started and not submission.done():
        _log.info("waiting for an answer that is arriving", extra={"task_id": exchange.run.task.task_id})
        end += RESPONSE_GRACE_SECONDS
    while not submission.done():
        left = end - loop.time()
        if left <= 0:
            submission.cancel()
        try:
            await asyncio.wait({submission}, timeout=left if left > 0 else None)
        except asyncio.CancelledError as error:
            cancelling = error
    return cancelling
