"""Polls an accepted job. Polling is free, so only a final answer of the provider or the deadline ends it."""

import contextlib
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import attrs
import httpx

from imagegen_adapters.outbound.errors import is_transport_error
from imagegen_adapters.providers.common.calls import PollFailures, is_from_upstream, may_be_json, read_error
from imagegen_adapters.providers.common.words import ResponseCode
from imagegen_adapters.providers.document.calls import DocumentCall
from imagegen_adapters.providers.document.expressions import Reading
from imagegen_adapters.providers.document.responses import (
    Classification,
    PartialResponse,
    UpstreamResponse,
    headers_of,
    job_error,
    parse_response,
    read_head,
)
from imagegen_adapters.providers.document.schema import (
    ErrorClass,
    ErrorPaths,
    PollSpec,
    RequestSpec,
    StatusSpec,
)
from imagegen_adapters.providers.document.sending import NoAccessToken
from imagegen_core.attempt import Receipt
from imagegen_core.errors import CallError, FailureCode
from imagegen_core.ports.provider import Exchange

_MAX_POLL_CALL_SECONDS = 60.0
_MIN_PAUSE_SECONDS = 0.05
_GONE_STATUSES = frozenset((404, 410))
_RETRY_STATUSES = frozenset((408, 425, 429))


class JobState(StrEnum):
    """A job's state in our terms."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    BLOCKED = "blocked"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


@attrs.frozen(kw_only=True)
class JobPending:
    """The job is not done; ``seconds`` is the wait that the provider asked for, 0 if none."""

    seconds: float = 0.0


@attrs.frozen(kw_only=True)
class PollError:
    """A response that is an error, and whether it is the provider's own.

    ``is_unreadable``: the document cannot read the state of the job in it.
    """

    error: CallError
    from_upstream: bool
    is_unreadable: bool = False


Outcome = Receipt | JobPending | PollError | CallError
"""The result of one poll; a `CallError` in it is the provider's final answer about the job."""


def state_of(response: UpstreamResponse, poll: PollSpec) -> JobState:
    """Return a job's state; a status that is missing, or unknown to the document, counts as pending."""
    expression = poll.status.expression
    if expression is None:
        status: str | None = str(response.status)
    else:
        status = expression.search_text(response.tree, headers=response.headers, reading=response.reading)
    state = _state_for(status, poll.status)
    if state in (JobState.PENDING, JobState.SUCCEEDED) and poll.fail_if is not None:
        return JobState.FAILED if response.holds(poll.fail_if) else state
    return state


def _state_for(status: str | None, spec: StatusSpec) -> JobState:
    if status is not None:
        for state in JobState:
            if status.casefold() in (name.casefold() for name in getattr(spec, state)):
                return state
    return JobState.PENDING


