"""Requests to ComfyUI's API, what it says of a job, and how long it is asked."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from enum import StrEnum
from functools import partial
from typing import Any
from urllib.parse import quote

import attrs
import httpx

from imagegen_adapters.outbound.client import Outbound
from imagegen_adapters.outbound.errors import is_transport_error
from imagegen_adapters.providers.comfyui.words import Answer, ComfyUICode, as_object, node_failure, reason_of
from imagegen_adapters.providers.common.calls import (
    PollFailures,
    call_timeout,
    configured_headers,
    is_from_upstream,
    read_at_most,
    streamed_response,
)
from imagegen_adapters.providers.common.json_files import parse_json
from imagegen_core.config import ProviderConfig
from imagegen_core.errors import CallError, FailureCode
from imagegen_core.ports.tools import Clock
from imagegen_core.redaction import without

MAX_ANSWER_BYTES = 16 * 1024 * 1024
"""What ComfyUI says of a job repeats its workflow, and of a queue the workflows of all."""

_FREE_CALL_SECONDS = 30.0


@attrs.frozen(kw_only=True)
class ComfyUIApi:
    """The ComfyUI of one configuration. What it sends raises `CallError` as `map_transport_errors` does."""

    outbound: Outbound
    config: ProviderConfig

    @property
    def headers(self) -> dict[str, str]:
        """What each request has: ComfyUI knows no keys, so one is for what stands before it."""
        key = self.config.api_key
        return configured_headers(self.config) | (
            {} if key is None else {"authorization": f"Bearer {key.reveal()}"}
        )

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no message may repeat."""
        return () if self.config.api_key is None else (self.config.api_key.reveal(),)

    def without_key(self, text: str) -> str:
        """Return a text to be stored, in which no spelling of the key is left."""
        key = self.config.api_key
        return text if key is None else key.give_to(partial(without, text))

    def url(self, path: str) -> str:
        """Return the URL of a path."""
        return f"{(self.config.api_base or '').rstrip('/')}{path}"

    async def get(self, path: str) -> Answer:
        """Ask for something."""
        async with self.response_to("GET", path) as response:
            return await answer_of(response)

    async def post(self, path: str, **content: Any) -> Answer:
        """Post something that starts nothing, ``json`` or a form of ``data`` and ``files``."""
        async with self.response_to("POST", path, **content) as response:
            return await answer_of(response)

    @asynccontextmanager
    async def response_to(
        self, method: str, path: str, *, seconds: float = _FREE_CALL_SECONDS, **content: Any
    ) -> AsyncIterator[httpx.Response]:
        """Send a request and yield its response, the body unread."""
        client = self.outbound.api_client(self.config)
        request = client.build_request(
            method, self.url(path), headers=self.headers, timeout=call_timeout(seconds), **content
        )
        async with streamed_response(client, request) as response:
            yield response


async def answer_of(response: httpx.Response) -> Answer:
    """Read a response."""
    body = await read_at_most(response, MAX_ANSWER_BYTES)
    try:
        tree = parse_json(body)
    except CallError:
        tree = None
    retry_after = response.headers.get("retry-after")
    return Answer(status=response.status_code, tree=tree, body=body, retry_after=retry_after)


# ---------------------------------------------------------------- what is known of a job

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
    """Return whether a job is running or waiting; with ``parts``, whether it is in those of the queue."""
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


_STATES = {"completed": JobState.DONE, "failed": JobState.FAILED, "cancelled": JobState.INTERRUPTED}


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
    error = as_object(events.get("execution_error"))
    return JobReport(state=state, images=_images(entry.get("outputs")), error=error)


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


# ---------------------------------------------------------------- waiting for one

MIN_PAUSE_SECONDS = 1.0
MAX_PAUSE_SECONDS = 3.0
_BACKOFF = 1.2

MAX_MISSES = 2
"""Answers in a row that do not know the job after which it is lost."""

MAX_STOP_SECONDS = 60.0
"""How long a job may go on after its cancellation: a node may not look for one before its end."""


@attrs.define(kw_only=True)
class JobWatcher:
    """Asks for one job until it has ended, or until its deadline: ``seconds`` after it was accepted.

    Asking is free, so only what ComfyUI says of the job, or the deadline, ends it. ``seconds_left`` is what
    remains of that; a process that finds the job in its attempt has less.
    """

    api: ComfyUIApi
    job_id: str
    clock: Clock
    seconds: float
    seconds_left: float
    _cancelled_at: float | None = None
    _misses: int = 0

    def cancellation_taken(self) -> None:
        """Note that ComfyUI has been told to stop the job."""
        self._cancelled_at = self.clock.monotonic()

    async def wait(self) -> JobReport:
        """Return the report of a job that is done.

        Raises:
            CallError: it failed, was interrupted or is lost, or ``timeout`` at the deadline.
        """
        failures, pause = PollFailures(), MIN_PAUSE_SECONDS
        deadline = self.clock.monotonic() + self.seconds_left
        while True:
            remaining = deadline - self.clock.monotonic()
            # The last question is asked at the deadline, not after it; one is asked in any case.
            await self.clock.sleep(min(pause, remaining))
            report = await self._ask(failures)
            if report is not None and self._has_ended(report):
                return report
            if remaining <= pause:
                raise failures.timeout_error(self.seconds)
            pause = min(pause * _BACKOFF, MAX_PAUSE_SECONDS)

    async def _ask(self, failures: PollFailures) -> JobReport | None:
        try:
            report = await report_of(self.api, self.job_id)
        except Unanswered as unanswered:
            answer = unanswered.answer
            is_refusal = unanswered.error.failure.code is FailureCode.AUTH_FAILED
            is_final = is_refusal and is_from_upstream(answer.status, answer.body)
            failures.tolerate(unanswered.error, from_upstream=is_final)
        except CallError as error:
            if not is_transport_error(error):
                raise
            failures.tolerate(error, from_upstream=False)
        else:
            failures.clear()
            return report
        return None

    def _has_ended(self, report: JobReport) -> bool:
        """Return whether the job is done; it raises where it has ended in another way."""
        state, since = report.state, self._cancelled_at
        self._misses = self._misses + 1 if state is JobState.MISSING else 0
        if state is JobState.FAILED:
            raise node_failure(report.error, self.api.secrets)
        # A job that was taken out of the queue is missing afterwards.
        if state is JobState.INTERRUPTED or (state is JobState.MISSING and since is not None):
            raise CallError(FailureCode.CANCELLED, ComfyUICode.JOB_INTERRUPTED(), possible_charge=True)
        if self._misses >= MAX_MISSES:
            raise CallError(FailureCode.RESULT_EXPIRED, ComfyUICode.JOB_LOST())
        is_late = since is not None and self.clock.monotonic() - since >= MAX_STOP_SECONDS
        if state is JobState.ACTIVE and is_late:
            reason = ComfyUICode.JOB_STOPPING(seconds=MAX_STOP_SECONDS)
            raise CallError(FailureCode.CANCELLED, reason, possible_charge=True)
        return state is JobState.DONE
