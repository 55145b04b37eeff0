"""Polls an accepted job. Polling is free, so only a final answer of the provider or the deadline ends it."""

import contextlib
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import attrs
import httpx

from imagegen_adapters.outbound.errors import is_transport_error
from imagegen_adapters.providers.common.calls import (
    PollFailures,
    ResponseCode,
    is_from_upstream,
    may_be_json,
    read_error,
)
from imagegen_adapters.providers.document.calls import DocumentCall
from imagegen_adapters.providers.document.operations import ErrorClass, PollSpec, RequestSpec, StatusSpec
from imagegen_adapters.providers.document.responses import (
    PartialResponse,
    UpstreamResponse,
    headers_of,
    job_error,
    parse_response,
    read_head,
    retry_after,
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
    """A job's state in our terms, as the fields of `StatusSpec`."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    BLOCKED = "blocked"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


@attrs.frozen(kw_only=True)
class Unfinished:
    """A poll without the end of the job; ``seconds`` is the wait that the provider asked for, 0 if none.

    ``error`` came instead of the job's state: the provider's own one if ``from_upstream``. If it
    ``is_unreadable``, the document cannot read the state in it.
    """

    seconds: float = 0.0
    error: CallError | None = None
    from_upstream: bool = False
    is_unreadable: bool = False


Outcome = Receipt | Unfinished | CallError  # the error is the provider's final answer about the job


@attrs.frozen(kw_only=True)
class JobWatcher:
    """Waits for one job of one call; ``task`` contains the fields from the submit's response."""

    document_call: DocumentCall
    poll: PollSpec
    task: Mapping[str, Any]
    exchange: Exchange

    async def wait(self) -> Receipt:
        """Return the receipt once the job is done; the error at the deadline is ``timeout``."""
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
        """Return what a successful response about the job means; the result of a finished job is spooled."""
        response = self.document_call.parse(partial)
        try:
            state = self._state(response, partial)
        except CallError as error:
            return Unfinished(error=error, from_upstream=True, is_unreadable=True)
        if state is JobState.PENDING:
            await self._report(response)
            return self._pending(response)
        if state is not JobState.SUCCEEDED:
            return self._job_failure(state, response)
        if self.document_call.operation.result is None:
            return await self._spool_result(partial)
        async with self._open(self.document_call.operation.result, is_result=True) as result:
            if not result.is_success:
                return await self._unsuccessful(result)
            return await self._spool_result(await read_head(result))

    async def _poll_once(self, poll_failures: PollFailures) -> Receipt | Unfinished:
        outcome: Outcome
        try:
            async with self._open(self.poll.request) as response:
                state = _state_of(str(response.status_code), self.poll.status)
                is_state = self.poll.status.source == "http" and state is not JobState.PENDING
                if response.is_success or is_state:
                    outcome = await self.settle(await read_head(response))
                else:
                    outcome = await self._unsuccessful(response)
        except CallError as error:
            if not is_transport_error(error) and not isinstance(error, NoAccessToken):
                raise
            outcome = Unfinished(error=error)
        if isinstance(outcome, CallError):
            raise outcome
        if isinstance(outcome, Receipt) or outcome.error is None:
            poll_failures.clear()
        else:
            poll_failures.tolerate(
                outcome.error, from_upstream=outcome.from_upstream, is_unreadable=outcome.is_unreadable
            )
        return outcome

    def _open(
        self, spec: RequestSpec, *, is_result: bool = False
    ) -> contextlib.AbstractAsyncContextManager[httpx.Response]:
        bound = max if is_result else min
        seconds = bound(_MAX_POLL_CALL_SECONDS, self.document_call.call.config.timeout)
        return self.document_call.open_free(spec, self.task, seconds=seconds)

    def _state(self, response: UpstreamResponse, partial: PartialResponse) -> JobState:
        """Return a job's state; a status that is missing, or unknown to the document, counts as pending."""
        expression = self.poll.status.expression
        if expression is None:
            status: str | None = str(response.status)
        elif not partial.is_complete:  # only a result exceeds the size of a status
            return JobState.SUCCEEDED if self._is_result(partial) else JobState.PENDING
        elif response.tree is None:
            return JobState.PENDING  # a proxy's page, or a truncated response
        else:
            status = expression.search_text(response.tree, headers=response.headers, reading=response.reading)
        state = _state_of(status, self.poll.status)
        if state in (JobState.PENDING, JobState.SUCCEEDED) and response.holds(self.poll.fail_if):
            return JobState.FAILED
        return state

    def _pending(self, response: UpstreamResponse) -> Unfinished:
        call = self.document_call
        wait = retry_after(response, call.document.errors, call.sender.clock.now())
        return Unfinished(seconds=wait or 0.0)

    async def _spool_result(self, partial: PartialResponse) -> Outcome:
        if not self._is_result(partial):
            return Unfinished(error=CallError(FailureCode.BAD_RESPONSE, ResponseCode.PAGE_INSTEAD()))
        await partial.spool(self.exchange, max_bytes=self.document_call.document.egress.max_json_bytes)
        return self.document_call.receipt(partial)

    def _is_result(self, partial: PartialResponse) -> bool:
        """Return whether it can be what the document expects; a proxy's page or an empty body cannot."""
        return partial.is_image(self.document_call.operation.response) or may_be_json(partial.head)

    async def _unsuccessful(self, http_response: httpx.Response) -> Outcome:
        status, body = http_response.status_code, await read_error(http_response)
        response = parse_response(status, headers_of(http_response), body, self.document_call.secret)
        if status in _RETRY_STATUSES or status >= 500:  # noqa: PLR2004 - server errors
            return self._pending(response)
        is_gone = status in _GONE_STATUSES
        error = _expired(response) if is_gone else job_error(self.document_call.classify(response), response)
        return Unfinished(error=error, from_upstream=is_from_upstream(status, body))

    def _job_failure(self, state: JobState, response: UpstreamResponse) -> CallError:
        if state is JobState.EXPIRED:
            return _expired(response)
        paths = self.poll.failure
        code, message = response.text_at(paths.code), response.text_at(paths.message)
        classification = self.document_call.classify(response, code, message)
        if state is JobState.CANCELLED:
            reason = classification.message or ResponseCode.JOB_CANCELLED()
            return CallError(FailureCode.CANCELLED, reason, possible_charge=True)
        if state is JobState.BLOCKED:
            classification = attrs.evolve(classification, kind=ErrorClass.BLOCKED, matched=True)
        return job_error(classification, response)

    async def _report(self, response: UpstreamResponse) -> None:
        if self.poll.progress is None:
            return
        with contextlib.suppress(TypeError, ValueError):
            text = response.text_at(self.poll.progress) or ""
            number = float(text.strip().removesuffix("%"))
            await self.exchange.progress(min(1.0, max(0.0, number / 100 if number > 1 else number)))


def _state_of(status: str | None, spec: StatusSpec) -> JobState:
    if status is not None:
        for state in JobState:
            if status.casefold() in (name.casefold() for name in getattr(spec, state)):
                return state
    return JobState.PENDING


def _expired(response: UpstreamResponse) -> CallError:
    return CallError(FailureCode.RESULT_EXPIRED, ResponseCode.JOB_UNKNOWN(), upstream_status=response.status)
