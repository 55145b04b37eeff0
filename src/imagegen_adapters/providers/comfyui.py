"""``kind: comfyui``: sends an exported workflow, follows its job, and downloads the images."""

import asyncio
import contextlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from functools import partial
from itertools import islice
from typing import Any
from urllib.parse import quote, urlencode

import attrs
import httpx

from imagegen_adapters.outbound.client import Outbound
from imagegen_adapters.outbound.errors import is_transport_error
from imagegen_adapters.providers.comfyui_workflow import ComfyUICode, Workflow, models_of, parse_workflow
from imagegen_adapters.providers.common.calls import (
    PollFailures,
    ResponseCode,
    as_list,
    as_object,
    configured_headers,
    is_from_upstream,
    shorten,
    visible_text,
    without_secret,
)
from imagegen_adapters.providers.common.images import check_size, input_parts, map_refusals, random_seed
from imagegen_adapters.providers.common.json_files import Answer, Api, bad_response
from imagegen_core.attempt import Receipt, UpstreamJob
from imagegen_core.config import ProviderConfig
from imagegen_core.errors import CallError, FailureCode, ValidationFailed
from imagegen_core.images import MAX_IMAGE_BYTES, MediaType
from imagegen_core.messages import Message, upstream_text
from imagegen_core.models import Model, ProviderProfile, check_result_size
from imagegen_core.ports.provider import Exchange, GeneratedImage, Probe, ProviderCall, ProviderResult
from imagegen_core.ports.tools import Clock
from imagegen_core.requests import RANDOM_SEED, ImageRequest
from imagegen_core.values import IdentityCache

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
        return ComfyUICode.WORKFLOW_REFUSED(reason=shorten(message, answer.secrets), problems=problems)
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
            yield {name: str(as_object(image).get(name) or "") for name in ("filename", "subfolder", "type")}


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


# ---------------------------------------------------------------- the calls

# How long to wait for a job, its time in ComfyUI's queue included; ``timeout_seconds`` if that is longer
JOB_SECONDS = 1800.0
_MAX_UPLOADS = 2
_DOWNLOAD_SECONDS = 120.0
_FREE_CALL_SECONDS = 30.0
# A job's answer repeats its workflow; the queue's repeats the workflows of all jobs
_MAX_ANSWER_BYTES = 16 * 1024 * 1024
_JOB_ID = re.compile(r"[A-Za-z0-9._-]{1,200}")  # it becomes part of a URL


