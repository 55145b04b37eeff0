"""The paid calls that this process is making or finishing."""

from datetime import datetime

import attrs

from imagegen_core.attempt import Attempt, Receipt
from imagegen_core.execution.call_exchange import CallExchange
from imagegen_core.execution.running_tasks import RunningTask
from imagegen_core.images import Image
from imagegen_core.models import ProviderProfile
from imagegen_core.ports.provider import Provider, ProviderCall


@attrs.frozen(kw_only=True)
class ActiveCall:
    """The call of one part of a running task; its attempt says how far it has come.

    ``profile`` is the provider's, as it is configured for this call.
    """

    run: RunningTask
    part: int
    provider: Provider
    profile: ProviderProfile
    call: ProviderCall
    exchange: CallExchange

    @property
    def attempt(self) -> Attempt:
        """The attempt in its present phase, which a step that is stored replaces."""
        return self.run.attempts[self.part]

    def received(self, now: datetime, receipt: Receipt) -> Attempt:
        """Return the attempt with the receipt, and with the response if that is a short one."""
        return self.attempt.received(now, receipt, self.exchange.response)

    def hold_response(self) -> None:
        """Add a short response that has arrived to the attempt, which is about to end by a defect of ours."""
        if self.attempt.is_active and self.exchange.response is not None:
            self.run.hold(attempts=(attrs.evolve(self.attempt, response=self.exchange.response),))

    async def save(self, attempt: Attempt, images: tuple[Image, ...] = ()) -> None:
        """Store the attempt in its next phase; see `RunningTask.save_attempt`."""
        await self.run.save_attempt(attempt, images)
