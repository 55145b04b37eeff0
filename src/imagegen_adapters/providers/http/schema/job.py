"""A job that the provider goes on with: what identifies it, and how it is polled."""

import attrs

from imagegen_adapters.providers.http.expressions import Expression
from imagegen_adapters.providers.http.schema.errors import ErrorPaths
from imagegen_adapters.providers.http.schema.request import RequestSpec


@attrs.frozen(kw_only=True)
class TaskSpec:
    """Where a submit's response identifies the job."""

    id: Expression
    poll_url: Expression | None = None
    result_url: Expression | None = None
    cancel_url: Expression | None = None
    done_if: Expression | None = None


@attrs.frozen(kw_only=True)
class StatusSpec:
    """How a job's state is read: ``source`` is an expression, or ``http`` for the status code."""

    source: str
    pending: tuple[str, ...] = ()
    succeeded: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    blocked: tuple[str, ...] = ()
    cancelled: tuple[str, ...] = ()
    expired: tuple[str, ...] = ()

    @property
    def expression(self) -> Expression | None:
        """The compiled source; None when it is the HTTP status."""
        return None if self.source == "http" else Expression.parse(self.source)


@attrs.frozen(kw_only=True)
class PollSpec:
    """How to poll a job, and how often; times are in seconds."""

    request: RequestSpec
    status: StatusSpec
    first_after_s: float = 1.0
    interval_s: float = 2.0
    backoff: float = 1.5
    interval_max_s: float = 10.0
    deadline_s: float = 600.0
    fail_if: Expression | None = None
    failure: ErrorPaths = attrs.field(factory=ErrorPaths)
    progress: Expression | None = None
