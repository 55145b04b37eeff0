"""The provider of kind ``http``: whatever a document describes."""

import asyncio
import contextlib
from typing import Any

import attrs

from imagegen_adapters.outbound.client import Outbound
from imagegen_adapters.providers.common.calls import ResponseCode, configured_headers
from imagegen_adapters.providers.common.json_files import parse_json
from imagegen_adapters.providers.document.calls import DocumentCall, check_request, render_vars
from imagegen_adapters.providers.document.expressions import DocumentCode
from imagegen_adapters.providers.document.jobs import JobWatcher
from imagegen_adapters.providers.document.models import profile_of
from imagegen_adapters.providers.document.operations import ErrorClass, TaskSpec
from imagegen_adapters.providers.document.reading import document_of, preset_names
from imagegen_adapters.providers.document.requests import build_request, unsendable
from imagegen_adapters.providers.document.responses import (
    PartialResponse,
    classify,
    parse_response,
    read_error_response,
    read_head,
    submit_error,
)
from imagegen_adapters.providers.document.results import ResultReader, find_usage
from imagegen_adapters.providers.document.schema import Document
from imagegen_adapters.providers.document.sending import TOKEN_REFUSED, AccessTokens, Sender, absolute_url
from imagegen_adapters.providers.document.sizes import size_for_upstream
from imagegen_adapters.providers.document.streams import MAX_BUFFERED_BYTES, StreamedResponse
from imagegen_core.attempt import Receipt, UpstreamJob
from imagegen_core.config import ProviderConfig
from imagegen_core.errors import CallError, FailureCode, Refusal, UnsupportedOperation
from imagegen_core.models import Model, ProviderProfile, check_result_size, check_upscaled
from imagegen_core.ports.provider import Exchange, Probe, ProviderCall, ProviderResult
from imagegen_core.ports.tools import Clock
from imagegen_core.redaction import Redactor
from imagegen_core.requests import ImageRequest
from imagegen_core.values import ByteBudget, IdentityCache

_MAX_PARSES = 2
_MAX_UPLOADS = 4
_CANCEL_SECONDS = 10.0
_MAX_PROBE_SECONDS = 15.0


