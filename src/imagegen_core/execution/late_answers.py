"""An answer that is paid for and arrives once its task is another worker's, kept aside for an operator."""

import json
import logging

from imagegen_core.errors import BlobMissing, StorageError
from imagegen_core.execution.active_calls import ActiveCall
from imagegen_core.tasks.attempt import Receipt, UpstreamJob

_SUFFIX = ".late"

_log = logging.getLogger(__name__)


def is_late(owner: str) -> bool:
    """Return whether the spooled files of an owner are an answer that was kept aside."""
    return owner.endswith(_SUFFIX)


async def keep_late_answer(active: ActiveCall, answer: UpstreamJob | Receipt) -> None:
    """Spool the answer to a paid request under an owner of its own, which no run of the task removes.

    The task itself says already that it may have been charged: the attempt was stored before it was sent.
    """
    exchange = active.exchange
    owner = f"{exchange.owner}{_SUFFIX}"
    details = {"task_id": active.attempt.task_id, "provider": active.call.config.provider_name}
    try:
        await exchange.copy_spooled(owner)
        await exchange.spool_bytes(owner, *_described(answer))
    except (StorageError, BlobMissing):
        _log.exception("an answer that is paid for came too late, and could not be kept", extra=details)
    else:
        _log.error("an answer that is paid for came too late; it is kept in the spool", extra=details)


def _described(answer: UpstreamJob | Receipt) -> tuple[str, bytes]:
    """Return the answer as the adapter understood it: the name of a file, and its content."""
    if isinstance(answer, UpstreamJob):
        return "job.json", json.dumps({"id": answer.id, "data": dict(answer.data)}).encode()
    return "receipt.json", json.dumps(dict(answer.data)).encode()