@attrs.frozen(kw_only=True)
class JobWatcher:
    """Waits for one job of one call; ``task`` contains the fields from the submit's response."""

    document_call: DocumentCall
    poll: PollSpec
    task: Mapping[str, Any]
    exchange: Exchange

    async def wait(self) -> Receipt:
        """Return the receipt once the job is done.

        Raises:
            CallError: the job failed or is gone, or ``timeout`` at the deadline.
        """
        clock = self.document_call.sender.clock
        seconds = max(self.poll.deadline_s, self.document_call.call.config.timeout)
        deadline = clock.monotonic() + seconds
        pause = self.poll.first_after_s
        interval = self.poll.interval_s
        poll_failures = PollFailures()
        while True:
            remaining = deadline - clock.monotonic()
            if remaining <= 0:
                raise poll_failures.timeout_error(seconds)
            # Whatever the provider asks for, the last poll is at the deadline, not after it.
            await clock.sleep(min(pause, remaining))
            outcome = await self._poll_once(poll_failures)
            if isinstance(outcome, Receipt):
                return outcome
            pause = max(interval, outcome.seconds, _MIN_PAUSE_SECONDS)
            interval = min(interval * self.poll.backoff, max(self.poll.interval_max_s, self.poll.interval_s))

    async def settle(self, partial: PartialResponse) -> Outcome:
        """Return what a successful response about the job means; the result of a finished job is spooled.

        Raises:
            CallError: the connection broke, or the response could not be stored.
        """
        response = parse_response(
            partial.status,
            partial.headers,
            partial.head if partial.is_complete else b"",
            self.document_call.secret,
            reading=Reading(skipped=self.document_call.skipped),
        )
        try:
            state = self._state(response, partial)
        except CallError as error:
            return PollError(error=error, from_upstream=True, is_unreadable=True)
        if state is JobState.PENDING:
            await self._report(response)
            return JobPending(seconds=self.document_call.retry_after(response) or 0.0)
        if state is not JobState.SUCCEEDED:
            return self._job_failure(state, response)
        if self.document_call.operation.result is not None:
            return await self._fetch_result(self.document_call.operation.result)
        return await self._spool_result(partial)

    def _state(self, response: UpstreamResponse, partial: PartialResponse) -> JobState:
        if self.poll.status.source != "http":
            if not partial.is_complete:  # only a result exceeds the size of a status
                return JobState.SUCCEEDED if self._is_result(partial) else JobState.PENDING
            if response.tree is None:
                return JobState.PENDING  # a proxy's page, or a truncated response
        return state_of(response, self.poll)

    async def _poll_once(self, poll_failures: PollFailures) -> Receipt | JobPending:
        try:
            outcome = await self._request_outcome()
        except CallError as error:
            if not is_transport_error(error) and not isinstance(error, NoAccessToken):
                raise
            outcome = PollError(error=error, from_upstream=False)
        if isinstance(outcome, CallError):
            raise outcome
        if isinstance(outcome, PollError):
            poll_failures.tolerate(
                outcome.error, from_upstream=outcome.from_upstream, is_unreadable=outcome.is_unreadable
            )
            return JobPending()
        poll_failures.clear()
        return outcome

    async def _request_outcome(self) -> Outcome:
        """Poll once; everything about the job is returned, only transport errors are raised."""
        request = self.document_call.free_request(self.poll.request, self.task)
        seconds = min(_MAX_POLL_CALL_SECONDS, self.document_call.call.config.timeout)
        async with self.document_call.sender.open(
            request, None, seconds=seconds, extra_origins=(request.url,)
        ) as response:
            if not response.is_success and not self._is_known_status(response.status_code):
                return await self._unsuccessful(response)
            return await self.settle(await read_head(response))

    async def _fetch_result(self, spec: RequestSpec) -> Outcome:
        request = self.document_call.free_request(spec, self.task)
        seconds = max(_MAX_POLL_CALL_SECONDS, self.document_call.call.config.timeout)
        async with self.document_call.sender.open(
            request, None, seconds=seconds, extra_origins=(request.url,)
        ) as response:
            if not response.is_success:
                return await self._unsuccessful(response)
            return await self._spool_result(await read_head(response))

    async def _spool_result(self, partial: PartialResponse) -> Outcome:
        if not self._is_result(partial):
            page = CallError(FailureCode.BAD_RESPONSE, ResponseCode.PAGE_INSTEAD())
            return PollError(error=page, from_upstream=False)
        await partial.spool(self.exchange, max_bytes=self.document_call.document.egress.max_json_bytes)
        return self.document_call.receipt(
            status=partial.status,
            url=partial.url,
            headers=partial.headers,
            is_image=partial.is_image(self.document_call.operation.response),
        )

    def _is_result(self, partial: PartialResponse) -> bool:
        """Return whether it can be what the document expects; a proxy's page or an empty body cannot."""
        return partial.is_image(self.document_call.operation.response) or may_be_json(partial.head)

    def _is_known_status(self, status: int) -> bool:
        spec = self.poll.status
        return spec.source == "http" and _state_for(str(status), spec) is not JobState.PENDING

    async def _unsuccessful(self, http_response: httpx.Response) -> Outcome:
        body = await read_error(http_response)
        response = parse_response(
            http_response.status_code, headers_of(http_response), body, self.document_call.secret
        )
        if response.status in _RETRY_STATUSES or response.status >= 500:  # noqa: PLR2004 - server errors
            return JobPending(seconds=self.document_call.retry_after(response) or 0.0)
        error = job_error(self.document_call.classify(response), response)
        if response.status in _GONE_STATUSES:
            error = self._expired(response)
        return PollError(error=error, from_upstream=is_from_upstream(response.status, body))

    def _job_failure(self, state: JobState, response: UpstreamResponse) -> CallError:
        if state is JobState.EXPIRED:
            return self._expired(response)
        classification = self._classify(response, self.poll.failure)
        if state is JobState.CANCELLED:
            reason = classification.message or ResponseCode.JOB_CANCELLED()
            return CallError(FailureCode.CANCELLED, reason, possible_charge=True)
        if state is JobState.BLOCKED:
            classification = attrs.evolve(classification, kind=ErrorClass.BLOCKED, matched=True)
        return job_error(classification, response)

    def _classify(self, response: UpstreamResponse, paths: ErrorPaths) -> Classification:
        code, message = response.text_at(paths.code), response.text_at(paths.message)
        if code is None and message is None:
            return self.document_call.classify(response)
        return self.document_call.classify_code(response, code, message)

    def _expired(self, response: UpstreamResponse) -> CallError:
        return CallError(
            FailureCode.RESULT_EXPIRED,
            ResponseCode.JOB_UNKNOWN(),
            upstream_status=response.status,
        )

    async def _report(self, response: UpstreamResponse) -> None:
        if self.poll.progress is None:
            return
        with contextlib.suppress(TypeError, ValueError):
            text = response.text_at(self.poll.progress) or ""
            number = float(text.strip().removesuffix("%"))
            await self.exchange.progress(min(1.0, max(0.0, number / 100 if number > 1 else number)))
