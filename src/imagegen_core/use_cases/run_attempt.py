"""Drive one attempt through its phases, each committed before the next act."""

import asyncio
from collections.abc import Callable

import attrs

from imagegen_core.attempts import Attempt, Phase, Receipt, UpstreamJob
from imagegen_core.call_exchange import CallExchange
from imagegen_core.errors import BlobMissing, CallError
from imagegen_core.events import EventKind, TaskEvent
from imagegen_core.failures import FailureCode
from imagegen_core.images import Image
from imagegen_core.ports.clock import Clock
from imagegen_core.ports.event_bus import EventBus
from imagegen_core.ports.provider import Harvest, ProviderCall
from imagegen_core.ports.redactor import Redactor
from imagegen_core.ports.spool import Spool
from imagegen_core.provider_slots import ProviderSlots
from imagegen_core.running_tasks import RunningTask
from imagegen_core.use_cases.keep_picture import KeepPicture
from imagegen_core.use_cases.resolve_provider import ResolvedProvider

SUBMIT_SLACK_SECONDS = 5.0
"""What a submission may take beyond the provider's own time-out, which should end it first."""

MESSAGE_CHARS = 500
"""How much of a vendor's own words is kept."""

_NOT_STARTED = frozenset({FailureCode.RATE_LIMITED, FailureCode.UNAVAILABLE})


@attrs.frozen(kw_only=True)
class AttemptOutcome:
    """How one part of a task came out: ``error`` None means that its pictures are stored."""

    error: CallError | None = None
    failures: tuple[CallError, ...] = ()
    warnings: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class RunAttempt:
    """One paid request at the most; what an earlier process left behind is taken up where it stands."""

    keep_picture: KeepPicture
    spool: Spool
    events: EventBus
    clock: Clock
    slots: ProviderSlots
    redactor: Redactor
    new_id: Callable[[], str]

    async def __call__(
        self,
        *,
        run: RunningTask,
        resolved: ResolvedProvider,
        call: ProviderCall,
        part: int,
        previous: Attempt | None,
    ) -> AttemptOutcome:
        """Return how this part came out; never raises for what a vendor does."""
        attempt, outcome = await self._take_up(run, resolved, part, previous)
        if attempt is None:
            return outcome
        call = attrs.evolve(call, call_id=attempt.attempt_id)
        exchange = CallExchange(
            attempt_id=attempt.attempt_id,
            run=run,
            spool_files=self.spool,
            events=self.events,
            clock=self.clock,
        )
        try:
            return await self._drive(run, resolved, call, exchange, attempt)
        except CallError as raw:
            error = self._redacted(raw)
            current = run.attempts[part]
            await run.save_attempt(current.failed(self.clock.now(), error.failure))
            await self.spool.remove(attempt.attempt_id)
            return AttemptOutcome(error=error)

    async def _take_up(
        self, run: RunningTask, resolved: ResolvedProvider, part: int, previous: Attempt | None
    ) -> tuple[Attempt | None, AttemptOutcome]:
        """Return the attempt to drive on, or None and the outcome that is settled already."""
        if previous is not None and previous.phase is Phase.SUBMITTING:
            unknown = CallError(
                FailureCode.OUTCOME_UNKNOWN, "the service stopped while the vendor had the request"
            )
            previous = await run.save_attempt(previous.failed(self.clock.now(), unknown.failure))
            if resolved.config.extra_config.get("on_unknown") != "retry":
                return None, AttemptOutcome(error=unknown)
        elif previous is not None and previous.phase is Phase.STORED:
            return None, AttemptOutcome()
        elif previous is not None and previous.phase is not Phase.FAILED:
            run.attempts[part] = previous
            return previous, AttemptOutcome()
        elif previous is not None and previous.failure and previous.failure.code not in _NOT_STARTED:
            failure = previous.failure
            error = CallError(
                failure.code,
                failure.message,
                upstream_status=failure.upstream_status,
                upstream_code=failure.upstream_code,
                possible_charge=failure.possible_charge,
            )
            return None, AttemptOutcome(error=error)
        return await self._reserve(run, part), AttemptOutcome()

    async def _reserve(self, run: RunningTask, part: int) -> Attempt:
        now = self.clock.now()
        attempt = Attempt(
            attempt_id=self.new_id(),
            task_id=run.task.task_id,
            number=run.task.attempts,
            part=part,
            created_at=now,
            updated_at=now,
        )
        return await run.save_attempt(attempt)

    async def _drive(
        self,
        run: RunningTask,
        resolved: ResolvedProvider,
        call: ProviderCall,
        exchange: CallExchange,
        attempt: Attempt,
    ) -> AttemptOutcome:
        provider, now = resolved.provider, self.clock.now
        if attempt.phase in (Phase.RESERVED, Phase.ACCEPTED):
            async with self.slots.call(resolved.config.provider_name):
                if attempt.phase is Phase.RESERVED:
                    if run.cancelled.is_set():
                        raise CallError(FailureCode.CANCELLED, "cancelled before anything was sent")
                    attempt = await run.save_attempt(attempt.submitting(now()))
                    attempt = await self._submit(run, resolved, call, exchange, attempt)
                if attempt.phase is Phase.ACCEPTED and attempt.job is not None:
                    job = attempt.job
                    async with _cancelling(run, resolved, call, job):
                        receipt = await provider.poll(call, job, exchange)
                    attempt = await run.save_attempt(attempt.received(now(), receipt))
        return await self._collect(run, resolved, call, exchange, attempt)

    async def _submit(
        self,
        run: RunningTask,
        resolved: ResolvedProvider,
        call: ProviderCall,
        exchange: CallExchange,
        attempt: Attempt,
    ) -> Attempt:
        limit = resolved.config.timeout + SUBMIT_SLACK_SECONDS
        try:
            async with asyncio.timeout(limit), _cancelling(run, resolved, call, None):
                answer = await resolved.provider.submit(call, exchange)
        except TimeoutError as error:
            raise CallError(FailureCode.TIMEOUT, f"the vendor took longer than {limit:g} seconds") from error
        if isinstance(answer, UpstreamJob):
            return await run.save_attempt(attempt.accepted(self.clock.now(), answer))
        return await run.save_attempt(attempt.received(self.clock.now(), answer))

    async def _collect(
        self,
        run: RunningTask,
        resolved: ResolvedProvider,
        call: ProviderCall,
        exchange: CallExchange,
        attempt: Attempt,
    ) -> AttemptOutcome:
        harvest = await self._harvest(resolved, call, exchange, attempt.receipt or Receipt())
        images: list[Image] = []
        failures = list(harvest.failures)
        for position, picture in enumerate(harvest.pictures):
            try:
                image = await self.keep_picture(
                    picture=picture, position=position, task=run.task, attempt=attempt
                )
            except CallError as error:
                failures.append(error)
            else:
                images.append(image)
        if not images:
            raise worst(failures) or CallError(
                FailureCode.BAD_RESPONSE, "the vendor's answer holds no picture"
            )
        stored = attempt.stored(self.clock.now())
        kept = await run.repository.save_attempt(stored, tuple(images))
        run.attempts[attempt.part] = stored
        await self.spool.remove(attempt.attempt_id)
        for image in kept:
            await self._announce(image)
        return AttemptOutcome(
            failures=tuple(self._redacted(failure) for failure in failures),
            warnings=tuple(self.redactor.redact(w, limit=MESSAGE_CHARS) for w in harvest.warnings),
        )

    def _redacted(self, error: CallError) -> CallError:
        """Return the error as it may be stored and shown: vendors echo what they were sent."""
        failure = error.failure
        code = failure.upstream_code
        return CallError(
            failure.code,
            self.redactor.redact(failure.message, limit=MESSAGE_CHARS),
            not_started=error.not_started,
            retry_after=error.retry_after,
            upstream_status=failure.upstream_status,
            upstream_code=None if code is None else self.redactor.redact(code, limit=100),
            possible_charge=failure.possible_charge,
        )

    @staticmethod
    async def _harvest(
        resolved: ResolvedProvider, call: ProviderCall, exchange: CallExchange, receipt: Receipt
    ) -> Harvest:
        try:
            return await resolved.provider.collect(call, receipt, exchange)
        except BlobMissing as error:
            raise CallError(FailureCode.STORAGE_FAILED, "the vendor's answer is no longer on disk") from error

    async def _announce(self, image: Image) -> None:
        event = TaskEvent(
            task_id=image.task_id, kind=EventKind.IMAGE, at=self.clock.now(), data={"image_id": image.id}
        )
        await self.events.publish(event)


