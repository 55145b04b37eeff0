"""ComfyUI's API: its requests, the meaning of its answers, and waiting for a job."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any
from urllib.parse import quote

import attrs
import httpx

from imagegen_adapters.outbound.errors import is_transport_error
from imagegen_adapters.providers.comfyui.workflow import ComfyUICode
from imagegen_adapters.providers.common.calls import (
    PollFailures,
    ResponseCode,
    as_list,
    as_object,
    is_from_upstream,
    shorten,
    visible_text,
)
from imagegen_adapters.providers.common.json_files import Answer, Api
from imagegen_core.errors import CallError, FailureCode
from imagegen_core.messages import Message, upstream_text
from imagegen_core.ports.tools import Clock

# ---------------------------------------------------------------- what a refusal says

MAX_NODE_PROBLEMS = 5  # a wrong checkpoint is one problem; a workflow of another machine has many
_MAX_PROBLEM_CHARS = 200


def refusal(answer: Answer) -> CallError:
    """ComfyUI itself answers 400, or 500 if a node raises in its check; the rest are a proxy's."""
    return answer.error(reason_of(answer), _text(answer.object("error").get("type")))


def reason_of(answer: Answer) -> Message:
    error, problems = answer.object("error"), node_problems(node_errors_of(answer))
    message, details = _text(error.get("message")), _text(error.get("details"))
    if problems and message:
        reason = shorten(message, answer.secrets)
        return ComfyUICode.WORKFLOW_REFUSED(reason=reason, problems=problems)
    if httpx.codes.is_redirect(answer.status):
        return ResponseCode.RESPONSE_REDIRECT()
    text = ": ".join(filter(None, (message, details)))
    text = text or visible_text(answer.body[:2000].decode("utf-8", "replace"))
    if not text:
        return ResponseCode.RESPONSE_STATUS(status=answer.status)
    return upstream_text(shorten(text, answer.secrets))


NodeError = tuple[str, str, str]  # a node's id, its kind, and its problem


def node_errors_of(answer: Answer) -> tuple[NodeError, ...]:
    """Return at most `MAX_NODE_PROBLEMS` of the answer's ``node_errors``."""

    def errors_of_all() -> Iterator[NodeError]:
        for node_id, node in answer.object("node_errors").items():
            for error in as_list(as_object(node).get("errors")):
                texts = (_text(as_object(error).get("message")), _text(as_object(error).get("details")))
                problem = shorten(": ".join(filter(None, texts)), answer.secrets)[:_MAX_PROBLEM_CHARS]
                yield node_id, _text(as_object(node).get("class_type")) or "?", problem

    return tuple(islice(errors_of_all(), MAX_NODE_PROBLEMS))


def node_problems(errors: Iterable[Sequence[str]]) -> tuple[Message, ...]:
    return tuple(
        ComfyUICode.NODE_PROBLEM(node=node, kind=kind, problem=problem) for node, kind, problem in errors
    )


def _text(value: Any) -> str | None:
    return str(value) if isinstance(value, str | int) and str(value).strip() else None


# ---------------------------------------------------------------- what is known of a job

MAX_IMAGES = 64
_KEY_STATUSES = (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN)


Images = tuple[Mapping[str, str], ...]  # files of ComfyUI


class Unanswered(CallError):
    """The response says nothing about the job; ``is_refusal``: ComfyUI itself refuses the key."""

    def __init__(self, answer: Answer) -> None:
        code = FailureCode.AUTH_FAILED if answer.status in _KEY_STATUSES else FailureCode.BAD_RESPONSE
        super().__init__(code, reason_of(answer), upstream_status=answer.status)
        self.is_refusal = code is FailureCode.AUTH_FAILED and is_from_upstream(answer.status, answer.body)


async def report_of(api: Api, job_id: str) -> Images | bool:
    """Return the images of a job that is done, else whether it runs or waits.

    A job that ended otherwise is its `CallError`; a response that is not ComfyUI's is `Unanswered`.
    If ``/api/jobs`` does not know it or does not exist, it asks for the queue, then for the history. In this
    order no job is missed: jobs move from the queue to the history.
    """
    job = await api.ask("GET", f"/api/jobs/{quote(job_id, safe='')}")
    if job.is_success and isinstance(job.tree, dict) and "status" in job.tree:
        end = str(job.tree["status"])
        if end not in ("completed", "failed", "cancelled"):
            return True
        return _images(job, end, job.tree.get("outputs"), job.object("execution_error"))
    if not job.is_success and job.status not in (httpx.codes.NOT_FOUND, httpx.codes.METHOD_NOT_ALLOWED):
        raise Unanswered(job)
    if await is_in_queue(api, job_id):
        return True
    history = await _get_object(api, f"/history/{quote(job_id, safe='')}")
    if history.tree.get(job_id) is None:
        return False
    entry = history.object(job_id)
    status = as_object(entry.get("status"))
    events = {
        str(message[0]): message[1]
        for message in as_list(status.get("messages"))
        if isinstance(message, list) and len(message) > 1
    }
    end = "completed"
    if status.get("status_str") == "error":
        end = "cancelled" if "execution_interrupted" in events else "failed"
    return _images(history, end, entry.get("outputs"), as_object(events.get("execution_error")))


