"""How a provider's errors are read, and what each of them means."""

from enum import StrEnum

import attrs

from imagegen_adapters.providers.http.expressions import Expression


@attrs.frozen(kw_only=True)
class ErrorPaths:
    """Where a response contains the provider's code and message."""

    code: Expression | None = None
    message: Expression | None = None


class ErrorClass(StrEnum):
    """What an error response means; `classification` defines the consequences of each."""

    BLOCKED = "blocked"
    QUOTA = "quota"
    AUTH = "auth"
    INVALID = "invalid"
    RATE_LIMITED = "rate_limited"
    TRANSIENT = "transient"
    NOT_FOUND = "not_found"
    NOT_ADMITTED = "not_admitted"


@attrs.frozen(kw_only=True)
class ClassifyRule:
    """``codes`` are exact or globs; ``status`` are numbers or ``5xx``. Either may be omitted, not both."""

    as_: ErrorClass
    codes: tuple[str, ...] = ()
    status: tuple[str, ...] = ()
    cooldown_s: float | None = None


@attrs.frozen(kw_only=True)
class RetryAfterRule:
    """Where a response says how long to wait: a header, or text of the body with the number in group 1."""

    header: str | None = None
    jmespath: Expression | None = None
    regex: str = r"(\d+(?:\.\d+)?)"


@attrs.frozen(kw_only=True)
class ErrorSpec:
    """How the provider's errors are read."""

    code: Expression | None = None
    message: Expression | None = None
    request_id: Expression | None = None
    retry_after: tuple[RetryAfterRule, ...] = (
        RetryAfterRule(header="retry-after-ms"),
        RetryAfterRule(header="retry-after"),
    )
    classify: tuple[ClassifyRule, ...] = ()