class ComfyUIProvider:
    """Implements the `Provider` port; deadlines of jobs are kept with their attempts."""

    names = ("comfyui*",)
    extra_keys = frozenset({"workflow", "inputs", "preset"})

    def __init__(self, outbound: Outbound, *, clock: Clock) -> None:
        self._outbound, self._clock = outbound, clock
        self._uploads = asyncio.Semaphore(_MAX_UPLOADS)
        self._workflows: IdentityCache[Workflow] = IdentityCache()
        self._watchers: dict[tuple[str, ...], JobWatcher] = {}

    def describe(self, config: ProviderConfig) -> ProviderProfile:
        if config.extra_config.get("preset") is not None:
            raise ValidationFailed.for_field("extra_config.preset", ComfyUICode.NO_PRESET())
        configured_headers(config)
        return ProviderProfile(
            models=models_of(self._workflow(config), config),
            display_name="ComfyUI",
            default_api_base="http://127.0.0.1:8188",
            needs_api_key=False,
            billed=False,
            max_concurrency=1,
        )

    def split(self, request: ImageRequest, model: Model, config: ProviderConfig) -> tuple[ImageRequest, ...]:
        workflow = self._workflow(config)
        check(request, workflow)
        if "width" in workflow.inputs:
            check_result_size(request.params, *(request.dimensions or (0, 0)))
        return (request,) if "num" in workflow.inputs else request.split()

    async def submit(self, call: ProviderCall, exchange: Exchange) -> UpstreamJob:
        api, workflow = self._api(call.config), self._workflow(call.config)
        with map_refusals():
            check(call.request, workflow)
        async with self._uploads if call.request.inputs else contextlib.nullcontext():
            images = await _upload_inputs(api, exchange, call.request)
        body = {"client_id": call.call_id, "prompt": workflow.with_values(values_of(call, workflow, images))}
        async with api.response_to("POST", "/prompt", seconds=call.config.timeout, json=body) as response:
            exchange.mark_response_started()
            answer = await api.answer_of(response)
        if not answer.is_success:
            raise refusal(answer)
        job_id = as_object(answer.tree).get("prompt_id")
        if not isinstance(job_id, str) or not _JOB_ID.fullmatch(job_id):
            raise bad_response(ResponseCode.NO_JOB())
        key = call.config.api_key
        errors = [[without_secret(text, key) for text in error] for error in node_errors_of(answer)]
        expires_at = self._clock.now() + timedelta(seconds=max(JOB_SECONDS, call.config.timeout))
        return UpstreamJob(id=job_id, data={"node_errors": errors}, expires_at=expires_at)

    async def poll(self, call: ProviderCall, job: UpstreamJob, exchange: Exchange) -> Receipt:
        api, seconds = self._api(call.config), max(JOB_SECONDS, call.config.timeout)
        seconds_left = seconds
        if job.expires_at is not None:  # the wall clock may have been set meanwhile
            seconds_left = min(seconds, max(0.0, (job.expires_at - self._clock.now()).total_seconds()))
        self._watchers[_key(call, job)] = watcher = JobWatcher(
            api=api, job_id=job.id, clock=self._clock, seconds=seconds, seconds_left=seconds_left
        )
        try:
            files = await watcher.wait()
        finally:
            del self._watchers[_key(call, job)]
        key = call.config.api_key
        images = [{name: without_secret(text, key) for name, text in file.items()} for file in files]
        return Receipt(data={"images": images, "node_errors": job.data["node_errors"]})

    async def collect(self, call: ProviderCall, receipt: Receipt, exchange: Exchange) -> ProviderResult:
        files = receipt.data["images"]
        if not files:
            raise bad_response(ComfyUICode.NO_IMAGE_SAVED())
        seed = drawn_seed(call, self._workflow(call.config))
        metadata, api = {} if seed is None else {"seed": seed}, self._api(call.config)
        images = tuple(
            GeneratedImage(chunks=partial(self._download, api, file), metadata=metadata) for file in files
        )
        problems = node_problems(receipt.data["node_errors"])
        warnings = (ComfyUICode.OUTPUTS_IGNORED(problems=problems),) if problems else ()
        return ProviderResult(images=images, warnings=warnings, keeps_size=False)  # the workflow decides

    async def cancel(self, call: ProviderCall, job: UpstreamJob | None) -> None:
        """Remove the job from the queue, or interrupt it if it runs; never affect another job.

        ComfyUI up to 0.3.56 ignores the id and interrupts whatever runs.
        """
        if job is None:
            return
        api = self._api(call.config)
        with contextlib.suppress(CallError):
            is_taken = (await api.ask("POST", "/queue", json={"delete": [job.id]})).is_success
            if await is_in_queue(api, job.id, "queue_running"):
                is_taken = (await api.ask("POST", "/interrupt", json={"prompt_id": job.id})).is_success
            if is_taken and (watcher := self._watchers.get(_key(call, job))) is not None:
                watcher.cancellation_taken()

    async def probe(self, config: ProviderConfig) -> Probe:
        path = "/system_stats"
        try:
            answer = await self._api(config).ask("GET", path)
        except CallError as error:
            return Probe(ok=False, detail=error.failure.reason)
        if not answer.is_success or not isinstance(as_object(answer.tree).get("system"), dict):
            return Probe(ok=False, detail=ComfyUICode.NOT_COMFYUI(path=path))
        if kinds := await self._missing_kinds(config):
            return Probe(ok=False, detail=ComfyUICode.NODES_MISSING(kinds=kinds))
        version = str(answer.object("system").get("comfyui_version") or "?")
        names = (as_object(device).get("name") for device in as_list(as_object(answer.tree).get("devices")))
        return Probe(ok=True, detail=ComfyUICode.PROBED(version=version, devices=tuple(map(str, names))))

    async def _missing_kinds(self, config: ProviderConfig) -> tuple[str, ...]:
        api, missing = self._api(config), []
        with contextlib.suppress(CallError):
            for kind in self._workflow(config).kinds:
                answer = await api.ask("GET", f"/object_info/{quote(kind, safe='')}")
                if answer.is_success and answer.tree == {}:
                    missing.append(kind)
        return tuple(missing)

    def _api(self, config: ProviderConfig) -> Api:
        """ComfyUI knows no keys: a key is for a proxy in front of it."""
        key = None if config.api_key is None else config.api_key.reveal()
        return Api(
            outbound=self._outbound,
            config=config,
            base=(config.api_base or "").rstrip("/"),
            headers=configured_headers(config) | ({} if key is None else {"authorization": f"Bearer {key}"}),
            secrets=() if key is None else (key,),
            seconds=_FREE_CALL_SECONDS,
            max_bytes=_MAX_ANSWER_BYTES,
        )

    def _workflow(self, config: ProviderConfig) -> Workflow:
        return self._workflows.result_for((config,), lambda: parse_workflow(config.extra_config))

    def _download(self, api: Api, file: dict[str, str]) -> Any:
        return self._outbound.download(
            f"{api.base}/view?{urlencode(file)}",
            config=api.config,
            headers=api.headers,
            max_bytes=MAX_IMAGE_BYTES,
            timeout=max(_DOWNLOAD_SECONDS, api.config.timeout),
        )


