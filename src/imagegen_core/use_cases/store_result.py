"""Store the images of a provider result, and their records."""

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
    """Stores each image on its own: one that is rejected or lost costs no other.

    ``on_change`` is called after each change of the stored images.
    """

    store_image: StoreImage
    records: ImageRecords
    events: EventBus
    clock: Clock
    redactor: Redactor
    on_change: Callable[[], object]

    async def __call__(
        self,
        *,
        run: RunningTask,
        resolved: ResolvedProvider,
        call: ProviderCall,
        exchange: CallExchange,
        attempt: Attempt,
        is_retry: bool,
    ) -> AttemptOutcome:
        """Store the images of a received attempt and return its outcome, whose failures are not redacted.

        ``is_retry``: an earlier try may have stored some of its images.

        Raises:
            CallError: there is no image, or one is missing that can be fetched or stored later.
        """
        result = await _collect(resolved, call, exchange, attempt.receipt or Receipt())
        stored = await self._stored_before(attempt) if is_retry else frozenset()
        images: list[Image] = []
        failures = list(result.failures)
        for position, image in enumerate(result.images):
            if position in stored:
                continue
            try:
                images.append(await self._store(run, image, position, attempt, is_retry=is_retry))
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

    async def _store(
        self, run: RunningTask, image: GeneratedImage, position: int, attempt: Attempt, *, is_retry: bool
    ) -> Image:
        # Redacting a few megabytes of text takes a second, so it is done off the event loop.
        metadata = await asyncio.to_thread(redacted, image.metadata, self.redactor)
        return await self.store_image(
            image=attrs.evolve(image, metadata=metadata),
            position=position,
            task=run.task,
            attempt=attempt,
            is_retry=is_retry,
        )

    async def _stored_before(self, attempt: Attempt) -> frozenset[int]:
        """Return the positions of the images that an earlier try has already stored."""
        images = await self.records.by_task(attempt.task_id)
        return frozenset(image.position for image in images if image.attempt_id == attempt.attempt_id)

    async def _record(self, run: RunningTask, attempt: Attempt, images: list[Image]) -> None:
        """Store the attempt with its images, and publish an event for each."""
        records = await run.repository.save_attempt(attempt, tuple(images))
        run.attempts[attempt.part] = attempt
        self.on_change()
        for image in records:
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