class _cancelling:  # noqa: N801 - reads as a context manager
    """Passes a caller's cancelling on to the vendor, once, while the body waits for it."""

    def __init__(
        self, run: RunningTask, resolved: ResolvedProvider, call: ProviderCall, job: UpstreamJob | None
    ) -> None:
        self._run, self._resolved, self._call, self._job = run, resolved, call, job
        self._watch: asyncio.Task[None] | None = None

    async def __aenter__(self) -> None:
        self._watch = asyncio.create_task(self._pass_on())

    async def __aexit__(self, *_: object) -> None:
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)

    async def _pass_on(self) -> None:
        await self._run.cancelled.wait()
        await self._resolved.provider.cancel(self._call, self._job)


_SEVERITY = (
    FailureCode.OUTCOME_UNKNOWN,
    FailureCode.TIMEOUT,
    FailureCode.STORAGE_FAILED,
    FailureCode.DOWNLOAD_FAILED,
    FailureCode.RESULT_EXPIRED,
    FailureCode.BAD_RESPONSE,
    FailureCode.INVALID_IMAGE,
    FailureCode.CONTENT_POLICY,
    FailureCode.REJECTED,
    FailureCode.AUTH_FAILED,
    FailureCode.QUOTA_EXHAUSTED,
)


def worst(errors: list[CallError]) -> CallError | None:
    """Return the error that a person most needs to know of: money first; None when there is none."""

    def rank(error: CallError) -> int:
        code = error.failure.code
        return _SEVERITY.index(code) if code in _SEVERITY else len(_SEVERITY)

    return min(errors, key=rank, default=None)