def _key(call: ProviderCall, job: UpstreamJob) -> tuple[str, ...]:
    """Each server has job ids of its own, and may start them again."""
    return call.call_id, str(call.config.api_base), job.id


# ---------------------------------------------------------------- what a workflow gets of a request


def check(request: ImageRequest, workflow: Workflow) -> None:
    """Refuse what the workflow cannot do, before ComfyUI is asked."""
    if "size" not in workflow.inputs:
        check_size(request.params)
    count = len(workflow.inputs.get("references", ()))
    if count and len(request.references) != count:
        raise ValidationFailed.for_field("reference_images", ComfyUICode.REFERENCES_NEEDED(count=count))
    if request.mask is not None and "mask" not in workflow.inputs:
        raise ValidationFailed.for_field("mask", ComfyUICode.NO_MASK_INPUT())
    if request.mask is None and "mask" in workflow.inputs:
        raise ValidationFailed.for_field("mask", ComfyUICode.MASK_NEEDED())


def values_of(call: ProviderCall, workflow: Workflow, images: Mapping[str, Any]) -> dict[str, Any]:
    """Return values for the workflow's names; what nobody asked for stays as exported."""
    request = call.request
    sides, seed = request.dimensions or (None, None), drawn_seed(call, workflow)
    values = {
        **request.params,
        "prompt": request.prompt,
        "num": request.num,
        "width": request.params.get("width", sides[0]),
        "height": request.params.get("height", sides[1]),
        "seed": request.seed if seed is None else seed,
        "model": call.model.upstream_id,
        **images,
    }
    return {name: values[name] for name in workflow.inputs if values.get(name) is not None}


def drawn_seed(call: ProviderCall, workflow: Workflow) -> int | None:
    """Return a seed if the call needs one: ComfyUI draws none."""
    if "seed" not in workflow.inputs or call.request.seed not in (None, RANDOM_SEED):
        return None
    return random_seed(call.call_id)


# ---------------------------------------------------------------- images, which go there before the job

_RETRIED_STATUSES = frozenset((408, 425, 429))


async def _upload_inputs(api: Api, exchange: Exchange, request: ImageRequest) -> dict[str, Any]:
    """Upload into a folder that ComfyUI empties when it starts; files named by content are never replaced."""
    with map_refusals():
        parts = await input_parts(request, exchange)
    names: dict[str, Any] = {}
    for (field, image), part in zip(request.named_inputs, parts, strict=True):
        data, ending = part.data, "-mask.png"
        if data is None:
            data, ending = await exchange.read_input(image), f".{MediaType(image.mime_type).extension}"
        name = await _upload(api, f"{image.sha256[:32]}{ending}", data)
        if field.startswith("reference_images"):
            names.setdefault("references", []).append(name)
        else:
            names[field] = name
    return names


async def _upload(api: Api, name: str, data: bytes) -> str:
    """Upload an image, and return the name by which a node loads it."""
    fields, cause, status, is_passing = {"type": "temp", "subfolder": "imagegen"}, None, None, True
    try:
        answer = await api.ask("POST", "/upload/image", data=fields, files={"image": (name, data)})
        stored = as_object(answer.tree)
        if answer.is_success and isinstance(stored.get("name"), str):
            path = "/".join(filter(None, (str(stored.get("subfolder") or ""), stored["name"])))
            return f"{path} [{stored.get('type', 'input')}]"
        reason, status = reason_of(answer), answer.status
        is_passing = status in _RETRIED_STATUSES or status >= httpx.codes.INTERNAL_SERVER_ERROR
    except CallError as error:  # there is no job yet, so nothing was started
        reason, cause = error.reason, error
    raise CallError(
        FailureCode.UNAVAILABLE if is_passing else FailureCode.REJECTED,
        ComfyUICode.UPLOAD_REFUSED(reason=reason),
        not_started=is_passing,
        upstream_status=status,
        possible_charge=False,
    ) from cause
