"""What ComfyUI says of a job: where it is, what it made, and why it ended."""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any
from urllib.parse import quote

import attrs
import httpx

from imagegen_adapters.providers.comfyui.api import Answer, ComfyUIApi, as_object
from imagegen_adapters.providers.comfyui.failures import reason_of
from imagegen_core.errors import CallError, FailureCode

MAX_IMAGES = 64
_KEY_STATUSES = frozenset((httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN))


class JobState(StrEnum):
    """Where a job is. ``missing``: neither running nor waiting, and not among those that have ended."""

    ACTIVE = "active"
    DONE = "done"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    MISSING = "missing"


@attrs.frozen(kw_only=True)
class JobReport:
    """What is known of a job; ``images`` are files of ComfyUI, ``error`` its ``execution_error``."""

    state: JobState
    images: tuple[Mapping[str, str], ...] = ()
    error: Mapping[str, Any] = attrs.field(factory=dict)


class Unanswered(Exception):
    """The response says nothing about the job; ``error`` is what it says instead."""

    def __init__(self, answer: Answer, secrets: tuple[str, ...]) -> None:
        super().__init__(answer.status)
        code = FailureCode.AUTH_FAILED if answer.status in _KEY_STATUSES else FailureCode.BAD_RESPONSE
        self.error = CallError(code, reason_of(answer, secrets), upstream_status=answer.status)
        self.answer = answer


async def report_of(api: ComfyUIApi, job_id: str) -> JobReport:
    """Ask for a job.

    Where ``/api/jobs`` does not know it, or does not exist, its queue is asked for and only then its history:
    a job goes from the one to the other, so it is in the second answer if it has left the first.

    Raises:
        Unanswered: a response is not ComfyUI's.
        CallError: as `map_transport_errors` does.
    """
    job = await api.get(f"/api/jobs/{quote(job_id, safe='')}")
    if job.is_success and isinstance(job.tree, dict) and "status" in job.tree:
        return _from_job(job.tree)
    if not job.is_success and job.status not in (httpx.codes.NOT_FOUND, httpx.codes.METHOD_NOT_ALLOWED):
        raise Unanswered(job, api.secrets)
    if await is_in_queue(api, job_id):
        return JobReport(state=JobState.ACTIVE)
    history = await _object(api, f"/history/{quote(job_id, safe='')}")
    entry = history.get(job_id)
    return JobReport(state=JobState.MISSING) if entry is None else _from_history(as_object(entry))


async def is_in_queue(api: ComfyUIApi, job_id: str, *parts: str) -> bool:
    """Return whether a job is running or waiting; with ``parts``, whether it is in those of the queue.

    Raises:
        Unanswered: the response is not ComfyUI's.
        CallError: as `map_transport_errors` does.
    """
    queue = await _object(api, "/queue")
    lists = [queue.get(part) for part in parts or ("queue_running", "queue_pending")]
    return any(
        isinstance(item, list) and job_id in item[1:2]
        for items in lists
        if isinstance(items, list)
        for item in items
    )


async def _object(api: ComfyUIApi, path: str) -> Mapping[str, Any]:
    answer = await api.get(path)
    if not answer.is_success or not isinstance(answer.tree, dict):
        raise Unanswered(answer, api.secrets)
    return answer.tree


_STATES = {
    "completed": JobState.DONE,
    "failed": JobState.FAILED,
    "cancelled": JobState.INTERRUPTED,
}


def _from_job(job: Mapping[str, Any]) -> JobReport:
    return JobReport(
        state=_STATES.get(str(job.get("status")), JobState.ACTIVE),
        images=_images(job.get("outputs")),
        error=as_object(job.get("execution_error")),
    )


def _from_history(entry: Mapping[str, Any]) -> JobReport:
    status = as_object(entry.get("status"))
    messages = status.get("messages")
    events = {
        str(message[0]): message[1]
        for message in (messages if isinstance(messages, list) else ())
        if isinstance(message, list) and len(message) > 1
    }
    state = JobState.DONE
    if status.get("status_str") == "error":
        state = JobState.INTERRUPTED if "execution_interrupted" in events else JobState.FAILED
    return JobReport(
        state=state,
        images=_images(entry.get("outputs")),
        error=as_object(events.get("execution_error")),
    )


def _images(outputs: Any) -> tuple[Mapping[str, str], ...]:
    """Return the images that the workflow saved; if it saved none, those that it only shows."""
    files = [file for file in _files(as_object(outputs)) if file["filename"]]
    saved = [file for file in files if file["type"] == "output"]
    return tuple(saved or files)[:MAX_IMAGES]


def _files(outputs: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    for node in outputs.values():
        images = as_object(node).get("images")
        for image in images if isinstance(images, list) else ():
            names = ("filename", "subfolder", "type")
            yield {name: str(as_object(image).get(name) or "") for name in names}
