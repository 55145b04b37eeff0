"""Waits for one job. Asking is free, so only what ComfyUI says of the job, or the deadline, ends it."""

import attrs

from imagegen_adapters.outbound.errors import is_transport_error
from imagegen_adapters.providers.comfyui.api import ComfyUIApi
from imagegen_adapters.providers.comfyui.failures import node_failure
from imagegen_adapters.providers.comfyui.jobs import JobReport, JobState, Unanswered, report_of
from imagegen_adapters.providers.comfyui.messages import ComfyUICode
from imagegen_adapters.providers.common.calls import PollFailures, is_from_upstream
from imagegen_core.errors import CallError, FailureCode
from imagegen_core.messages import Message
from imagegen_core.ports.clock import Clock

MIN_PAUSE_SECONDS = 1.0
MAX_PAUSE_SECONDS = 3.0
_BACKOFF = 1.2

MAX_MISSES = 2
"""Answers in a row that do not know the job after which it is lost."""

MAX_STOP_SECONDS = 60.0
"""How long a job may go on after its cancellation: a node may not look for one before its end."""


@attrs.define(kw_only=True)
class JobWatcher:
    """Asks for one job until it has ended, or until its deadline: ``seconds`` after it was accepted.

    ``seconds_left`` is what remains of that; a process that finds the job in its attempt has less.
    """

    api: ComfyUIApi
    job_id: str
    clock: Clock
    seconds: float
    seconds_left: float
    _cancelled_at: float | None = None
    _misses: int = 0

    def cancellation_taken(self) -> None:
        """Note that ComfyUI has been told to stop the job."""
        self._cancelled_at = self.clock.monotonic()

    async def wait(self) -> JobReport:
        """Return the report of a job that is done.

        Raises:
            CallError: it failed, was interrupted or is lost, or ``timeout`` at the deadline.
        """
        failures, pause = PollFailures(), MIN_PAUSE_SECONDS
        deadline = self.clock.monotonic() + self.seconds_left
        while True:
            remaining = deadline - self.clock.monotonic()
            # The last question is asked at the deadline, not after it; one is asked in any case.
            await self.clock.sleep(min(pause, remaining))
            report = await self._ask(failures)
            if report is not None and self._has_ended(report):
                return report
            if remaining <= pause:
                raise failures.timeout_error(self.seconds)
            pause = min(pause * _BACKOFF, MAX_PAUSE_SECONDS)

    async def _ask(self, failures: PollFailures) -> JobReport | None:
        try:
            report = await report_of(self.api, self.job_id)
        except Unanswered as unanswered:
            answer = unanswered.answer
            is_refusal = unanswered.error.failure.code is FailureCode.AUTH_FAILED
            failures.tolerate(
                unanswered.error,
                from_upstream=is_refusal and is_from_upstream(answer.status, answer.body),
            )
        except CallError as error:
            if not is_transport_error(error):
                raise
            failures.tolerate(error, from_upstream=False)
        else:
            failures.clear()
            return report
        return None

    def _has_ended(self, report: JobReport) -> bool:
        """Return whether the job is done.

        Raises:
            CallError: it has ended in another way.
        """
        self._misses = self._misses + 1 if report.state is JobState.MISSING else 0
        match report.state:
            case JobState.FAILED:
                raise node_failure(report.error, self.api.secrets)
            case JobState.INTERRUPTED:
                raise _cancelled(ComfyUICode.JOB_INTERRUPTED())
            case JobState.MISSING if self._cancelled_at is not None:  # taken out of the queue
                raise _cancelled(ComfyUICode.JOB_INTERRUPTED())
            case JobState.MISSING if self._misses >= MAX_MISSES:
                raise CallError(FailureCode.RESULT_EXPIRED, ComfyUICode.JOB_LOST())
            case JobState.ACTIVE if self._is_stuck():
                raise _cancelled(ComfyUICode.JOB_STOPPING(seconds=MAX_STOP_SECONDS))
            case state:
                return state is JobState.DONE

    def _is_stuck(self) -> bool:
        since = self._cancelled_at
        return since is not None and self.clock.monotonic() - since >= MAX_STOP_SECONDS


def _cancelled(reason: Message) -> CallError:
    return CallError(FailureCode.CANCELLED, reason, possible_charge=True)
