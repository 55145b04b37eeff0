"""The provider of kind ``http``: whatever a document describes."""

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Any

from imagegen_adapters.outbound import Outbound
from imagegen_adapters.providers.http.calls import DocumentCall, check
from imagegen_adapters.providers.http.capabilities import fans_out, profile_of
from imagegen_adapters.providers.http.classification import judge, submit_error
from imagegen_adapters.providers.http.compiled import document_of, model_spec
from imagegen_adapters.providers.http.document import Document, TaskSpec
from imagegen_adapters.providers.http.egress import absolute_url
from imagegen_adapters.providers.http.extraction import failed_as_a_whole
from imagegen_adapters.providers.http.harvesting import Harvester
from imagegen_adapters.providers.http.polling import JobWatcher
from imagegen_adapters.providers.http.presets import PresetLibrary
from imagegen_adapters.providers.http.probing import probe_health
from imagegen_adapters.providers.http.receiving import Arrival, arrive, keep
from imagegen_adapters.providers.http.sending import Sender, as_answer, error_answer
from imagegen_adapters.providers.own_headers import own_headers
from imagegen_adapters.providers.spooled_json import parse_json
from imagegen_core.attempts import Receipt, UpstreamJob
from imagegen_core.capabilities import Model
from imagegen_core.errors import CallError, Refusal, UnsupportedOperation
from imagegen_core.failures import FailureCode
from imagegen_core.operations import PictureRequest
from imagegen_core.ports.clock import Clock
from imagegen_core.ports.provider import Exchange, Harvest, Probe, ProviderCall, ProviderProfile
from imagegen_core.provider_configs import ProviderConfig

_PARSES = 2
_UPLOADS = 4
_CANCEL_SECONDS = 10.0


class HttpProvider:
    """Speaks to every vendor that a document describes.

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
        self._parses = asyncio.Semaphore(_PARSES)
        self._uploads = asyncio.Semaphore(_UPLOADS)

    def describe(self, config: ProviderConfig) -> ProviderProfile:
        own_headers(config)
        return profile_of(document_of(config, self._presets), config)

    def split(
        self, request: PictureRequest, model: Model, config: ProviderConfig
    ) -> tuple[PictureRequest, ...]:
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
                answer = await error_answer(response, of.secret)
                raise submit_error(judge(answer, of.document.errors, of.now), answer, of.call.model)
            arrival = await arrive(response)
            picture = arrival.is_picture(of.operation.response)
            if arrival.short and not picture:
                _raise_failure(of, arrival)
            if of.operation.task is not None:
                return await _job(of, of.operation.task, arrival, exchange)
            return await keep(arrival, exchange, of.document, of.operation, picture=picture, secret=of.secret)

    async def poll(self, call: ProviderCall, job: UpstreamJob, exchange: Exchange) -> Receipt:
        of = self._call(call)
        poll = of.operation.poll
        if poll is None:
            raise CallError(FailureCode.RESULT_EXPIRED, "this provider's document no longer has jobs")
        return await JobWatcher(of=of, poll=poll, task=_told(job), exchange=exchange).wait()

    async def collect(self, call: ProviderCall, receipt: Receipt, exchange: Exchange) -> Harvest:
        of = self._call(call)
        return await Harvester(of=of, receipt=receipt, exchange=exchange, parses=self._parses).harvest()

    async def cancel(self, call: ProviderCall, job: UpstreamJob | None) -> None:
        if job is None:
            return
        with contextlib.suppress(CallError, Refusal):
            of = self._call(call)
            if of.operation.cancel is None:
                return
            request = of.free_request(of.operation.cancel, _told(job))
            async with of.sender.open(request, None, seconds=_CANCEL_SECONDS, also=(request.url,)):
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


def _told(job: UpstreamJob) -> Mapping[str, Any]:
    """Return what the submit's answer told of a job; the id at least."""
    told: Mapping[str, Any] = job.data.get("task", {"id": job.id})
    return told


def _raise_failure(of: DocumentCall, arrival: Arrival) -> None:
    """Refuse a short 2xx that is an error, or no JSON at all, before anybody takes it for a success."""
    tree = parse_json(arrival.head)
    if failed_as_a_whole(tree, of.operation.response, arrival.headers):
        answer = as_answer(arrival.status, arrival.headers, arrival.head, of.secret)
        raise submit_error(judge(answer, of.document.errors, of.now), answer, of.call.model)


async def _job(
    of: DocumentCall, task: TaskSpec, arrival: Arrival, exchange: Exchange
) -> UpstreamJob | Receipt:
    """Return the job that a submit's answer tells of, or its receipt when it is done already."""
    tree = parse_json(arrival.head) if arrival.short else None
    job_id = task.id.text_in(tree, headers=arrival.headers)
    told = {"id": job_id}
    for name in ("poll_url", "result_url", "cancel_url"):
        expression = getattr(task, name)
        url = None if expression is None else expression.text_in(tree, headers=arrival.headers)
        told[name] = None if url is None else absolute_url(url, arrival.url)
    done = task.done_if is not None and (
        not arrival.short or task.done_if.holds(tree, headers=arrival.headers)
    )
    if done and of.operation.poll is not None and of.operation.result is None:
        watcher = JobWatcher(of=of, poll=of.operation.poll, task=told, exchange=exchange)
        outcome = await watcher.settle(arrival)
        if isinstance(outcome, CallError):
            raise outcome
        if isinstance(outcome, Receipt):
            return outcome
    if not job_id:
        raise CallError(
            FailureCode.BAD_RESPONSE,
            "the vendor's answer names no job",
            upstream_status=arrival.status,
        )
    return UpstreamJob(id=job_id, data={"task": told})
