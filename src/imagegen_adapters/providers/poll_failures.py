"""Which responses to a poll end an accepted job: polling is free, and not every response is the provider's.

Proxies, firewalls and sign-in pages may respond in its place: with HTML, redirects or unrequested encodings.
"""

import json

import attrs
import httpx

from imagegen_adapters.providers.messages import ResponseCode
from imagegen_core.errors import CallError
from imagegen_core.failures import FailureCode

MAX_REFUSALS = 3
"""Consecutive refusals of the key by the provider itself, or states that a document cannot read, after which
the job is given up.
"""

_FINAL_CODES = frozenset((FailureCode.AUTH_FAILED, FailureCode.RESULT_EXPIRED))


def is_from_upstream(status: int, body: bytes) -> bool:
    """Return whether an error response is the provider's own, whose API speaks JSON, not a proxy's."""
    if httpx.codes.is_redirect(status) or status == httpx.codes.PROXY_AUTHENTICATION_REQUIRED:
        return False
    try:
        return isinstance(json.loads(body), (dict, list))
    except (ValueError, RecursionError):
        return False


def may_be_json(head: bytes) -> bool:
    """Return whether a body that starts so can be JSON; an HTML page cannot."""
    return head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[")


@attrs.define
class PollFailures:
    """The failed polls of one job so far."""

    _last_error: CallError | None = None
    _refusals: int = 0

    def clear(self) -> None:
        """Forget earlier failures: the provider responds and works on the job."""
        self._last_error, self._refusals = None, 0

    def tolerate(self, error: CallError, *, from_upstream: bool, is_unreadable: bool = False) -> None:
        """Return if the job is to be polled again.

        ``is_unreadable``: the document cannot read this state of the job, but may read the next one.

        Raises:
            CallError: ``error`` is the provider's final answer about the job.
        """
        self._last_error = error
        if not from_upstream:
            return
        if error.failure.code is not FailureCode.AUTH_FAILED and not is_unreadable:
            raise error
        self._refusals += 1
        if self._refusals >= MAX_REFUSALS:
            raise error

    def timeout_error(self, seconds: float) -> CallError:
        """Return the error of a job that was not done within its time."""
        reason = ResponseCode.JOB_TOO_SLOW(seconds=seconds)
        last_error = self._last_error
        if last_error is None:
            return CallError(FailureCode.TIMEOUT, reason)
        if last_error.failure.code in _FINAL_CODES:
            return last_error
        return CallError(
            FailureCode.TIMEOUT,
            ResponseCode.AT_LAST(reason=reason, trouble=last_error.failure.reason),
            upstream_status=last_error.failure.upstream_status,
        )
