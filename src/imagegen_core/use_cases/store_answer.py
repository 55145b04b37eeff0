"""Store the pictures of a vendor's answer, and what is known of them."""

import asyncio
from collections.abc import Callable

import attrs

from imagegen_core.attempt_outcome import AttemptOutcome, can_wait, worst
from imagegen_core.attempts import Attempt, Receipt
from imagegen_core.call_exchange import CallExchange
from imagegen_core.errors import BlobMissing, CallError
from imagegen_core.events import EventKind, TaskEvent
from imagegen_core.failures import MESSAGE_CHARS, FailureCode
from imagegen_core.images import Image
from imagegen_core.ports.clock import Clock
from imagegen_core.ports.event_bus import EventBus
from imagegen_core.ports.image_records import ImageRecords
from imagegen_core.ports.provider import Harvest, Picture, ProviderCall
from imagegen_core.ports.redactor import Redactor
from imagegen_core.redacted_json import redacted
from imagegen_core.running_tasks import RunningTask
from imagegen_core.use_cases.keep_picture import KeepPicture
from imagegen_core.use_cases.resolve_provider import ResolvedProvider


@attrs.frozen(kw_only=True)
class StoreAnswer:
    """Each picture for itself: one that is refused or lost costs no other.

    ``stored`` is called after each change of what the picture store holds.
    """

    keep_picture: KeepPicture
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

        ``again``: an earlier try may have stored some of its pictures.

        Raises:
            CallError: no picture could be had, or one that can be had later is missing.
        """
        harvest = await _harvest(resolved, call, exchange, attempt.receipt or Receipt())
        stored = await self._stored_before(attempt) if again else frozenset()
        images: list[Image] = []
        failures = list(harvest.failures)
        for position, picture in enumerate(harvest.pictures):
            if position in stored:
                continue
            try:
                images.append(await self._kept(run, picture, position, attempt, again=again))
            except CallError as error:
                failures.append(error)
        for failure in failures:
            if can_wait(failure, attempt, run.task):
                if images:
                    await self._record(run, attempt, images)
                raise failure
        if not images and not stored:
            raise worst(failures) or CallError(
                FailureCode.BAD_RESPONSE, "the vendor's answer holds no picture"
            )
        lost = next((f.failure for f in failures if f.failure.code is FailureCode.STORAGE_FAILED), None)
        await self._record(run, attempt.stored(self.clock.now(), lost=lost), images)
        return AttemptOutcome(
            failures=tuple(failures),
            warnings=tuple(self.redactor.redact(w, limit=MESSAGE_CHARS) for w in harvest.warnings),
        )

    async def _kept(
        self, run: RunningTask, picture: Picture, position: int, attempt: Attempt, *, again: bool
    ) -> Image:
        # Looking for secrets takes a second for a few megabytes of words, so not on the loop.
        metadata = await asyncio.to_thread(redacted, picture.metadata, self.redactor)
        return await self.keep_picture(
            picture=attrs.evolve(picture, metadata=metadata),
            position=position,
            task=run.task,
            attempt=attempt,
            again=again,
        )

    async def _stored_before(self, attempt: Attempt) -> frozenset[int]:
        """Return the positions of the pictures that an earlier try to store the answer got through."""
        images = await self.records.of_task(attempt.task_id)
        return frozenset(image.position for image in images if image.attempt_id == attempt.attempt_id)

    async def _record(self, run: RunningTask, attempt: Attempt, images: list[Image]) -> None:
        """Store the attempt with its pictures and tell those who watch."""
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


async def _harvest(
    resolved: ResolvedProvider, call: ProviderCall, exchange: CallExchange, receipt: Receipt
) -> Harvest:
    try:
        return await resolved.provider.collect(call, receipt, exchange)
    except BlobMissing as error:
        raise CallError(FailureCode.STORAGE_FAILED, "the vendor's answer is no longer on disk") from error
