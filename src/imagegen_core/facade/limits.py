"""The limits that an operator can set."""

import attrs

from imagegen_core.config import check_provider_name
from imagegen_core.errors import ValidationFailed
from imagegen_core.limits import (
    DEFAULT_PROVIDER,
    DEFAULT_QUEUE_SIZE,
    DEFAULT_SHUTDOWN_GRACE_SECONDS,
    DEFAULT_WORKERS,
    MAX_QUEUE_SIZE,
    MAX_WORKERS,
)


@attrs.frozen(kw_only=True)
class Limits:
    """Limits that an operator can set: 1 to a million pending tasks, 1 to a thousand workers, a grace time.

    ``default_provider`` is where a task goes that names none, unless another was saved.

    Raises:
        ValidationFailed: a number is out of its range, or ``default_provider`` cannot be a name.
    """

    queue_size: int = DEFAULT_QUEUE_SIZE
    workers: int = DEFAULT_WORKERS
    shutdown_grace_seconds: float = DEFAULT_SHUTDOWN_GRACE_SECONDS
    default_provider: str = DEFAULT_PROVIDER

    def __attrs_post_init__(self) -> None:
        ValidationFailed.check_range("queue_size", self.queue_size, minimum=1, maximum=MAX_QUEUE_SIZE)
        ValidationFailed.check_range("workers", self.workers, minimum=1, maximum=MAX_WORKERS)
        ValidationFailed.check_range("shutdown_grace_seconds", self.shutdown_grace_seconds, minimum=0)
        check_provider_name(self.default_provider, "default_provider")
