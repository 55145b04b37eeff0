"""What an answer that is no success means, by the document's table and then by ours."""

import re
from collections.abc import Mapping
from datetime import datetime
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Any

import attrs

from imagegen_adapters.providers.http.document import ClassifyRule, ErrorClass, ErrorSpec
from imagegen_adapters.providers.http.patterns import SEARCHED_CHARS
from imagegen_adapters.providers.retry_after import parse_retry_after, parse_seconds
from imagegen_adapters.providers.upstream_messages import shorten, visible_text, with_model_warning
from imagegen_core.errors import CallError
from imagegen_core.failures import FailureCode
from imagegen_core.providers.capabilities import Model

_OK = range(200, 300)
_SERVER_ERRORS = range(500, 600)

CODES: Mapping[ErrorClass, tuple[FailureCode, bool]] = MappingProxyType(
    {
        ErrorClass.BLOCKED: (FailureCode.CONTENT_POLICY, False),
        ErrorClass.QUOTA: (FailureCode.QUOTA_EXHAUSTED, False),
        ErrorClass.AUTH: (FailureCode.AUTH_FAILED, False),
        ErrorClass.INVALID: (FailureCode.REJECTED, False),
        ErrorClass.NOT_FOUND: (FailureCode.REJECTED, False),
        # Nothing was started: the same call may be sent again.
        ErrorClass.RATE_LIMITED: (FailureCode.RATE_LIMITED, True),
        ErrorClass.NOT_ADMITTED: (FailureCode.UNAVAILABLE, True),
        # Nobody knows: repeating it might pay twice.
        ErrorClass.TRANSIENT: (FailureCode.OUTCOME_UNKNOWN, False),
    }
)
"""Failure code of each class, and whether it proves that a submit started nothing."""

_BY_STATUS: Mapping[int, ErrorClass] = MappingProxyType(
    {
        401: ErrorClass.AUTH,
        402: ErrorClass.QUOTA,
        403: ErrorClass.AUTH,
        404: ErrorClass.NOT_FOUND,
        # The provider gave up waiting, or would not take it early; whether it began is not said.
        408: ErrorClass.TRANSIENT,
        425: ErrorClass.TRANSIENT,
        429: ErrorClass.RATE_LIMITED,
    }
)


@attrs.frozen(kw_only=True)
class UpstreamResponse:
    """A provider's answer as far as errors go; ``headers`` by lower-case name, ``tree`` None for no JSON.

    ``secret`` is what must never be repeated from it.
    """

    status: int
    headers: Mapping[str, str]
    tree: Any = None
    text: str = ""
    secret: str | None = attrs.field(default=None, repr=False)


@attrs.frozen(kw_only=True)
class Classification:
    """What an answer means. ``matched`` is False when no rule of the document said so."""

    kind: ErrorClass
    code: str | None
    message: str
    retry_after: float | None
    matched: bool


def classify(answer: UpstreamResponse, spec: ErrorSpec, now: datetime) -> Classification:
    """Return what an error answer, or a failure inside a 2xx, means: codes before statuses."""
    code = _text(spec.code, answer)
    message = _text(spec.message, answer) or _plain_text(answer)
    return verdict(answer, spec, now, code=code, message=message)


def verdict(
    answer: UpstreamResponse, spec: ErrorSpec, now: datetime, *, code: str | None, message: str
) -> Classification:
    """Return what a code and a sentence mean that were found elsewhere in the answer."""
    rule = next((r for r in spec.classify if code is not None and _has_code(r, code)), None)
    if rule is None:
        rule = next((r for r in spec.classify if not r.codes and _has_status(r, answer.status)), None)
    kind = rule.as_ if rule is not None else _by_status(answer.status)
    wait = retry_after(answer, spec, now)
    if wait is None and rule is not None:
        wait = rule.cooldown_s
    return Classification(kind=kind, code=code, message=message, retry_after=wait, matched=rule is not None)


def submit_error(verdict: Classification, answer: UpstreamResponse, model: Model | None = None) -> CallError:
    """Return the error of a submit; a refusal of a model that goes or is gone names its replacement."""
    code, not_started = CODES[verdict.kind]
    message = _cut(verdict, answer)
    if model is not None and code is FailureCode.REJECTED:
        message = with_model_warning(model, message)
    return CallError(
        code,
        message,
        not_started=not_started,
        retry_after=verdict.retry_after,
        upstream_status=answer.status,
        upstream_code=verdict.code,
    )


def job_error(verdict: Classification, answer: UpstreamResponse) -> CallError:
    """Return the error of a job that was accepted: never "not started", and perhaps charged."""
    code, _ = CODES[verdict.kind]
    if verdict.kind in (ErrorClass.RATE_LIMITED, ErrorClass.NOT_ADMITTED):
        code = FailureCode.OUTCOME_UNKNOWN
    charged = None if verdict.matched else True
    return CallError(
        code,
        _cut(verdict, answer),
        upstream_status=answer.status,
        upstream_code=verdict.code,
        possible_charge=charged,
    )


def retry_after(answer: UpstreamResponse, spec: ErrorSpec, now: datetime) -> float | None:
    """Return how many seconds the provider asks us to wait, by the document's first rule that applies."""
    for rule in spec.retry_after:
        if rule.header is not None:
            found = _from_header(rule.header, answer.headers, now)
        elif rule.jmespath is not None:
            words = rule.jmespath.search_text(answer.tree, headers=answer.headers) or ""
            match = re.search(rule.regex, words[:SEARCHED_CHARS])
            found = parse_seconds(match[1] or "") if match else None
        else:
            found = None
        if found is not None:
            return max(0.0, found)
    return None


def _from_header(name: str, headers: Mapping[str, str], now: datetime) -> float | None:
    seconds = parse_retry_after(headers.get(name), now)
    return seconds / 1000 if seconds is not None and name.endswith("-ms") else seconds


def _has_code(rule: ClassifyRule, code: str) -> bool:
    return any(fnmatchcase(code, pattern) for pattern in rule.codes)


def _has_status(rule: ClassifyRule, status: int) -> bool:
    return any(str(status) == s or (s.endswith("xx") and str(status)[0] == s[0]) for s in rule.status)


def _by_status(status: int) -> ErrorClass:
    if status in _SERVER_ERRORS:
        return ErrorClass.TRANSIENT
    return _BY_STATUS.get(status, ErrorClass.INVALID)


def _text(expression: Any, answer: UpstreamResponse) -> str | None:
    if expression is None:
        return None
    found: str | None = expression.search_text(answer.tree, headers=answer.headers)
    return found or None


def _plain_text(answer: UpstreamResponse) -> str:
    if isinstance(answer.tree, str):
        return answer.tree
    return visible_text(answer.text)


def _cut(verdict: Classification, answer: UpstreamResponse) -> str:
    message = shorten(verdict.message, (answer.secret,))
    if not message and answer.status in range(300, 400):
        message = "the provider answered with a redirect, which is not followed: api_base is wrong"
    return message or f"the provider answered {answer.status} without a reason"
