"""``kind: comfyui``: sends a workflow, follows its job, and fetches what it saved."""

import asyncio
import contextlib
import re
from datetime import timedelta
from functools import partial
from typing import Any
from urllib.parse import quote, urlencode

from imagegen_adapters.outbound import Outbound
from imagegen_adapters.providers.comfyui.api import ComfyUIApi, answer_of, as_object
from imagegen_adapters.providers.comfyui.failures import node_errors_of, node_problems, refusal
from imagegen_adapters.providers.comfyui.job_watcher import JobWatcher
from imagegen_adapters.providers.comfyui.jobs import Unanswered, is_in_queue
from imagegen_adapters.providers.comfyui.messages import ComfyUICode
from imagegen_adapters.providers.comfyui.models import models_of
from imagegen_adapters.providers.comfyui.requests import check, drawn_seed, values_of
from imagegen_adapters.providers.comfyui.uploads import Uploads
from imagegen_adapters.providers.comfyui.workflow import Workflow
from imagegen_adapters.providers.comfyui.workflow_parser import parse_workflow
from imagegen_adapters.providers.common.calls import configured_headers
from imagegen_adapters.providers.common.images import map_refusals
from imagegen_adapters.providers.common.json_files import bad_response
from imagegen_adapters.providers.common.words import ResponseCode
from imagegen_core.attempt import Receipt, UpstreamJob
from imagegen_core.config import ProviderConfig
from imagegen_core.errors import CallError, ValidationFailed
from imagegen_core.images import MAX_IMAGE_BYTES
from imagegen_core.models import Model, ProviderProfile, check_result_size
from imagegen_core.ports.clock import Clock
from imagegen_core.ports.provider import Exchange, GeneratedImage, Probe, ProviderCall, ProviderResult
from imagegen_core.requests import ImageRequest
from imagegen_core.values import IdentityCache

API_BASE = "http://127.0.0.1:8188"
JOB_SECONDS = 1800.0
"""How long a job is waited for, in ComfyUI's queue, too; ``timeout_seconds`` if that is longer."""

_MAX_UPLOADS = 2
_DOWNLOAD_SECONDS = 120.0
_JOB_ID = re.compile(r"[A-Za-z0-9._-]{1,200}")


