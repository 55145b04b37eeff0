"""The provider of kind ``http``: submits, polls and collects whatever a document describes."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from functools import partial
from io import BytesIO
from typing import Any, BinaryIO

import attrs
import httpx

from imagegen_adapters.outbound.client import Outbound
from imagegen_adapters.outbound.errors import is_transport_error
from imagegen_adapters.providers.common.calls import (
    PollFailures,
    ResponseCode,
    configured_headers,
    is_from_upstream,
    may_be_json,
    read_error,
    two_part_key_problem,
)
from imagegen_adapters.providers.common.json_files import bad_response, parse_json
from imagegen_adapters.providers.document.batches import OpenAiBatches
from imagegen_adapters.providers.document.calls import (
    PATH_OF_DOTS,
    TOKEN_REFUSED,
    DocumentCall,
    Sender,
    check_request,
    preview,
    unsendable,
)
from imagegen_adapters.providers.document.credentials import OAUTH, AccessTokens, NoAccessToken
from imagegen_adapters.providers.document.expressions import DocumentCode, UpstreamResponse
from imagegen_adapters.providers.document.models import profile_of, size_for_upstream
from imagegen_adapters.providers.document.operations import (
    OperationSpec,
    PollSpec,
    RequestSpec,
    State,
    TaskSpec,
)
from imagegen_adapters.providers.document.reading import ALIASES, PRESETS, document_of, preset_names
from imagegen_adapters.providers.document.responses import (
    PartialResponse,
    parse_response,
    read_error_response,
    retry_after,
)
from imagegen_adapters.providers.document.results import (
    MAX_BUFFERED_BYTES,
    ResultReader,
    StreamedResponse,
    find_usage,
)
from imagegen_adapters.providers.document.schema import Document, ModelSpec, absolute_url, key_hosts
from imagegen_core.attempt import Receipt, UpstreamJob
from imagegen_core.config import ProviderConfig
from imagegen_core.errors import (
    BlobMissing,
    CallError,
    FailureCode,
    Refusal,
    UnsupportedOperation,
    ValidationFailed,
)
from imagegen_core.models import Model, ProviderProfile, check_result_size, check_upscaled
from imagegen_core.ports.provider import Exchange, Probe, ProviderCall, ProviderResult
from imagegen_core.ports.tools import Clock
from imagegen_core.requests import ImageRequest, InputImage
from imagegen_core.secrets import MASK, Redactor, Secret
from imagegen_core.values import ByteBudget, IdentityCache

_MAX_PARSES = 2
_MAX_UPLOADS = 4
_CANCEL_SECONDS = 10.0
_MAX_PROBE_SECONDS = 15.0
_MAX_POLL_CALL_SECONDS = 60.0
_MIN_PAUSE_SECONDS = 0.05
_GONE_STATUSES = frozenset((404, 410))
_RETRY_STATUSES = frozenset((408, 425, 429))
ReadSample = Callable[[str, int, bytes], Awaitable[dict[str, Any]]]  # by step, status and body


class HttpProvider:
    """Speaks to every provider that a document describes; ``redactor`` learns their access tokens."""

    extra_keys = frozenset({"preset", "spec", "vars"})

    def __init__(self, outbound: Outbound, *, clock: Clock, redactor: Redactor | None = None) -> None:
        self._parses = asyncio.Semaphore(_MAX_PARSES)
        self._buffers = ByteBudget(MAX_BUFFERED_BYTES)
        self._shared: dict[str, Any] = {
            "outbound": outbound,
            "clock": clock,
            "uploads": asyncio.Semaphore(_MAX_UPLOADS),
            "tokens": AccessTokens(outbound, clock, redactor or Redactor()),
        }
        self._documents: IdentityCache[Document] = IdentityCache()
        self.batches = OpenAiBatches(self._call, self._sender)

    @property
    def names(self) -> tuple[str, ...]:
        return ("*", *preset_names())

    def describe(self, config: ProviderConfig) -> ProviderProfile:
        configured_headers(config)
        document = self._document(config)
        auth, form = document.auth, document.auth.key_form
        return attrs.evolve(
            profile_of(document, config.models),
            key_hosts=key_hosts(document, config.api_base or document.base_url),
            key_problem=None if form is None else two_part_key_problem(config, form),
            key_url=auth.token_url if auth.type == OAUTH else None,
        )

    def split(self, request: ImageRequest, model: Model, config: ProviderConfig) -> tuple[ImageRequest, ...]:
        document = self._document(config)
        spec = document.model(model.id)
        operation = self._operation(document, spec, request)
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
        async with document_call.open(request, exchange, seconds=call.config.timeout) as response:
            return await self.answered(document_call, response, exchange)

    async def answered(
        self, document_call: DocumentCall, response: httpx.Response, exchange: Exchange
    ) -> UpstreamJob | Receipt:
        """Return what the response to the paid request brought."""
        if not response.is_success:
            classification = document_call.classify(await read_error_response(response, document_call.secret))
            if classification.kind == "auth" and TOKEN_REFUSED in response.extensions:
                classification = attrs.evolve(classification, kind="not_admitted")
            raise classification.submit_error(document_call.call.model)
        return await self._submitted(document_call, await document_call.read(response), exchange)

    async def _submitted(
        self, document_call: DocumentCall, start: PartialResponse, exchange: Exchange
    ) -> UpstreamJob | Receipt:
        """Return what a 2xx brought; whatever it is, it may be paid for."""
        operation, max_bytes = document_call.operation, document_call.document.egress.max_json_bytes
        if operation.stream is not None and start.is_event_stream:
            await StreamedResponse(document_call, operation.stream, start, exchange, self._buffers).receive()
            return document_call.receipt(start, is_image=False)
        try:
            if start.is_complete and not start.is_image(operation.response):
                if start.text or not start.head:
                    parse_json(start.head)  # refuses a proxy's page
                if start.holds(operation.response.fail_if):
                    raise document_call.classify(start).submit_error(document_call.call.model)
            if operation.task is not None:
                return await _job(document_call, operation.task, start, exchange)
        except CallError as error:
            if error.failure.code is FailureCode.BAD_RESPONSE and start.head:  # paid for, and kept
                await start.spool(exchange, max_bytes=max_bytes)
            raise
        await start.spool(exchange, max_bytes=max_bytes)
        return document_call.receipt(start)

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
        return await ResultReader(self._call(call), receipt, exchange, self._parses).result()

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
        sender = self._sender(config)
        names: dict[str, Any] = {"base_url": config.api_base, "params": {}, "model_vars": {}, "task": {}}
        try:
            request = sender.build(document.health.request, names)
            seconds = min(_MAX_PROBE_SECONDS, config.timeout)
            async with sender.open(request, None, seconds=seconds) as http_response:
                is_success = http_response.is_success
                if is_success:
                    response: UpstreamResponse = await sender.read(http_response)
                else:
                    response = await read_error_response(http_response, sender.secret)
        except CallError as error:
            return Probe(ok=False, detail=error.failure.reason)
        if is_success and (document.health.ok_if is None or response.holds(document.health.ok_if)):
            if document.health.credits is None:
                return Probe(ok=True, detail=DocumentCode.DOCUMENT_PROBED())
            if credits_left := response.text_at(document.health.credits):
                return Probe(ok=True, detail=DocumentCode.CREDITS_LEFT(credits=credits_left))
            return Probe(ok=False, detail=DocumentCode.NO_BALANCE())
        reason = sender.classify(response).submit_error().failure.reason
        if not is_success:
            reason = DocumentCode.DOCUMENT_PROBE_STATUS(status=response.status, reason=reason)
        return Probe(ok=False, detail=reason)

    def text_of(self, preset: str) -> str:
        """Return the document of a shipped preset as it was written."""
        return PRESETS.joinpath(f"{ALIASES.get(preset, preset)}.yaml").read_text("utf-8")

    async def dry_run(self, call: ProviderCall) -> tuple[list[dict[str, Any]], ReadSample]:
        """Return the requests of a call, and what reads an answer to one of them; nothing is sent.

        `ValidationFailed`: they cannot be built.
        """
        form = self._document(call.config).auth.key_form
        key = Secret(MASK if form is None else f"{MASK}:{MASK}")
        document_call = self._call(attrs.evolve(call, config=attrs.evolve(call.config, api_key=key)))
        try:
            requests = await document_call.requests(None)
            previews = [preview(document_call, *each) for each in requests.items()]
        except CallError as error:
            raise ValidationFailed.for_field("request", error.failure.reason) from error
        return previews, partial(self._read_sample, document_call)

    async def _read_sample(self, call: DocumentCall, step: str, status: int, answer: bytes) -> dict[str, Any]:
        operation, memory = call.operation, _Memory()
        request = httpx.Request("POST", str(call.config.api_base))
        headers = {"content-type": "application/json"}
        response = httpx.Response(status, headers=headers, content=answer, request=request)
        outcome: UpstreamJob | Receipt | float
        try:
            if step == "submit" or operation.poll is None:
                outcome = await self.answered(call, response, memory)
            else:
                alone = attrs.evolve(call, operation=attrs.evolve(operation, result=None))  # asks for nothing
                watcher = JobWatcher(document_call=alone, poll=operation.poll, task={}, exchange=memory)
                is_poll = step == "poll"
                outcome = await (watcher.receive(response) if is_poll else watcher.receive_result(response))
            if isinstance(outcome, UpstreamJob):
                return {"state": "accepted", "job": dict(outcome.data["task"])}
            if not isinstance(outcome, Receipt):
                return {"state": "pending"}
            if step == "poll" and operation.result is not None:
                return {"state": "done"}
            result = await self.collect(call.call, outcome, memory)
        except CallError as error:
            return {"state": "failed", "failures": [error.failure]}
        images, failures = [each.url for each in result.images], [each.failure for each in result.failures]
        return {"state": "done", "images": images, "failures": failures, "warnings": result.warnings}

    def _call(self, call: ProviderCall) -> DocumentCall:
        document = self._document(call.config)
        spec = document.model(call.model.id)
        operation = self._operation(document, spec, call.request)
        if operation is None:
            name = call.request.operation
            raise unsendable(DocumentCode.DOCUMENT_OPERATION_GONE(model=call.model.id, operation=name))
        return DocumentCall(
            document=document, config=call.config, call=call, model=spec, operation=operation, **self._shared
        )

    def _sender(self, config: ProviderConfig) -> Sender:
        return Sender(document=self._document(config), config=config, **self._shared)

    def _operation(self, document: Document, spec: ModelSpec, request: ImageRequest) -> OperationSpec | None:
        return document.operation_for(request.operation, spec)

    def _document(self, config: ProviderConfig) -> Document:
        return self._documents.result_for((config,), lambda: document_of(config))


async def _job(
    document_call: DocumentCall, task: TaskSpec, start: PartialResponse, exchange: Exchange
) -> UpstreamJob | Receipt:
    """Return the job from a submit's response, or the receipt if the job is done already."""
    operation = document_call.operation
    fields = {"id": start.text_at(task.id, optional=False)}
    for name in ("poll_url", "result_url", "cancel_url"):
        expression, optional = getattr(task, name), name == "cancel_url"
        url = start.text_at(expression, optional=optional)
        fields[name] = None if url is None else absolute_url(url, start.url)
    done = task.done_if is not None and (not start.is_complete or start.holds(task.done_if))
    if done and operation.poll is not None and operation.result is None:
        watcher = JobWatcher(document_call=document_call, poll=operation.poll, task=fields, exchange=exchange)
        outcome = await watcher.settle(start)
        if isinstance(outcome, Receipt):
            return outcome
    job_id = fields["id"]
    if not job_id or PATH_OF_DOTS.search(job_id):
        raise CallError(FailureCode.BAD_RESPONSE, ResponseCode.NO_JOB(), upstream_status=start.status)
    usage = find_usage(operation.response.usage, start)
    data = {"task": fields, **({"usage": usage} if usage else {}), **document_call.skipped_data()}
    return UpstreamJob(id=job_id, data=data)


