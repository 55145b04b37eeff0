"""Waits for a job that a provider accepted. Asking is free, so only an answer or the deadline ends it."""

import contextlib
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import attrs
import httpx

from imagegen_adapters.outbound.errors import is_transport_error
from imagegen_adapters.providers.call_limits import read_error
from imagegen_adapters.providers.http.classification import (
    Classification,
    UpstreamResponse,
    classify,
    job_error,
    retry_after,
    verdict,
)
from imagegen_adapters.providers.http.document import (
    ErrorClass,
    ErrorPaths,
    PollSpec,
    RequestSpec,
    StatusSpec,
)
from imagegen_adapters.providers.http.document_call import DocumentCall
from imagegen_adapters.providers.http.partial_responses import PartialResponse, read_head, spool_response
from imagegen_adapters.providers.http.sender import headers_of, parse_response
from imagegen_adapters.providers.poll_failures import PollFailures, is_from_upstream, may_be_json
from imagegen_core.errors import CallError
from imagegen_core.failures import FailureCode
from imagegen_core.ports.provider import Exchange
from imagegen_core.tasks.attempt import Receipt

_MAX_POLL_CALL_SECONDS = 60.0
_MIN_PAUSE_SECONDS = 0.05
_GONE_STATUSES = frozenset((404, 410))
_RETRY_STATUSES = frozenset((408, 425, 429))


class JobState(StrEnum):
    """A job's state in our words."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    BLOCKED = "blocked"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


@attrs.frozen(kw_only=True)
class JobPending:
    """The job is not done; ``seconds`` is what the provider asked us to wait, if it did."""

    seconds: float = 0.0


@attrs.frozen(kw_only=True)
class PollError:
    """An answer that is no success, and whether it is the provider's own."""

    error: CallError
    from_upstream: bool


Outcome = Receipt | JobPending | PollError | CallError
"""What one question about a job brought; an error here is the provider's last word on the job."""


def state_of(answer: UpstreamResponse, poll: PollSpec) -> JobState:
    """Return a job's state; a word that the document does not know, or none, is pending."""
    expression = poll.status.expression
    if expression is None:
        word: str | None = str(answer.status)
    else:
        word = expression.search_text(answer.tree, headers=answer.headers)
    state = _listed(word, poll.status)
    if state in (JobState.PENDING, JobState.SUCCEEDED) and poll.fail_if is not None:
        return JobState.FAILED if poll.fail_if.holds(answer.tree, headers=answer.headers) else state
    return state


def _listed(word: str | None, status: StatusSpec) -> JobState:
    if word is not None:
        for state in JobState:
            if word.casefold() in (w.casefold() for w in getattr(status, state)):
                return state
    return JobState.PENDING


