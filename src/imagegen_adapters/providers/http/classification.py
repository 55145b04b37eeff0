"""Classifies error responses, by the document's table and then by our own."""

import re
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

import attrs

from imagegen_adapters.providers.http.budgets import Reading
from imagegen_adapters.providers.http.expressions import Expression
from imagegen_adapters.providers.http.patterns import matches_glob, searched_chars
from imagegen_adapters.providers.http.schema.errors import ClassifyRule, ErrorClass, ErrorSpec
from imagegen_adapters.providers.http.schema.response import ResponseSpec
from imagegen_adapters.providers.messages import ResponseCode
from imagegen_adapters.providers.retry_after import parse_retry_after, parse_seconds
from imagegen_adapters.providers.upstream_messages import shorten, visible_text, with_model_warning
from imagegen_core.errors import CallError
from imagegen_core.failures import FailureCode
from imagegen_core.messages import Message, upstream_text
from imagegen_core.providers.capabilities import Model
from imagegen_core.providers.secrets import Secret

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
        # The outcome is unknown: sending it again might pay twice.
        ErrorClass.TRANSIENT: (FailureCode.OUTCOME_UNKNOWN, False),
    }
)
"""The failure code of each class, and whether it proves that a submit started nothing."""

_BY_STATUS: Mapping[int, ErrorClass] = MappingProxyType(
    {
        401: ErrorClass.AUTH,
        402: ErrorClass.QUOTA,
        403: ErrorClass.AUTH,
        404: ErrorClass.NOT_FOUND,
        # The provider stopped waiting (408) or refused early data (425); whether it started is unknown.
        408: ErrorClass.TRANSIENT,
        425: ErrorClass.TRANSIENT,
        429: ErrorClass.RATE_LIMITED,
    }
)


@attrs.frozen(kw_only=True)
class UpstreamResponse:
    """The parts of a response that classification reads.

    ``headers`` are by lower-case name, ``tree`` is None if the body is not JSON, and ``secret`` must never be
    repeated from it. ``reading`` is what the document's expressions may take for it.
    """

    status: int
    headers: Mapping[str, str]
    tree: Any = None
    text: str = ""
    secret: Secret | None = None
    reading: Reading = attrs.field(factory=Reading, eq=False)

    def shortened(self, message: str) -> str:
        """Return a message that came with the response, for display and without the secret."""
        return shorten(message, () if self.secret is None else (self.secret.reveal(),))

    def text_at(self, expression: Expression | None) -> str | None:
        """Return what an optional expression finds in it; None for nothing, and where it fails."""
        if expression is None:
            return None
        return expression.search_text(self.tree, headers=self.headers, reading=self.reading, optional=True)

    def holds(self, expression: Expression) -> bool:
        """Return whether a condition holds; not where it fails, so that it costs no image."""
        return expression.holds(self.tree, headers=self.headers, reading=self.reading, optional=True)


@attrs.frozen(kw_only=True)
class Classification:
    """What a response means; ``matched`` is False if no rule of the document applied."""

    kind: ErrorClass
    code: str | None
    message: str
    retry_after: float | None
    matched: bool


def is_failure(response: UpstreamResponse, spec: ResponseSpec) -> bool:
    """Return whether a 2xx response is an error after all."""
    return spec.fail_if is not None and response.holds(spec.fail_if)


def classify(response: UpstreamResponse, spec: ErrorSpec, now: datetime) -> Classification:
    """Return what an error response, or a failure inside a 2xx, means: codes count before statuses."""
    code = response.text_at(spec.code) or None
    message = response.text_at(spec.message) or _plain_text(response)
    return classify_code(response, spec, now, code=code, message=message)


