"""Which answers about an accepted job end it: asking is free, and not all that answers is the vendor.

Proxies, firewalls and sign-in pages answer in its place: with pages, redirects, encodings nobody asked for.
"""

import json

import attrs

from imagegen_core.errors import CallError
from imagegen_core.failures import FailureCode

MAX_REFUSALS = 3
"""How often in a row the vendor itself may refuse the key before the job is given up."""

_LAST_WORDS = frozenset((FailureCode.AUTH_FAILED, FailureCode.RESULT_EXPIRED))
_PROXY_AUTHENTICATION = 407


def is_vendors_word(status: int, body: bytes) -> bool:
    """Return whether an answer that is no success comes from the vendor itself, whose API speaks JSON."""
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
class JobPatience:
    """What came of asking for one job so far."""

    _trouble: CallError | None = None
    _refusals: int = 0

    def note_progress(self) -> None:
        """Forget earlier trouble: the vendor is there and works on the job."""
        self._trouble, self._refusals = None, 0

    def bear(self, error: CallError, *, vendors_word: bool) -> None:
        """Return if the job is to be asked for again.

        Raises:
            CallError: ``error`` is the vendor's last word on it.
        """
        self._trouble = error
        if not vendors_word:
            return
        if error.failure.code is not FailureCode.AUTH_FAILED:
            raise error
        self._refusals += 1
        if self._refusals >= MAX_REFUSALS:
            raise error

    def out_of_time(self, message: str) -> CallError:
        """Return the error of a job that was not done by its deadline."""
        trouble = self._trouble
        if trouble is None:
            return CallError(FailureCode.TIMEOUT, message)
        if trouble.failure.code in _LAST_WORDS:
            return trouble
        return CallError(
            FailureCode.TIMEOUT,
            f"{message}; at last: {trouble}",
            upstream_status=trouble.failure.upstream_status,
        )
