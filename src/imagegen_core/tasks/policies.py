"""Policies for waiting and retrying, as values; the use cases only apply them.

Each is a field of the use case that applies it, so that a program or a test can pass another one.
"""

from collections.abc import Callable
from datetime import timedelta

import attrs

from imagegen_core.errors import CallError, KeysLocked, StorageUnreachable, Unavailable


@attrs.frozen(kw_only=True)
class RetryPolicy:
    """Calls that provably started nothing: 1, 2, 4, … s apart, or as the provider asks.

    Their number is part of the provider's configuration (``max_retries``), since each delays the caller.

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


@attrs.frozen(kw_only=True)
class StorageRetryPolicy:
    """Storing a result that is paid for and spooled: 5, 20, 80 s apart.

    It is free, and a full disk or an archive that does not respond takes that long to recover; the task's
    `MAX_RECOVERIES` bounds it.
    """

    base: float = 5.0
    factor: float = 4.0

    def delay(self, *, recoveries: int) -> timedelta:
        """Return how long a task waits that was recovered ``recoveries`` times."""
        return timedelta(seconds=self.base * self.factor**recoveries)


@attrs.frozen(kw_only=True)
class DownloadRetryPolicy:
    """Downloading a result that is paid for: 0.5 and 1 s apart, while the worker waits.

    Few and soon, since signed URLs expire; what is still missing then is retried with the task.
    """

    max_tries: int = 3
    step: float = 0.5

    def delay(self, *, tries: int) -> float:
        """Return the seconds to wait after ``tries`` tries."""
        return self.step * tries


@attrs.frozen(kw_only=True)
class DeferralPolicy:
    """Tasks whose provider's configuration cannot be used now.

    A configuration that cannot be read is tried again soon. A key that cannot be decrypted takes the right
    master key and a restart, and each try costs two synced writes.
    """

    unreadable: timedelta = timedelta(seconds=30)
    locked: timedelta = timedelta(minutes=5)

    def delay(self, error: Unavailable) -> timedelta:
        """Return how long the task is deferred."""
        return self.locked if isinstance(error, KeysLocked) else self.unreadable


@attrs.frozen(kw_only=True)
class SyncBackoff:
    """Uploads and removals of the outbox: doubling up to a ceiling, with no limit on the number of tries.

    An archive that does not respond is tried again within ``unreachable_ceiling``, because that costs a
    single request for all entries; an entry that it refuses waits up to ``refused_ceiling``, which the
    outbox's `MAX_DEFERRAL` bounds.
    """

    base: float = 5.0
    unreachable_ceiling: float = 60.0
    refused_ceiling: float = 3600.0

    def delay(self, error: Exception, *, attempts: int) -> float:
        """Return the seconds to wait after the ``attempts``-th failure."""
        ceiling = self.unreachable_ceiling if isinstance(error, StorageUnreachable) else self.refused_ceiling
        return float(min(ceiling, self.base * 2 ** min(max(attempts - 1, 0), 30)))


DISK_RETRY_SECONDS = 1.0
"""Wait before a write that failed on a full or failing disk is tried again; the worker waits with it."""
