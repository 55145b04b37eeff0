"""Send an attempt's one paid request, and store what comes back."""

import asyncio

import attrs

from imagegen_core.attempt import Attempt, Receipt, SentConfig, UpstreamJob
from imagegen_core.costs import quote
from imagegen_core.errors import CallError, FailureCode, StaleTask
from imagegen_core.execution.active_calls import ActiveCall
from imagegen_core.execution.arriving_responses import interrupt
from imagegen_core.execution.forwarded_cancel import forwarded_cancel
from imagegen_core.execution.kept_answers import keep_late_answer
from imagegen_core.execution.sealed_calls import seal_call
from imagegen_core.ports.clock import Clock
from imagegen_core.ports.secret_box import SecretBox
from imagegen_core.problems import FailureReason

SUBMIT_SLACK_SECONDS = 5.0
"""Grace beyond the provider's own time-out, which should end the submission first."""


@attrs.frozen(kw_only=True)
class SendCall:
    """Sends one request, once; a response that arrives is stored even if the wait was cancelled."""

    clock: Clock
    box: SecretBox

    async def __call__(self, *, active: ActiveCall) -> None:
        """Send the request of a reserved attempt, and store what the provider accepted or answered.

        Raises:
            CallError: the provider refused it, or took too long.
            StaleTask: another worker has the task; an answer that came all the same is kept aside.
            asyncio.CancelledError: after the response, if there is one, has been stored.
        """
        await active.save(self._submitting(active))
        limit = active.call.config.timeout + SUBMIT_SLACK_SECONDS
        submission = asyncio.create_task(active.provider.submit(active.call, active.exchange))
        cancelling: asyncio.CancelledError | None = None
        try:
            async with asyncio.timeout(limit), forwarded_cancel(active, None):
                await asyncio.wait({submission})
        except TimeoutError:
            cancelling = await interrupt(submission, active.exchange)
        except asyncio.CancelledError as error:
            cancelling = await interrupt(submission, active.exchange) or error
        if cancelling is not None and submission.cancelled():
            raise cancelling
        try:
            answer = submission.result()
        except (TimeoutError, asyncio.CancelledError) as error:
            raise CallError(FailureCode.TIMEOUT, FailureReason.TOO_SLOW(seconds=limit)) from error
        try:
            await active.save(self._answered(active, answer))
        except StaleTask:
            await keep_late_answer(active, answer)
            raise
        if cancelling is not None:
            raise cancelling

    def _answered(self, active: ActiveCall, answer: UpstreamJob | Receipt) -> Attempt:
        if isinstance(answer, UpstreamJob):
            return active.attempt.accepted(self.clock.now(), answer)
        return active.received(self.clock.now(), answer)

    def _submitting(self, active: ActiveCall) -> Attempt:
        call = active.call
        return active.attempt.submitting(
            self.clock.now(),
            config=self._sealed(active),
            price=call.model.price,
            quoted=quote(call.request, call.model, is_billed=active.profile.billed),
        )

    def _sealed(self, active: ActiveCall) -> SentConfig | None:
        call, ambient = active.call, active.profile.ambient_credentials is not None
        return seal_call(call.config, call.model, self.box, call.call_id, ambient=ambient)
