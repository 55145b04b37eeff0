"""Store the result of a received response: its images, their records, and the end of its attempt."""

import attrs

from imagegen_core.attempt import Attempt, AttemptOutcome, can_retry_for_free, most_severe
from imagegen_core.errors import CallError, FailureCode
from imagegen_core.execution.active_calls import ActiveCall
from imagegen_core.execution.kept_answers import keep_unusable
from imagegen_core.execution.redacted_json import redacted_message
from imagegen_core.ports.clock import Clock
from imagegen_core.ports.image_records import ImageRecords
from imagegen_core.ports.redactor import Redactor
from imagegen_core.problems import FailureReason
from imagegen_core.use_cases.store_images import StoreImages


@attrs.frozen(kw_only=True)
class StoreResult:
    """Decides what follows from the images that could be stored, and records them with their attempt."""

    store_images: StoreImages
    records: ImageRecords
    clock: Clock
    redactor: Redactor

    async def __call__(self, *, active: ActiveCall, is_retry: bool) -> AttemptOutcome:
        """Store the images of a received attempt and return its outcome, whose failures are not redacted.

        ``is_retry``: an earlier try may have stored some of its images.

        Raises:
            CallError: there is no image, or one is missing that can be fetched or stored later.
        """
        attempt = active.attempt
        recorded = await self._recorded(attempt) if is_retry else frozenset()
        stored = await self.store_images(active=active, recorded=recorded, is_retry=is_retry)
        attempt = active.attempt
        for failure in stored.failures:
            if can_retry_for_free(failure, attempt, active.run.task):
                if stored.images:
                    positions = (image.position for image in stored.images)
                    await active.save(attempt.with_images(positions), stored.images)
                raise failure
        if not stored.images and not recorded:
            raise most_severe(stored.failures) or CallError(
                FailureCode.BAD_RESPONSE, FailureReason.NO_IMAGE_IN_RESPONSE()
            )
        failures = tuple([await keep_unusable(active, failure) for failure in stored.failures])
        lost = next((f.failure for f in failures if f.failure.code is FailureCode.STORAGE_FAILED), None)
        await active.save(attempt.stored(self.clock.now(), lost=lost), stored.images)
        return AttemptOutcome(
            failures=failures,
            warnings=tuple(redacted_message(w, self.redactor) for w in stored.warnings),
        )

    async def _recorded(self, attempt: Attempt) -> frozenset[int]:
        """Return the positions of the images that an earlier try has recorded, and those deleted since."""
        images = await self.records.by_task(attempt.task_id)
        present = {image.position for image in images if image.attempt_id == attempt.attempt_id}
        return frozenset(present.union(() if attempt.receipt is None else attempt.receipt.stored))
