"""Retry policy for calls that provably started nothing; `use_cases.run_task` applies it."""

from collections.abc import Callable

import attrs

from imagegen_core.errors import CallError


@attrs.frozen(kw_only=True)
class RetryPolicy:
    """Backoff of 1, 2, 4, … seconds, or as long as the provider asks, at most ``max_retries`` times.

    Args:
        base: seconds before the first retry; each further wait is ``factor`` times as long.
        ceiling: longest backoff, in seconds.
        retry_after_ceiling: longest wait that a provider may ask for, in seconds.
        jitter: random fraction added at most, so that many tasks do not retry in lockstep.
    """

    base: float = 1.0
    factor: float = 2.0
    ceiling: float = 60.0
    retry_after_ceiling: float = 3600.0
    jitter: float = 0.25

    def delay(
        self, error: CallError, *, retries: int, max_retries: int, random: Callable[[], float]
    ) -> float | None:
        """Return the seconds to wait before the call is sent again; None if it must not be.

        ``retries`` is the number of retries so far; ``random`` returns numbers in [0, 1).
        """
        if not error.resendable or retries >= max_retries:
            return None
        backoff = min(self.ceiling, self.base * self.factor**retries)
        retry_after = min(self.retry_after_ceiling, error.retry_after or 0.0)
        return max(backoff, retry_after) * (1 + self.jitter * random())