class HttpProvider:
    """Speaks to every provider that a document describes.

    ``redactor`` learns the access tokens that keys are exchanged for.
    """

    extra_keys = frozenset({"preset", "spec", "vars"})

    def __init__(self, outbound: Outbound, *, clock: Clock, redactor: Redactor | None = None) -> None:
        self._outbound = outbound
        self._clock = clock
        self._parses = asyncio.Semaphore(_MAX_PARSES)
        self._uploads = asyncio.Semaphore(_MAX_UPLOADS)
        self._buffers = ByteBudget(MAX_BUFFERED_BYTES)
        self._tokens = AccessTokens(outbound, clock, redactor or Redactor())
        self._documents: IdentityCache[Document] = IdentityCache()

    @property
    def names(self) -> tuple[str, ...]:
        return ("*", *preset_names())

    def describe(self, config: ProviderConfig) -> ProviderProfile:
        configured_headers(config)
        return profile_of(self._document(config), config)

    def split(self, request: ImageRequest, model: Model, config: ProviderConfig) -> tuple[ImageRequest, ...]:
        document = self._document(config)
        spec = document.model(model.id)
        operation = document.operation_for(request.operation, spec)
        if operation is None:
            raise UnsupportedOperation(request.operation, tuple(map(str, spec.capabilities)))
        size = size_for_upstream(request.params, spec.size_of(request.operation))
        check_result_size(request.params, size.width or 0, size.height or 0)
        if request.image is not None and document.mentions(operation, "upscale_factor"):
            check_upscaled(request.image, request.params)
        check_request(request, document, spec, operation)
        if document.fans_out(operation) or operation.streams(request.params):
            return request.split()
        return (request,)

    async def submit(self, call: ProviderCall, exchange: Exchange) -> UpstreamJob | Receipt:
        document_call = self._call(call)
        request = await document_call.paid_request(exchange)
        async with document_call.sender.open(request, exchange, seconds=call.config.timeout) as response:
            if not response.is_success:
                error_response = await read_error_response(response, document_call.secret)
                classification = document_call.classify(error_response)
                if classification.kind is ErrorClass.AUTH and TOKEN_REFUSED in response.extensions:
                    classification = attrs.evolve(classification, kind=ErrorClass.NOT_ADMITTED)
                raise submit_error(classification, error_response, call.model)
            partial = await read_head(response)
            return await self._submitted(document_call, partial, exchange)

    async def _submitted(
        self, document_call: DocumentCall, partial: PartialResponse, exchange: Exchange
    ) -> UpstreamJob | Receipt:
        """Return what a 2xx brought; whatever it is, it may be paid for."""
        operation, max_bytes = document_call.operation, document_call.document.egress.max_json_bytes
        if operation.stream is not None and partial.is_event_stream:
            await StreamedResponse(
                document_call=document_call,
                spec=operation.stream,
                start=partial,
                exchange=exchange,
                buffers=self._buffers,
            ).receive()
            return document_call.receipt(partial, is_image=False)
        try:
            if partial.is_complete and not partial.is_image(operation.response):
                parse_json(partial.head)  # a page is none
                response = document_call.parse(partial)
                if response.holds(operation.response.fail_if):
                    raise submit_error(document_call.classify(response), response, document_call.call.model)
            if operation.task is not None:
                return await _job(document_call, operation.task, partial, exchange)
        except CallError as error:
            if error.failure.code is FailureCode.BAD_RESPONSE and partial.head:  # paid for, and kept
                await partial.spool(exchange, max_bytes=max_bytes)
            raise
        await partial.spool(exchange, max_bytes=max_bytes)
        return document_call.receipt(partial)

    async def poll(self, call: ProviderCall, job: UpstreamJob, exchange: Exchange) -> Receipt:
        document_call = self._call(call)
        poll = document_call.operation.poll
        if poll is None:
            raise CallError(FailureCode.RESULT_EXPIRED, DocumentCode.DOCUMENT_JOBS_GONE())
        task = job.data.get("task", {"id": job.id})
        watcher = JobWatcher(document_call=document_call, poll=poll, task=task, exchange=exchange)
        receipt = await watcher.wait()
        usage = {"usage": job.data["usage"]} if job.data.get("usage") else {}
        return Receipt(data={**receipt.data, **usage, **document_call.skipped_data(job.data)})

    async def collect(self, call: ProviderCall, receipt: Receipt, exchange: Exchange) -> ProviderResult:
        return await ResultReader(
            document_call=self._call(call), receipt=receipt, exchange=exchange, parses=self._parses
        ).result()

    async def cancel(self, call: ProviderCall, job: UpstreamJob | None) -> None:
        if job is None:
            return
        with contextlib.suppress(CallError, Refusal):
            document_call = self._call(call)
            if document_call.operation.cancel is not None:
                spec, task = document_call.operation.cancel, job.data.get("task", {"id": job.id})
                async with document_call.open_free(spec, task, seconds=_CANCEL_SECONDS):
                    return

    async def probe(self, config: ProviderConfig) -> Probe:
        document = self._document(config)
        if document.health is None:
            return Probe(ok=True, detail=ResponseCode.NOT_PROBED(), verified=False)
        sender = self._sender(document, config)
        names: dict[str, Any] = {"base_url": config.api_base, "params": {}, "model_vars": {}, "task": {}}
        try:
            names["vars"] = render_vars(document, {**names, "vars": {}})
            request = build_request(document.health.request, document, config, names)
            seconds = min(_MAX_PROBE_SECONDS, config.timeout)
            async with sender.open(request, None, seconds=seconds) as http_response:
                is_success = http_response.is_success
                if is_success:
                    partial = await read_head(http_response)
                    body = partial.head if partial.is_complete else b"{}"
                    response = parse_response(partial.status, partial.headers, body, sender.secret)
                else:
                    response = await read_error_response(http_response, sender.secret)
        except CallError as error:
            return Probe(ok=False, detail=error.failure.reason)
        if is_success and (document.health.ok_if is None or response.holds(document.health.ok_if)):
            return Probe(ok=True, detail=DocumentCode.DOCUMENT_PROBED())
        classification = classify(response, document.errors, self._clock.now())
        reason = submit_error(classification, response).failure.reason
        if not is_success:
            reason = DocumentCode.DOCUMENT_PROBE_STATUS(status=response.status, reason=reason)
        return Probe(ok=False, detail=reason)

    def _call(self, call: ProviderCall) -> DocumentCall:
        document = self._document(call.config)
        spec = document.model(call.model.id)
        operation = document.operation_for(call.request.operation, spec)
        if operation is None:
            name = call.request.operation
            raise unsendable(DocumentCode.DOCUMENT_OPERATION_GONE(model=call.model.id, operation=name))
        sender = self._sender(document, call.config)
        return DocumentCall(call=call, document=document, model=spec, operation=operation, sender=sender)

    def _document(self, config: ProviderConfig) -> Document:
        return self._documents.result_for((config,), lambda: document_of(config))

    def _sender(self, document: Document, config: ProviderConfig) -> Sender:
        return Sender(
            outbound=self._outbound,
            clock=self._clock,
            document=document,
            config=config,
            uploads=self._uploads,
            tokens=self._tokens,
        )


async def _job(
    document_call: DocumentCall, task: TaskSpec, partial: PartialResponse, exchange: Exchange
) -> UpstreamJob | Receipt:
    """Return the job from a submit's response, or the receipt if the job is done already."""
    operation = document_call.operation
    tree = parse_json(partial.head) if partial.is_complete else None
    places: dict[str, Any] = {"headers": partial.headers, "reading": document_call.reading()}
    fields = {"id": task.id.search_text(tree, **places)}
    for name in ("poll_url", "result_url", "cancel_url"):
        expression, optional = getattr(task, name), name == "cancel_url"
        url = None if expression is None else expression.search_text(tree, optional=optional, **places)
        fields[name] = None if url is None else absolute_url(url, partial.url)
    done = task.done_if is not None and (
        not partial.is_complete or task.done_if.holds(tree, optional=True, **places)
    )
    if done and operation.poll is not None and operation.result is None:
        watcher = JobWatcher(document_call=document_call, poll=operation.poll, task=fields, exchange=exchange)
        outcome = await watcher.settle(partial)
        if isinstance(outcome, CallError):
            raise outcome
        if isinstance(outcome, Receipt):
            return outcome
    job_id = fields["id"]
    if not job_id:
        raise CallError(FailureCode.BAD_RESPONSE, ResponseCode.NO_JOB(), upstream_status=partial.status)
    usage = find_usage(operation.response.usage, tree, **places)
    data = {"task": fields, **({"usage": usage} if usage else {}), **document_call.skipped_data()}
    return UpstreamJob(id=job_id, data=data)