class ComfyUIProvider:
    """Implements the `Provider` port.

    Args:
        outbound: makes all connections.
        clock: for pauses, and for the deadlines of jobs, which are kept with their attempts.
    """

    names = ("comfyui*",)
    extra_keys = frozenset({"workflow", "inputs", "preset"})

    def __init__(self, outbound: Outbound, *, clock: Clock) -> None:
        self._outbound = outbound
        self._clock = clock
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
            default_api_base=API_BASE,
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
            images = await Uploads(api=api, exchange=exchange).images(call.request, workflow)
        body = {"client_id": call.call_id, "prompt": workflow.with_values(values_of(call, workflow, images))}
        async with api.response_to("POST", "/prompt", seconds=call.config.timeout, json=body) as response:
            exchange.mark_response_started()
            answer = await answer_of(response)
        if not answer.is_success:
            raise refusal(answer, self._clock.now(), api.secrets)
        job_id = as_object(answer.tree).get("prompt_id")
        if not isinstance(job_id, str) or not _JOB_ID.fullmatch(job_id):
            raise bad_response(ResponseCode.NO_JOB())
        return UpstreamJob(
            id=job_id,
            data={
                "node_errors": [
                    [api.without_key(text) for text in error]
                    for error in node_errors_of(answer.tree, api.secrets)
                ]
            },
            expires_at=self._clock.now() + timedelta(seconds=_seconds(call.config)),
        )

    async def poll(self, call: ProviderCall, job: UpstreamJob, exchange: Exchange) -> Receipt:
        api, seconds = self._api(call.config), _seconds(call.config)
        self._watchers[_key(call, job)] = watcher = JobWatcher(
            api=api,
            job_id=job.id,
            clock=self._clock,
            seconds=seconds,
            seconds_left=self._seconds_left(job, seconds),
        )
        try:
            report = await watcher.wait()
        finally:
            del self._watchers[_key(call, job)]
        images = [{name: api.without_key(text) for name, text in image.items()} for image in report.images]
        return Receipt(data={"images": images, "node_errors": job.data["node_errors"]})

    async def collect(self, call: ProviderCall, receipt: Receipt, exchange: Exchange) -> ProviderResult:
        files = receipt.data["images"]
        if not files:
            raise bad_response(ComfyUICode.NO_IMAGE_SAVED())
        seed = drawn_seed(call, self._workflow(call.config))
        metadata = {} if seed is None else {"seed": seed}
        api = self._api(call.config)
        images = tuple(
            GeneratedImage(chunks=partial(self._download, api, file), metadata=metadata) for file in files
        )
        problems = node_problems(receipt.data["node_errors"])
        warnings = (ComfyUICode.OUTPUTS_IGNORED(problems=problems),) if problems else ()
        return ProviderResult(images=images, warnings=warnings, keeps_size=False)  # the workflow decides

    async def cancel(self, call: ProviderCall, job: UpstreamJob | None) -> None:
        """Take the job out of the queue, or interrupt it where it runs, and no other job ever.

        ComfyUI up to 0.3.56 interrupts whatever runs, and does not look at the id.
        """
        if job is None:
            return
        api = self._api(call.config)
        with contextlib.suppress(CallError, Unanswered):
            deleted = await api.post("/queue", json={"delete": [job.id]})
            is_taken = deleted.is_success
            if await is_in_queue(api, job.id, "queue_running"):
                interrupted = await api.post("/interrupt", json={"prompt_id": job.id})
                is_taken = interrupted.is_success
            if is_taken and (watcher := self._watchers.get(_key(call, job))) is not None:
                watcher.cancellation_taken()

    async def probe(self, config: ProviderConfig) -> Probe:
        path = "/system_stats"
        try:
            answer = await self._api(config).get(path)
        except CallError as error:
            return Probe(ok=False, detail=error.failure.reason)
        system = as_object(answer.tree).get("system")
        if not answer.is_success or not isinstance(system, dict):
            return Probe(ok=False, detail=ComfyUICode.NOT_COMFYUI(path=path))
        if kinds := await self._missing_kinds(config):
            return Probe(ok=False, detail=ComfyUICode.NODES_MISSING(kinds=kinds))
        version = str(system.get("comfyui_version") or "?")
        return Probe(ok=True, detail=ComfyUICode.PROBED(version=version, devices=_devices(answer.tree)))

    async def _missing_kinds(self, config: ProviderConfig) -> tuple[str, ...]:
        """Return the kinds of nodes of the workflow that this ComfyUI says it does not have."""
        api, missing = self._api(config), []
        with contextlib.suppress(CallError):
            for kind in self._workflow(config).kinds:
                answer = await api.get(f"/object_info/{quote(kind, safe='')}")
                if answer.is_success and answer.tree == {}:
                    missing.append(kind)
        return tuple(missing)

    def _api(self, config: ProviderConfig) -> ComfyUIApi:
        return ComfyUIApi(outbound=self._outbound, config=config)

    def _seconds_left(self, job: UpstreamJob, seconds: float) -> float:
        """Return how much is left of a job's time, by the wall clock, which may have been set meanwhile."""
        if job.expires_at is None:
            return seconds
        return min(seconds, max(0.0, (job.expires_at - self._clock.now()).total_seconds()))

    def _workflow(self, config: ProviderConfig) -> Workflow:
        return self._workflows.result_for((config,), lambda: parse_workflow(config.extra_config))

    def _download(self, api: ComfyUIApi, file: dict[str, str]) -> Any:
        return self._outbound.download(
            f"{api.url('/view')}?{urlencode(file)}",
            config=api.config,
            headers=api.headers,
            max_bytes=MAX_IMAGE_BYTES,
            timeout=max(_DOWNLOAD_SECONDS, api.config.timeout),
        )


def _key(call: ProviderCall, job: UpstreamJob) -> tuple[str, ...]:
    """Return what a job is known by here: each server has ids of its own, and may begin them anew."""
    return call.call_id, str(call.config.api_base), job.id


def _seconds(config: ProviderConfig) -> float:
    return max(JOB_SECONDS, config.timeout)


def _devices(tree: Any) -> tuple[str, ...]:
    devices = as_object(tree).get("devices")
    return tuple(
        str(as_object(device).get("name")) for device in (devices if isinstance(devices, list) else ())
    )
