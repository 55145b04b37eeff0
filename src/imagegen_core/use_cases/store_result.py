"""Store the images of a provider's answer, and what is known of them."""

import asyncio
from collections.abc import Callable

import attrs

from imagegen_core.errors import BlobMissing, CallError
from imagegen_core.execution.call_exchange import CallExchange
from imagegen_core.execution.redacted_json import redacted, redacted_message
from imagegen_core.execution.running_tasks import RunningTask
from imagegen_core.failures import FailureCode
from imagegen_core.images import Image
from imagegen_core.ports.clock import Clock
from imagegen_core.ports.event_bus import EventBus
from imagegen_core.ports.image_records import ImageRecords
from imagegen_core.ports.provider import GeneratedImage, ProviderCall, ProviderResult
from imagegen_core.ports.redactor import Redactor
from imagegen_core.problems import FailureReason
from imagegen_core.tasks.attempt import Attempt, Receipt
from imagegen_core.tasks.attempt_outcome import AttemptOutcome, can_retry_for_free, most_severe
from imagegen_core.tasks.events import EventKind, TaskEvent
from imagegen_core.use_cases.resolve_provider import ResolvedProvider
from imagegen_core.use_cases.store_image import StoreImage


@attrs.frozen(kw_only=True)
class StoreResult:
    """Each image for itself: one that is refused or lost costs no other.

    ``stored`` is called after each change of what the image store holds.
    """

    store_image: StoreImage
    records: ImageRecords
    events: EventBus
    clock: Clock
    redactor: Redactor
    stored: Callable[[], object]

    async def __call__(
        self,
        *,
        run: RunningTask,
        resolved: ResolvedProvider,
        call: ProviderCall,
        exchange: CallExchange,
        attempt: Attempt,
        again: bool,
    ) -> AttemptOutcome:
        """Return how a received attempt came out, which is stored then; its failures are as they were raised.

        ``again``: an earlier try may have stored some of its images.

        Raises:
            CallError: no image could be had, or one that can be had later is missing.
        """
        result = await _collect(resolved, call, exchange, attempt.receipt or Receipt())
        stored = await self._stored_before(attempt) if again else frozenset()
        images: list[Image] = []
        failures = list(result.failures)
        for position, image in enumerate(result.images):
            if position in stored:
                continue
            try:
                images.append(await self._kept(run, image, position, attempt, again=again))
            except CallError as error:
                failures.append(error)
        for failure in failures:
            if can_retry_for_free(failure, attempt, run.task):
                if images:
                    await self._record(run, attempt, images)
                raise failure
        if not images and not stored:
            raise most_severe(failures) or CallError(
                FailureCode.BAD_RESPONSE, FailureReason.NO_IMAGE_IN_RESPONSE()
            )
        lost = next((f.failure for f in failures if f.failure.code is FailureCode.STORAGE_FAILED), None)
        await self._record(run, attempt.stored(self.clock.now(), lost=lost), images)
        return AttemptOutcome(
            failures=tuple(failures),
            warnings=tuple(redacted_message(w, self.redactor) for w in result.warnings),
        )

    async def _kept(
        self, run: RunningTask, image: GeneratedImage, position: int, attempt: Attempt, *, again: bool
    ) -> Image:
        # Looking for secrets takes a second for a few megabytes of words, so not on the loop.
        metadata = await asyncio.to_thread(redacted, image.metadata, self.redactor)
        return await self.store_image(
            image=attrs.evolve(image, metadata=metadata),
            position=position,
            task=run.task,
            attempt=attempt,
            again=again,
        )

    async def _stored_before(self, attempt: Attempt) -> frozenset[int]:
        """Return the positions of the images that an earlier try to store the answer got through."""
        images = await self.records.by_task(attempt.task_id)
        return frozenset(image.position for image in images if image.attempt_id == attempt.attempt_id)

    async def _record(self, run: RunningTask, attempt: Attempt, images: list[Image]) -> None:
        """Store the attempt with its images and tell those who watch."""
        kept = await run.repository.save_attempt(attempt, tuple(images))
        run.attempts[attempt.part] = attempt
        self.stored()
        for image in kept:
            await self._announce(image)

    async def _announce(self, image: Image) -> None:
        event = TaskEvent(
            task_id=image.task_id, kind=EventKind.IMAGE, at=self.clock.now(), data={"image_id": image.id}
        )
        await self.events.publish(event)


async def _collect(
    resolved: ResolvedProvider, call: ProviderCall, exchange: CallExchange, receipt: Receipt
) -> ProviderResult:
    try:
        return await resolved.provider.collect(call, receipt, exchange)
    except BlobMissing as error:
        raise CallError(FailureCode.STORAGE_FAILED, FailureReason.RESPONSE_GONE()) from error
