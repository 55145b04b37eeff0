"""Send an attempt's one paid request, and store what comes back."""

import asyncio

import attrs

from imagegen_core.errors import CallError
from imagegen_core.execution.arriving_responses import interrupt
from imagegen_core.execution.call_exchange import CallExchange
from imagegen_core.execution.forwarded_cancel import forwarded_cancel
from imagegen_core.execution.running_tasks import RunningTask
from imagegen_core.execution.sealed_calls import seal_call
from imagegen_core.failures import FailureCode
from imagegen_core.ports.clock import Clock
from imagegen_core.ports.provider import ProviderCall
from imagegen_core.ports.secret_box import SecretBox
from imagegen_core.problems import FailureReason
from imagegen_core.tasks.attempt import Attempt, Receipt, SentConfig, UpstreamJob
from imagegen_core.use_cases.resolve_provider import ResolvedProvider

SUBMIT_SLACK_SECONDS = 5.0
"""Grace beyond the provider's own time-out, which should end the submission first."""


@attrs.frozen(kw_only=True)
class SendCall:
    """Sends one request, once; a response that arrives is stored even if the wait was cancelled."""

    clock: Clock
    box: SecretBox

    async def __call__(
        self,
        *,
        run: RunningTask,
        resolved: ResolvedProvider,
        call: ProviderCall,
        exchange: CallExchange,
        attempt: Attempt,
    ) -> Attempt:
        """Return the attempt once the provider has accepted or answered it, stored durably.

        Raises:
            CallError: the provider refused it, or took too long.
            asyncio.CancelledError: after the response, if there is one, has been stored.
        """
        config = self._sealed(resolved, call)
        attempt = await run.save_attempt(attempt.submitting(self.clock.now(), config=config))
        limit = resolved.config.timeout + SUBMIT_SLACK_SECONDS
        submission = asyncio.create_task(resolved.provider.submit(call, exchange))
        cancelling: asyncio.CancelledError | None = None
        try:
            async with asyncio.timeout(limit), forwarded_cancel(run, resolved.provider, call, None):
                await asyncio.wait({submission})
        except TimeoutError:
            cancelling = await interrupt(submission, exchange)
        except asyncio.CancelledError as error:
            cancelling = await interrupt(submission, exchange) or error
        if cancelling is not None and submission.cancelled():
            raise cancelling
        try:
            answer = submission.result()
        except (TimeoutError, asyncio.CancelledError) as error:
            raise CallError(FailureCode.TIMEOUT, FailureReason.TOO_SLOW(seconds=limit)) from error
        attempt = await run.save_attempt(self._answered(attempt, answer))
        if cancelling is not None:
            raise cancelling
        return attempt

    def _answered(self, attempt: Attempt, answer: UpstreamJob | Receipt) -> Attempt:
        if isinstance(answer, UpstreamJob):
            return attempt.accepted(self.clock.now(), answer)
        return attempt.received(self.clock.now(), answer)

    def _sealed(self, resolved: ResolvedProvider, call: ProviderCall) -> SentConfig | None:
        ambient = resolved.profile.ambient_credentials is not None
        return seal_call(call.config, call.model, self.box, call.call_id, ambient=ambient)
