"""What becomes of a paid request that nobody may wait for any longer."""

import asyncio
import logging
from typing import Any

from imagegen_core.call_exchange import CallExchange

ARRIVAL_SECONDS = 5.0
"""How long an answer may take whose beginning is here when the service stops or the call's time is over."""

_log = logging.getLogger(__name__)


async def interrupt(submission: asyncio.Task[Any], exchange: CallExchange) -> None:
    """Return when a submission has ended: cancelled, unless it came to an end of its own before that.

    Once its answer has begun to arrive, the vendor has done what is paid for: then it has `ARRIVAL_SECONDS`
    for the rest, since a job's id or a picture in hand must not be thrown away.
    """
    try:
        if exchange.arriving and not submission.done():
            _log.info("waiting for an answer that is arriving", extra={"task_id": exchange.run.task.task_id})
            await asyncio.wait({submission}, timeout=ARRIVAL_SECONDS)
    finally:
        submission.cancel()
    await asyncio.wait({submission})