def classify_code(
    response: UpstreamResponse, spec: ErrorSpec, now: datetime, *, code: str | None, message: str
) -> Classification:
    """Return what a code and a message mean that were found elsewhere in the response."""
    rule = next((r for r in spec.classify if code is not None and _has_code(r, code)), None)
    if rule is None:
        rule = next((r for r in spec.classify if not r.codes and _has_status(r, response.status)), None)
    kind = rule.as_ if rule is not None else _by_status(response.status)
    wait = retry_after(response, spec, now)
    if wait is None and rule is not None:
        wait = rule.cooldown_s
    return Classification(kind=kind, code=code, message=message, retry_after=wait, matched=rule is not None)


def submit_error(
    classification: Classification, response: UpstreamResponse, model: Model | None = None
) -> CallError:
    """Return the error of a submit; a refusal of a model that is being retired names its replacement."""
    code, not_started = CODES[classification.kind]
    return CallError(
        code,
        with_model_warning(model, code, _reason(classification, response)),
        not_started=not_started,
        retry_after=classification.retry_after,
        upstream_status=response.status,
        upstream_code=classification.code,
    )


def stream_error(classification: Classification, response: UpstreamResponse, *, has_begun: bool) -> CallError:
    """Return the error that an event of a stream is: never "not started", as its status was a success.

    One that no rule knows tells nothing of a charge, nor does any other one once a part of an image came.
    """
    if has_begun or not classification.matched:
        kind = classification.kind if classification.matched else ErrorClass.TRANSIENT
        classification = attrs.evolve(classification, kind=kind, matched=False)
    return job_error(classification, response)


def job_error(classification: Classification, response: UpstreamResponse) -> CallError:
    """Return the error of an accepted job: never "not started", and possibly charged."""
    code, _ = CODES[classification.kind]
    if classification.kind in (ErrorClass.RATE_LIMITED, ErrorClass.NOT_ADMITTED):
        code = FailureCode.OUTCOME_UNKNOWN
    possible_charge = None if classification.matched else True
    return CallError(
        code,
        _reason(classification, response),
        upstream_status=response.status,
        upstream_code=classification.code,
        possible_charge=possible_charge,
    )


def retry_after(response: UpstreamResponse, spec: ErrorSpec, now: datetime) -> float | None:
    """Return the seconds that the provider asks us to wait, by the document's first rule that matches."""
    pattern_count = sum(rule.jmespath is not None for rule in spec.retry_after)
    for rule in spec.retry_after:
        if rule.header is not None:
            seconds = _from_header(rule.header, response.headers, now)
        elif rule.jmespath is not None:
            text = response.text_at(rule.jmespath) or ""
            match = re.search(rule.regex, text[: searched_chars(rule.regex, pattern_count)])
            seconds = parse_seconds(match[1] or "") if match else None
        else:
            seconds = None
        if seconds is not None:
            return max(0.0, seconds)
    return None


def _from_header(name: str, headers: Mapping[str, str], now: datetime) -> float | None:
    seconds = parse_retry_after(headers.get(name), now)
    return seconds / 1000 if seconds is not None and name.endswith("-ms") else seconds


def _has_code(rule: ClassifyRule, code: str) -> bool:
    return matches_glob(code, rule.codes)


def _has_status(rule: ClassifyRule, status: int) -> bool:
    return any(str(status) == s or (s.endswith("xx") and str(status)[0] == s[0]) for s in rule.status)


def _by_status(status: int) -> ErrorClass:
    if status in _SERVER_ERRORS:
        return ErrorClass.TRANSIENT
    return _BY_STATUS.get(status, ErrorClass.INVALID)


def _plain_text(response: UpstreamResponse) -> str:
    if isinstance(response.tree, str):
        return response.tree
    return visible_text(response.text)


def _reason(classification: Classification, response: UpstreamResponse) -> Message:
    if message := response.shortened(classification.message):
        return upstream_text(message)
    if response.status in range(300, 400):
        return ResponseCode.RESPONSE_REDIRECT()
    if classification.code is not None:
        return ResponseCode.RESPONSE_CODE(code=classification.code)
    return ResponseCode.RESPONSE_STATUS(status=response.status)