async def is_in_queue(api: Api, job_id: str, *parts: str) -> bool:
    """Whether a job is running or waiting, or in the given ``parts`` of the queue."""
    queue = (await _get_object(api, "/queue")).tree
    lists = [queue.get(part) for part in parts or ("queue_running", "queue_pending")]
    return any(job_id in as_list(item)[1:2] for items in lists for item in as_list(items))


async def _get_object(api: Api, path: str) -> Answer:
    answer = await api.ask("GET", path)
    if not answer.is_success or not isinstance(answer.tree, dict):
        raise Unanswered(answer)
    return answer


def _images(answer: Answer, end: str, outputs: Any, error: Mapping[str, Any]) -> Images:
    """The images are those that the workflow saved; if none, its previews."""
    if end == "failed":
        raise _node_failure(error, answer.secrets)
    if end == "cancelled":
        raise _interrupted()
    files = [file for file in _files(as_object(outputs)) if file["filename"]]
    saved = [file for file in files if file["type"] == "output"]
    return tuple(saved or files)[:MAX_IMAGES]


def _interrupted() -> CallError:
    return CallError(FailureCode.CANCELLED, ComfyUICode.JOB_INTERRUPTED(), possible_charge=True)


def _files(outputs: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    for node in outputs.values():
        for image in as_list(as_object(node).get("images")):
            names = ("filename", "subfolder", "type")
            yield {name: str(as_object(image).get(name) or "") for name in names}


def _node_failure(error: Mapping[str, Any], secrets: tuple[str, ...]) -> CallError:
    message = shorten(_text(error.get("exception_message")) or "", secrets)
    kind = _text(error.get("exception_type"))
    reason = ComfyUICode.JOB_FAILED()
    if words := message or kind:
        node, node_kind = (_text(error.get(name)) or "?" for name in ("node_id", "node_type"))
        reason = ComfyUICode.NODE_FAILED(node=node, kind=node_kind, reason=words)
    return CallError(FailureCode.REJECTED, reason, upstream_code=kind, possible_charge=True)


# ---------------------------------------------------------------- waiting for one

MIN_PAUSE_SECONDS = 1.0
MAX_PAUSE_SECONDS = 3.0
_BACKOFF = 1.2

MAX_MISSES = 2  # a job is lost after so many answers in a row that do not know it
# How long a job may go on after its cancellation: nodes may check for one only at their end
MAX_STOP_SECONDS = 60.0


@attrs.define(kw_only=True)
class JobWatcher:
    """Polls one job until it ends, or ``seconds`` after it was accepted; transport failures do not end it.

    A process that resumes the job has fewer ``seconds_left``.
    """

    api: Api
    job_id: str
    clock: Clock
    seconds: float
    seconds_left: float
    _cancelled_at: float | None = None
    _misses: int = 0

    def cancellation_taken(self) -> None:
        self._cancelled_at = self.clock.monotonic()

    async def wait(self) -> Images:
        """Return the images of the job once it is done; at the deadline it raises ``timeout``."""
        failures, pause = PollFailures(), MIN_PAUSE_SECONDS
        deadline = self.clock.monotonic() + self.seconds_left
        while True:
            remaining = deadline - self.clock.monotonic()
            # It polls at least once, and for the last time at the deadline.
            await self.clock.sleep(min(pause, remaining))
            try:
                report = await report_of(self.api, self.job_id)
            except CallError as error:
                if not isinstance(error, Unanswered) and not is_transport_error(error):
                    raise
                failures.tolerate(error, from_upstream=isinstance(error, Unanswered) and error.is_refusal)
            else:
                failures.clear()
                if not isinstance(report, bool):
                    return report
                self._check(is_active=report)
            if remaining <= pause:
                raise failures.timeout_error(self.seconds)
            pause = min(pause * _BACKOFF, MAX_PAUSE_SECONDS)

    def _check(self, *, is_active: bool) -> None:
        """Raise if a job that has not ended is given up."""
        since = self._cancelled_at
        self._misses = 0 if is_active else self._misses + 1
        if not is_active and since is not None:  # it was removed from the queue
            raise _interrupted()
        if self._misses >= MAX_MISSES:
            raise CallError(FailureCode.RESULT_EXPIRED, ComfyUICode.JOB_LOST())
        if is_active and since is not None and self.clock.monotonic() - since >= MAX_STOP_SECONDS:
            reason = ComfyUICode.JOB_STOPPING(seconds=MAX_STOP_SECONDS)
            raise CallError(FailureCode.CANCELLED, reason, possible_charge=True)