class _Memory(Exchange):
    """An exchange without a disk, without images of a caller, and without anybody who follows the call."""

    def __init__(self) -> None:
        self._spooled: dict[str, bytes] = {}

    def mark_response_started(self) -> None:
        pass

    async def spool(self, name: str, chunks: AsyncIterator[bytes], *, max_bytes: int) -> int:
        data = b"".join([chunk async for chunk in chunks])
        if len(data) > max_bytes:
            raise bad_response(ResponseCode.RESPONSE_TOO_LONG(maximum=max_bytes))
        self._spooled[name] = data
        return len(data)

    def open_spooled(self, name: str) -> BinaryIO:
        return BytesIO(self._spooled[name])

    def input_chunks(self, image: InputImage) -> AsyncIterator[bytes]:
        raise BlobMissing(image.key)

    async def progress(self, fraction: float) -> None:
        pass

    def partial_image(self, index: int, content: bytes) -> None:
        pass


# Jobs: polling is free, so only a final answer of the provider or the deadline ends it


@attrs.frozen(kw_only=True)
class JobWatcher:
    """Waits for one job; ``task`` has the fields of the submit's response.

    What does not end the job is the seconds that the provider asks us to wait. Its final answer is raised.
    """

    document_call: DocumentCall
    poll: PollSpec
    task: Mapping[str, Any]
    exchange: Exchange
    failures: PollFailures = attrs.field(factory=PollFailures)

    async def wait(self) -> Receipt:
        """Return the receipt once the job is done; the error at the deadline is ``timeout``."""
        clock = self.document_call.clock
        seconds = max(self.poll.deadline_s, self.document_call.config.timeout)
        deadline = clock.monotonic() + seconds
        pause, interval = self.poll.first_after_s, self.poll.interval_s
        while True:
            remaining = deadline - clock.monotonic()
            if remaining <= 0:
                raise self.failures.timeout_error(seconds)
            # Whatever the provider asks for, the last poll is at the deadline, not after it.
            await clock.sleep(min(pause, remaining))
            outcome = await self._poll_once()
            if isinstance(outcome, Receipt):
                return outcome
            pause = max(interval, outcome, _MIN_PAUSE_SECONDS)
            interval = min(interval * self.poll.backoff, max(self.poll.interval_max_s, self.poll.interval_s))

    async def settle(self, start: PartialResponse) -> Receipt | float:
        """Return what a successful response about the job means; the result of a finished job is spooled."""
        try:
            state = self._state(start)
        except CallError as error:
            return self.failures.tolerate(error, from_upstream=True, is_unreadable=True)
        if state == "pending":
            await self._report(start)
            return self._pending(start)
        if state != "succeeded":
            raise self._job_failure(state, start)
        if self.document_call.operation.result is None:
            return await self._spool_result(start)
        async with self._open(self.document_call.operation.result, is_result=True) as result:
            return await self.receive_result(result)

    async def receive_result(self, response: httpx.Response) -> Receipt | float:
        """Return what the response to the request for the result of a finished job means."""
        if not response.is_success:
            return await self._unsuccessful(response)
        return await self._spool_result(await self.document_call.read(response))

    async def receive(self, response: httpx.Response) -> Receipt | float:
        """Return what the response to a poll means, as `settle` does."""
        status = self.poll.status
        is_state = status.is_http and status.state_of(str(response.status_code)) != "pending"
        if response.is_success or is_state:
            return await self.settle(await self.document_call.read(response))
        return await self._unsuccessful(response)

    async def _poll_once(self) -> Receipt | float:
        try:
            async with self._open(self.poll.request) as response:
                return await self.receive(response)
        except CallError as error:
            if not is_transport_error(error) and not isinstance(error, NoAccessToken):
                raise
            return self.failures.tolerate(error, from_upstream=False)

    def _open(
        self, spec: RequestSpec, *, is_result: bool = False
    ) -> contextlib.AbstractAsyncContextManager[httpx.Response]:
        bound = max if is_result else min
        seconds = bound(_MAX_POLL_CALL_SECONDS, self.document_call.config.timeout)
        return self.document_call.open_free(spec, self.task, seconds=seconds)

    def _state(self, start: PartialResponse) -> State:
        """Return a job's state; a status that is missing, or unknown to the document, counts as pending."""
        if self.poll.status.is_http:
            status: str | None = str(start.status)
        elif not start.is_complete:  # only a result exceeds the size of a status
            return "succeeded" if self._is_result(start) else "pending"
        elif start.tree is None:
            return "pending"  # a proxy's page, or a truncated response
        else:
            status = start.text_at(self.poll.status.source, optional=False)
        state = self.poll.status.state_of(status)
        if state in ("pending", "succeeded") and start.holds(self.poll.fail_if):
            return "failed"
        return state

    def _pending(self, response: UpstreamResponse) -> float:
        self.failures.clear()
        call = self.document_call
        return retry_after(response, call.document.errors, call.clock.now()) or 0.0

    async def _spool_result(self, start: PartialResponse) -> Receipt | float:
        if not self._is_result(start):
            error = CallError(FailureCode.BAD_RESPONSE, ResponseCode.PAGE_INSTEAD())
            return self.failures.tolerate(error, from_upstream=False)
        await start.spool(self.exchange, max_bytes=self.document_call.document.egress.max_json_bytes)
        return self.document_call.receipt(start)

    def _is_result(self, start: PartialResponse) -> bool:
        """Return whether it can be the expected result; a proxy's page or an empty body cannot."""
        return start.is_image(self.document_call.operation.response) or may_be_json(start.head)

    async def _unsuccessful(self, http_response: httpx.Response) -> float:
        status, body = http_response.status_code, await read_error(http_response)
        response = parse_response(status, http_response.headers, body, self.document_call.secret)
        classification = self.document_call.classify(response)
        if status in _RETRY_STATUSES or status >= 500:  # noqa: PLR2004 - server errors
            self.failures.clear()
            return classification.retry_after or 0.0
        error = _expired(response) if status in _GONE_STATUSES else classification.job_error()
        return self.failures.tolerate(error, from_upstream=is_from_upstream(status, body))

    def _job_failure(self, state: State, response: UpstreamResponse) -> CallError:
        if state == "expired":
            return _expired(response)
        paths = self.poll.failure
        code, message = response.text_at(paths.code), response.text_at(paths.message)
        classification = self.document_call.classify(response, code, message)
        if state == "cancelled":
            reason = classification.text or ResponseCode.JOB_CANCELLED()
            return CallError(FailureCode.CANCELLED, reason, possible_charge=True)
        if state == "blocked":
            classification = attrs.evolve(classification, kind="blocked", matched=True)
        return classification.job_error()

    async def _report(self, response: UpstreamResponse) -> None:
        if self.poll.progress is None:
            return
        with contextlib.suppress(TypeError, ValueError):
            number = float((response.text_at(self.poll.progress) or "").strip().removesuffix("%"))
            await self.exchange.progress(min(1.0, max(0.0, number / 100 if number > 1 else number)))


def _expired(response: UpstreamResponse) -> CallError:
    return CallError(FailureCode.RESULT_EXPIRED, ResponseCode.JOB_UNKNOWN(), upstream_status=response.status)
