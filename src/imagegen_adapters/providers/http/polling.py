"""Waits for a job that a vendor accepted. Asking is free, so only an answer or the deadline ends it."""

import contextlib
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import attrs
import httpx

from imagegen_adapters.outbound.errors import is_line_trouble
from imagegen_adapters.providers.calling import read_error
from imagegen_adapters.providers.http.calls import DocumentCall
from imagegen_adapters.providers.http.classification import (
    Answer,
    Verdict,
    job_error,
    judge,
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
from imagegen_adapters.providers.http.receiving import Arrival, arrive, keep
from imagegen_adapters.providers.http.sending import as_answer, headers_of
from imagegen_adapters.providers.job_patience import JobPatience, is_vendors_word, may_be_json
from imagegen_core.attempts import Receipt
from imagegen_core.errors import CallError
from imagegen_core.failures import FailureCode
from imagegen_core.ports.provider import Exchange

_LONGEST_ASK = 60.0
_SHORTEST_PAUSE = 0.05
_GONE = frozenset((404, 410))
_WAIT = frozenset((408, 425, 429))


class JobState(StrEnum):
    """A job's state in our words."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    BLOCKED = "blocked"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


@attrs.frozen(kw_only=True)
class Later:
    """The job is not done; ``seconds`` is what the vendor asked us to wait, if it did."""

    seconds: float = 0.0


@attrs.frozen(kw_only=True)
class Doubt:
    """An answer that is no success, and whether it is the vendor's own."""

    error: CallError
    vendors_word: bool


Outcome = Receipt | Later | Doubt | CallError
"""What one question about a job brought; an error here is the vendor's last word on the job."""


def state_of(answer: Answer, poll: PollSpec) -> JobState:
    """Return a job's state; a word that the document does not know, or none, is pending."""
    expression = poll.status.expression
    if expression is None:
        word: str | None = str(answer.status)
    else:
        word = expression.text_in(answer.tree, headers=answer.headers)
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
        patience = JobPatience()
        while True:
            left = deadline - clock.monotonic()
            if left <= 0:
                raise patience.out_of_time("the vendor's job was not done in time")
            await clock.sleep(min(pause, left))  # whatever the vendor asks: once more at the end
            outcome = await self._ask_patiently(patience)
            if isinstance(outcome, Receipt):
                return outcome
            pause = max(interval, outcome.seconds, _SHORTEST_PAUSE)
            interval = min(interval * self.poll.backoff, max(self.poll.interval_max_s, self.poll.interval_s))

    async def settle(self, arrival: Arrival) -> Outcome:
        """Return what a successful answer about the job amounts to; a finished job's answer is kept.

        Raises:
            CallError: the line broke, or the answer could not be kept.
        """
        answer = as_answer(
            arrival.status, arrival.headers, arrival.head if arrival.short else b"", self.of.secret
        )
        state = self._state(answer, arrival)
        if state is JobState.PENDING:
            await self._report(answer)
            return Later(seconds=retry_after(answer, self.of.document.errors, self.of.now) or 0.0)
        if state is not JobState.SUCCEEDED:
            return self._ended(state, answer)
        if self.of.operation.result is not None:
            return await self._fetch_result(self.of.operation.result)
        return await self._keep(arrival)

    def _state(self, answer: Answer, arrival: Arrival) -> JobState:
        if self.poll.status.source != "http":
            if not arrival.short:  # only a result is longer than any state
                return JobState.SUCCEEDED if self._is_result(arrival) else JobState.PENDING
            if answer.tree is None:
                return JobState.PENDING  # a proxy's page, or half an answer
        return state_of(answer, self.poll)

    async def _ask_patiently(self, patience: JobPatience) -> Receipt | Later:
        try:
            outcome = await self._ask()
        except CallError as error:
            if not is_line_trouble(error):
                raise
            outcome = Doubt(error=error, vendors_word=False)
        if isinstance(outcome, CallError):
            raise outcome
        if isinstance(outcome, Doubt):
            patience.bear(outcome.error, vendors_word=outcome.vendors_word)
            return Later()
        patience.note_progress()
        return outcome

    async def _ask(self) -> Outcome:
        """Ask once; whatever is known of the job is returned, only the line's errors are raised."""
        request = self.of.free_request(self.poll.request, self.task)
        seconds = min(_LONGEST_ASK, self.of.call.config.timeout)
        async with self.of.sender.open(request, None, seconds=seconds, also=(request.url,)) as response:
            if not response.is_success and not self._means_something(response.status_code):
                return await self._unsuccessful(response)
            return await self.settle(await arrive(response))

    async def _fetch_result(self, spec: RequestSpec) -> Outcome:
        request = self.of.free_request(spec, self.task)
        seconds = max(_LONGEST_ASK, self.of.call.config.timeout)
        async with self.of.sender.open(request, None, seconds=seconds, also=(request.url,)) as response:
            if not response.is_success:
                return await self._unsuccessful(response)
            return await self._keep(await arrive(response))

    async def _keep(self, arrival: Arrival) -> Outcome:
        of = self.of
        if not self._is_result(arrival):
            page = CallError(FailureCode.BAD_RESPONSE, "a page came in the place of the job's result")
            return Doubt(error=page, vendors_word=False)
        picture = arrival.is_picture(of.operation.response)
        return await keep(
            arrival, self.exchange, of.document, of.operation, picture=picture, secret=of.secret
        )

    def _is_result(self, arrival: Arrival) -> bool:
        """Return whether it may hold what the document expects; a proxy's page or nothing at all does not."""
        return arrival.is_picture(self.of.operation.response) or may_be_json(arrival.head)

    def _means_something(self, status: int) -> bool:
        words = self.poll.status
        return words.source == "http" and _listed(str(status), words) is not JobState.PENDING

    async def _unsuccessful(self, response: httpx.Response) -> Outcome:
        body = await read_error(response)
        answer = as_answer(response.status_code, headers_of(response), body, self.of.secret)
        if answer.status in _WAIT or answer.status >= 500:  # noqa: PLR2004 - the server's own trouble
            return Later(seconds=retry_after(answer, self.of.document.errors, self.of.now) or 0.0)
        error = job_error(judge(answer, self.of.document.errors, self.of.now), answer)
        if answer.status in _GONE:
            error = self._expired(answer)
        return Doubt(error=error, vendors_word=is_vendors_word(answer.status, body))

    def _ended(self, state: JobState, answer: Answer) -> CallError:
        if state is JobState.EXPIRED:
            return self._expired(answer)
        found = self._verdict(answer, self.poll.failure)
        if state is JobState.CANCELLED:
            said = found.message or "the vendor cancelled the job"
            return CallError(FailureCode.CANCELLED, said, possible_charge=True)
        if state is JobState.BLOCKED:
            found = attrs.evolve(found, kind=ErrorClass.BLOCKED, matched=True)
        return job_error(found, answer)

    def _verdict(self, answer: Answer, paths: ErrorPaths) -> Verdict:
        errors, headers = self.of.document.errors, answer.headers
        code = paths.code.text_in(answer.tree, headers=headers) if paths.code else None
        message = paths.message.text_in(answer.tree, headers=headers) if paths.message else None
        if code is None and message is None:
            return judge(answer, errors, self.of.now)
        text = message or f"the vendor's job ended with {code}"
        return verdict(answer, errors, self.of.now, code=code, message=text)

    def _expired(self, answer: Answer) -> CallError:
        return CallError(
            FailureCode.RESULT_EXPIRED,
            "the vendor no longer knows the job that it accepted",
            upstream_status=answer.status,
        )

    async def _report(self, answer: Answer) -> None:
        if self.poll.progress is None:
            return
        with contextlib.suppress(TypeError, ValueError):
            text = self.poll.progress.text_in(answer.tree, headers=answer.headers) or ""
            number = float(text.strip().removesuffix("%"))
            await self.exchange.progress(min(1.0, max(0.0, number / 100 if number > 1 else number)))