@attrs.frozen(kw_only=True)
class JobWatcher:
    """Watches one job of one call; ``task`` is what the submit's answer told of it."""

    of: DocumentCall
    poll: PollSpec
    task: Mapping[str, Any]
    exchange: Exchange

    async def wait(self) -> Receipt:
        """Return the receipt once the job is done.

        Raises:
            CallError: the job failed or is gone, or ``timeout`` at the deadline.
        """
        clock = self.of.sender.clock
        deadline = clock.monotonic() + max(self.poll.deadline_s, self.of.call.config.timeout)
        pause = self.poll.first_after_s
        interval = self.poll.interval_s
        patience = PollFailures()
        while True:
            left = deadline - clock.monotonic()
            if left <= 0:
                raise patience.timeout_error("the provider's job was not done in time")
            await clock.sleep(min(pause, left))  # whatever the provider asks: once more at the end
            outcome = await self._poll_once(patience)
            if isinstance(outcome, Receipt):
                return outcome
            pause = max(interval, outcome.seconds, _MIN_PAUSE_SECONDS)
            interval = min(interval * self.poll.backoff, max(self.poll.interval_max_s, self.poll.interval_s))

    async def settle(self, partial: PartialResponse) -> Outcome:
        """Return what a successful answer about the job amounts to; a finished job's answer is kept.

        Raises:
            CallError: the line broke, or the answer could not be kept.
        """
        answer = parse_response(
            partial.status, partial.headers, partial.head if partial.is_complete else b"", self.of.secret
        )
        state = self._state(answer, partial)
        if state is JobState.PENDING:
            await self._report(answer)
            return JobPending(seconds=retry_after(answer, self.of.document.errors, self.of.now) or 0.0)
        if state is not JobState.SUCCEEDED:
            return self._job_failure(state, answer)
        if self.of.operation.result is not None:
            return await self._fetch_result(self.of.operation.result)
        return await self._spool_result(partial)

    def _state(self, answer: UpstreamResponse, partial: PartialResponse) -> JobState:
        if self.poll.status.source != "http":
            if not partial.is_complete:  # only a result is longer than any state
                return JobState.SUCCEEDED if self._is_result(partial) else JobState.PENDING
            if answer.tree is None:
                return JobState.PENDING  # a proxy's page, or half an answer
        return state_of(answer, self.poll)

    async def _poll_once(self, patience: PollFailures) -> Receipt | JobPending:
        try:
            outcome = await self._request_outcome()
        except CallError as error:
            if not is_transport_error(error):
                raise
            outcome = PollError(error=error, from_upstream=False)
        if isinstance(outcome, CallError):
            raise outcome
        if isinstance(outcome, PollError):
            patience.tolerate(outcome.error, from_upstream=outcome.from_upstream)
            return JobPending()
        patience.clear()
        return outcome

    async def _request_outcome(self) -> Outcome:
        """Ask once; whatever is known of the job is returned, only the line's errors are raised."""
        request = self.of.free_request(self.poll.request, self.task)
        seconds = min(_MAX_POLL_CALL_SECONDS, self.of.call.config.timeout)
        async with self.of.sender.open(
            request, None, seconds=seconds, extra_origins=(request.url,)
        ) as response:
            if not response.is_success and not self._is_known_status(response.status_code):
                return await self._unsuccessful(response)
            return await self.settle(await read_head(response))

    async def _fetch_result(self, spec: RequestSpec) -> Outcome:
        request = self.of.free_request(spec, self.task)
        seconds = max(_MAX_POLL_CALL_SECONDS, self.of.call.config.timeout)
        async with self.of.sender.open(
            request, None, seconds=seconds, extra_origins=(request.url,)
        ) as response:
            if not response.is_success:
                return await self._unsuccessful(response)
            return await self._spool_result(await read_head(response))

    async def _spool_result(self, partial: PartialResponse) -> Outcome:
        of = self.of
        if not self._is_result(partial):
            page = CallError(FailureCode.BAD_RESPONSE, "a page came in the place of the job's result")
            return PollError(error=page, from_upstream=False)
        image = partial.is_image(of.operation.response)
        return await spool_response(
            partial, self.exchange, of.document, of.operation, image=image, secret=of.secret
        )

    def _is_result(self, partial: PartialResponse) -> bool:
        """Return whether it may hold what the document expects; a proxy's page or nothing at all does not."""
        return partial.is_image(self.of.operation.response) or may_be_json(partial.head)

    def _is_known_status(self, status: int) -> bool:
        words = self.poll.status
        return words.source == "http" and _listed(str(status), words) is not JobState.PENDING

    async def _unsuccessful(self, response: httpx.Response) -> Outcome:
        body = await read_error(response)
        answer = parse_response(response.status_code, headers_of(response), body, self.of.secret)
        if answer.status in _RETRY_STATUSES or answer.status >= 500:  # noqa: PLR2004 - the server's own trouble
            return JobPending(seconds=retry_after(answer, self.of.document.errors, self.of.now) or 0.0)
        error = job_error(classify(answer, self.of.document.errors, self.of.now), answer)
        if answer.status in _GONE_STATUSES:
            error = self._expired(answer)
        return PollError(error=error, from_upstream=is_from_upstream(answer.status, body))

    def _job_failure(self, state: JobState, answer: UpstreamResponse) -> CallError:
        if state is JobState.EXPIRED:
            return self._expired(answer)
        found = self._verdict(answer, self.poll.failure)
        if state is JobState.CANCELLED:
            said = found.message or "the provider cancelled the job"
            return CallError(FailureCode.CANCELLED, said, possible_charge=True)
        if state is JobState.BLOCKED:
            found = attrs.evolve(found, kind=ErrorClass.BLOCKED, matched=True)
        return job_error(found, answer)

    def _verdict(self, answer: UpstreamResponse, paths: ErrorPaths) -> Classification:
        errors, headers = self.of.document.errors, answer.headers
        code = paths.code.search_text(answer.tree, headers=headers) if paths.code else None
        message = paths.message.search_text(answer.tree, headers=headers) if paths.message else None
        if code is None and message is None:
            return classify(answer, errors, self.of.now)
        text = message or f"the provider's job ended with {code}"
        return verdict(answer, errors, self.of.now, code=code, message=text)

    def _expired(self, answer: UpstreamResponse) -> CallError:
        return CallError(
            FailureCode.RESULT_EXPIRED,
            "the provider no longer knows the job that it accepted",
            upstream_status=answer.status,
        )

    async def _report(self, answer: UpstreamResponse) -> None:
        if self.poll.progress is None:
            return
        with contextlib.suppress(TypeError, ValueError):
            text = self.poll.progress.search_text(answer.tree, headers=answer.headers) or ""
            number = float(text.strip().removesuffix("%"))
            await self.exchange.progress(min(1.0, max(0.0, number / 100 if number > 1 else number)))
