"""``kind: comfyui``: sends an exported workflow, follows its job, and downloads the images."""

import asyncio
import contextlib
import re
from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Any
from urllib.parse import quote, urlencode

import httpx

from imagegen_adapters.outbound.client import Outbound
from imagegen_adapters.providers.comfyui.jobs import (
    JobWatcher,
    is_in_queue,
    node_errors_of,
    node_problems,
    reason_of,
    refusal,
)
from imagegen_adapters.providers.comfyui.workflow import ComfyUICode, Workflow, models_of, parse_workflow
from imagegen_adapters.providers.common.calls import (
    ResponseCode,
    as_list,
    as_object,
    configured_headers,
    without_secret,
)
from imagegen_adapters.providers.common.images import (
    check_size,
    input_parts,
    map_refusals,
    random_seed,
)
from imagegen_adapters.providers.common.json_files import Api, bad_response
from imagegen_core.attempt import Receipt, UpstreamJob
from imagegen_core.config import ProviderConfig
from imagegen_core.errors import CallError, FailureCode, ValidationFailed
from imagegen_core.images import MAX_IMAGE_BYTES, MediaType
from imagegen_core.models import Model, ProviderProfile, check_result_size
from imagegen_core.ports.provider import Exchange, GeneratedImage, Probe, ProviderCall, ProviderResult
from imagegen_core.ports.tools import Clock
from imagegen_core.requests import RANDOM_SEED, ImageRequest
from imagegen_core.values import IdentityCache

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
        expires_at = self._clock.now() + timedelta(seconds=_seconds(call.config))
        return UpstreamJob(id=job_id, data={"node_errors": errors}, expires_at=expires_at)

    async def poll(self, call: ProviderCall, job: UpstreamJob, exchange: Exchange) -> Receipt:
        api, seconds = self._api(call.config), _seconds(call.config)
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
            deleted = await api.ask("POST", "/queue", json={"delete": [job.id]})
            is_taken = deleted.is_success
            if await is_in_queue(api, job.id, "queue_running"):
                interrupted = await api.ask("POST", "/interrupt", json={"prompt_id": job.id})
                is_taken = interrupted.is_success
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


def _seconds(config: ProviderConfig) -> float:
    return max(JOB_SECONDS, config.timeout)


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
