"""Which answers about an accepted job end it: asking is free, and not all that answers is the provider.

Proxies, firewalls and sign-in pages answer in its place: with pages, redirects, encodings nobody asked for.
"""

import json

import attrs

from imagegen_core.errors import CallError
from imagegen_core.failures import FailureCode

MAX_REFUSALS = 3
"""How often in a row the provider itself may refuse the key before the job is given up."""

_FINAL_CODES = frozenset((FailureCode.AUTH_FAILED, FailureCode.RESULT_EXPIRED))
_PROXY_AUTHENTICATION = 407


def is_from_upstream(status: int, body: bytes) -> bool:
    """Return whether an answer that is no success comes from the provider itself, whose API speaks JSON."""
    if 300 <= status < 400 or status == _PROXY_AUTHENTICATION:  # noqa: PLR2004 - redirects
        return False
    try:
        return isinstance(json.loads(body), (dict, list))
    except (ValueError, RecursionError):
        return False


def may_be_json(head: bytes) -> bool:
    """Return whether what begins so may be an answer in JSON; a page is none."""
    return head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[")


@attrs.define
class PollFailures:
    """What came of asking for one job so far."""

    _last_error: CallError | None = None
    _refusals: int = 0

    def clear(self) -> None:
        """Forget earlier trouble: the provider is there and works on the job."""
        self._last_error, self._refusals = None, 0

    def tolerate(self, error: CallError, *, from_upstream: bool) -> None:
        """Return if the job is to be asked for again.

        Raises:
            CallError: ``error`` is the provider's last word on it.
        """
        self._last_error = error
        if not from_upstream:
            return
        if error.failure.code is not FailureCode.AUTH_FAILED:
            raise error
        self._refusals += 1
        if self._refusals >= MAX_REFUSALS:
            raise error

    def timeout_error(self, message: str) -> CallError:
        """Return the error of a job that was not done by its deadline."""
        trouble = self._last_error
        if trouble is None:
            return CallError(FailureCode.TIMEOUT, message)
        if trouble.failure.code in _FINAL_CODES:
            return trouble
        return CallError(
            FailureCode.TIMEOUT,
            f"{message}; at last: {trouble}",
            upstream_status=trouble.failure.upstream_status,
        )
