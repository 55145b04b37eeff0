"""The provider of kind ``http``: whatever a document describes."""

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Any

from imagegen_adapters.outbound import Outbound
from imagegen_adapters.providers.configured_headers import configured_headers
from imagegen_adapters.providers.http.capabilities import fans_out, profile_of
from imagegen_adapters.providers.http.classification import classify, submit_error
from imagegen_adapters.providers.http.configured_document import document_of, model_spec
from imagegen_adapters.providers.http.document import Document, TaskSpec
from imagegen_adapters.providers.http.document_call import DocumentCall, check
from imagegen_adapters.providers.http.egress import absolute_url
from imagegen_adapters.providers.http.extraction import is_failure
from imagegen_adapters.providers.http.partial_responses import PartialResponse, read_head, spool_response
from imagegen_adapters.providers.http.polling import JobWatcher
from imagegen_adapters.providers.http.presets import PresetLibrary
from imagegen_adapters.providers.http.probing import probe_health
from imagegen_adapters.providers.http.result_parsing import ResultParser
from imagegen_adapters.providers.http.sender import Sender, parse_response, read_error_response
from imagegen_adapters.providers.spooled_json import parse_json
from imagegen_core.errors import CallError, Refusal, UnsupportedOperation
from imagegen_core.failures import FailureCode
from imagegen_core.operations import ImageRequest
from imagegen_core.ports.clock import Clock
from imagegen_core.ports.provider import Exchange, Probe, ProviderCall, ProviderProfile, ProviderResult
from imagegen_core.providers.capabilities import Model
from imagegen_core.providers.config import ProviderConfig
from imagegen_core.tasks.attempt import Receipt, UpstreamJob

_MAX_PARSES = 2
_MAX_UPLOADS = 4
_CANCEL_SECONDS = 10.0


class HttpProvider:
    """Speaks to every provider that a document describes.

    Args:
        outbound: what leaves the box.
        clock: for the pauses between polls, and for signatures.
        presets: the shipped documents; a library of its own when left out.
    """

    extra_keys = frozenset({"preset", "spec", "vars"})

    def __init__(self, outbound: Outbound, *, clock: Clock, presets: PresetLibrary | None = None) -> None:
        self._outbound = outbound
        self._presets = PresetLibrary() if presets is None else presets
        self._clock = clock
        self._parses = asyncio.Semaphore(_MAX_PARSES)
        self._uploads = asyncio.Semaphore(_MAX_UPLOADS)

    def describe(self, config: ProviderConfig) -> ProviderProfile:
        configured_headers(config)
        return profile_of(document_of(config, self._presets), config)

    def split(self, request: ImageRequest, model: Model, config: ProviderConfig) -> tuple[ImageRequest, ...]:
        document = document_of(config, self._presets)
        spec = model_spec(document, model.id)
        operation = document.operation_for(request.operation, spec)
        if operation is None:
            raise UnsupportedOperation(request.operation, tuple(map(str, spec.capabilities)))
        check(request, document, spec, operation)
        return request.split() if fans_out(document, operation) else (request,)

    async def submit(self, call: ProviderCall, exchange: Exchange) -> UpstreamJob | Receipt:
        of = self._call(call)
        request = await of.paid_request(exchange)
        async with of.sender.open(request, exchange, seconds=call.config.timeout) as response:
            if not response.is_success:
                answer = await read_error_response(response, of.secret)
                raise submit_error(classify(answer, of.document.errors, of.now), answer, of.call.model)
            partial = await read_head(response)
            image = partial.is_image(of.operation.response)
            if partial.is_complete and not image:
                _raise_failure(of, partial)
            if of.operation.task is not None:
                return await _job(of, of.operation.task, partial, exchange)
            return await spool_response(
                partial, exchange, of.document, of.operation, image=image, secret=of.secret
            )

    async def poll(self, call: ProviderCall, job: UpstreamJob, exchange: Exchange) -> Receipt:
        of = self._call(call)
        poll = of.operation.poll
        if poll is None:
            raise CallError(FailureCode.RESULT_EXPIRED, "this provider's document no longer has jobs")
        return await JobWatcher(of=of, poll=poll, task=_task_fields(job), exchange=exchange).wait()

    async def collect(self, call: ProviderCall, receipt: Receipt, exchange: Exchange) -> ProviderResult:
        of = self._call(call)
        return await ResultParser(of=of, receipt=receipt, exchange=exchange, parses=self._parses).parse()

    async def cancel(self, call: ProviderCall, job: UpstreamJob | None) -> None:
        if job is None:
            return
        with contextlib.suppress(CallError, Refusal):
            of = self._call(call)
            if of.operation.cancel is None:
                return
            request = of.free_request(of.operation.cancel, _task_fields(job))
            async with of.sender.open(request, None, seconds=_CANCEL_SECONDS, extra_origins=(request.url,)):
                return

    async def probe(self, config: ProviderConfig) -> Probe:
        document = document_of(config, self._presets)
        return await probe_health(document, config, self._sender(document, config))

    def _call(self, call: ProviderCall) -> DocumentCall:
        document = document_of(call.config, self._presets)
        return DocumentCall.of(call, document, self._sender(document, call.config))

    def _sender(self, document: Document, config: ProviderConfig) -> Sender:
        return Sender(
            outbound=self._outbound,
            clock=self._clock,
            document=document,
            config=config,
            uploads=self._uploads,
        )


def _task_fields(job: UpstreamJob) -> Mapping[str, Any]:
    """Return what the submit's answer told of a job; the id at least."""
    told: Mapping[str, Any] = job.data.get("task", {"id": job.id})
    return told


def _raise_failure(of: DocumentCall, partial: PartialResponse) -> None:
    """Refuse a short 2xx that is an error, or no JSON at all, before anybody takes it for a success."""
    tree = parse_json(partial.head)
    if is_failure(tree, of.operation.response, partial.headers):
        answer = parse_response(partial.status, partial.headers, partial.head, of.secret)
        raise submit_error(classify(answer, of.document.errors, of.now), answer, of.call.model)


async def _job(
    of: DocumentCall, task: TaskSpec, partial: PartialResponse, exchange: Exchange
) -> UpstreamJob | Receipt:
    """Return the job that a submit's answer tells of, or its receipt when it is done already."""
    tree = parse_json(partial.head) if partial.is_complete else None
    job_id = task.id.search_text(tree, headers=partial.headers)
    told = {"id": job_id}
    for name in ("poll_url", "result_url", "cancel_url"):
        expression = getattr(task, name)
        url = None if expression is None else expression.search_text(tree, headers=partial.headers)
        told[name] = None if url is None else absolute_url(url, partial.url)
    done = task.done_if is not None and (
        not partial.is_complete or task.done_if.holds(tree, headers=partial.headers)
    )
    if done and of.operation.poll is not None and of.operation.result is None:
        watcher = JobWatcher(of=of, poll=of.operation.poll, task=told, exchange=exchange)
        outcome = await watcher.settle(partial)
        if isinstance(outcome, CallError):
            raise outcome
        if isinstance(outcome, Receipt):
            return outcome
    if not job_id:
        raise CallError(
            FailureCode.BAD_RESPONSE,
            "the provider's answer names no job",
            upstream_status=partial.status,
        )
    return UpstreamJob(id=job_id, data={"task": told})
