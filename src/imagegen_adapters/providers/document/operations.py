"""What a document says of its calls. Fields have their bounds here; further rules are in ``problems``."""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, get_args

import attrs

from imagegen_adapters.providers.common.images import MaskPolarity
from imagegen_adapters.providers.document.expressions import DocumentCode, Expression, pattern_problem
from imagegen_adapters.providers.document.templates import PROSE, Template
from imagegen_core.config import SERVICE_HEADERS, check_api_base
from imagegen_core.errors import ValidationFailed
from imagegen_core.facts import TokenKind, is_currency
from imagegen_core.limits import MAX_PARTIAL_IMAGES, MAX_PROVIDER_NAME_CHARS
from imagegen_core.messages import Message, ProblemCode, range_problem
from imagegen_core.requests import Operation

CHECK = "check"  # the key of a field's check in its metadata
Check = Callable[[Any], Message | None]  # returns what is wrong with a value
Found = Iterator[tuple[str, Message]]  # mistakes: the path below the part that reports it, and the reason
State = Literal["pending", "succeeded", "failed", "blocked", "cancelled", "expired"]
_STATES: tuple[State, ...] = get_args(State)
_DAY_SECONDS = 86_400
_MAX_RETRY_RULES = 20
_MAX_URL_CHARS = 2048
_METHODS = ("DELETE", "GET", "PATCH", "POST", "PUT")
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_STATUS = re.compile(r"[1-5](?:\d\d|xx)")
_SOURCES = ("url", "base64", "data_uri", "auto", "url_template")


def checked(check: Check, default: Any = attrs.NOTHING) -> Any:
    """Return a field with a check, which is skipped for None."""
    return attrs.field(default=default, metadata={CHECK: check})


def matching(is_valid: Callable[[Any], object], reason: Message) -> Check:
    return lambda value: None if is_valid(value) else reason


def between(minimum: float, maximum: float) -> Check:
    return lambda value: range_problem(value, minimum=minimum, maximum=maximum)


def _seconds(minimum: float = 0) -> Check:
    reason = DocumentCode.SECONDS_OUT_OF_RANGE(minimum=minimum, maximum=_DAY_SECONDS)
    return matching(lambda value: minimum <= value <= _DAY_SECONDS, reason)


def at_most(maximum: int) -> Check:
    return matching(lambda items: len(items) <= maximum, ProblemCode.TOO_MANY_ITEMS(maximum=maximum))


def accepted_by(check: Callable[[Any, str], object]) -> Check:
    """Return a check from a function of the core that raises."""

    def problem(value: Any) -> Message | None:
        try:
            check(value, "")
        except ValidationFailed as error:
            return error.problems[0].reason
        return None

    return problem


IS_API_BASE = accepted_by(check_api_base)
IS_NAME = matching(_NAME.fullmatch, ProblemCode.NOT_A_NAME(maximum=MAX_PROVIDER_NAME_CHARS))
_NAMES_EVENTS = matching(lambda names: names and all(names), ProblemCode.EMPTY())
_IS_SHORT = matching(lambda text: len(text) <= _MAX_URL_CHARS, ProblemCode.TOO_LONG(maximum=_MAX_URL_CHARS))


def header_problem(name: str) -> Message | None:
    return ProblemCode.HEADER_NOT_SETTABLE(name=name) if name.lower() in SERVICE_HEADERS else None


def header_problems(headers: Mapping[str, Any]) -> Found:
    return ((f"headers.{name}", reason) for name in headers if (reason := header_problem(name)))


# Requests


BodyType = Literal["json", "form", "multipart", "none"]


@attrs.frozen(kw_only=True)
class BodySpec:
    """A request's body. ``extras`` is the dotted path inside it for undeclared parameters."""

    type: BodyType = "json"
    template: Template | None = None
    force_multipart: bool = False
    extras: str = ""
    max_bytes: int | None = checked(matching(lambda n: n > 0, ProblemCode.NOT_ABOVE(limit=0)), None)


@attrs.frozen(kw_only=True)
class RequestSpec:
    """One HTTP request: a ``path`` below the base URL, or a whole ``url`` from an earlier response."""

    method: str = "POST"
    path: Template | None = None
    url: Template | None = None
    query: Mapping[str, Template] = attrs.field(factory=dict)
    headers: Mapping[str, Template] = attrs.field(factory=dict)
    body: BodySpec = BodySpec(type="none")

    @property
    def templates(self) -> tuple[Template, ...]:
        single = (self.path, self.url, self.body.template)
        return (*(t for t in single if t is not None), *self.query.values(), *self.headers.values())

    def problems(self) -> Found:
        return header_problems(self.headers)

    def problems_as(self, place: str, *, is_paid: bool) -> Found:
        if self.method not in _METHODS:
            yield f"{place}.method", ProblemCode.NOT_ONE_OF(choices=_METHODS)
        if (self.path is None) == (self.url is None):
            yield place, DocumentCode.ONE_OF_TWO(first="path", second="url")
        if self.path is not None and not str(self.path.source).startswith(("/", "$")):
            yield f"{place}.path", DocumentCode.NOT_A_PATH()
        if not is_paid and self.path is not None and any(map(self.path.mentions, PROSE)):
            yield f"{place}.path", DocumentCode.PROMPT_AFTER_SUBMIT()
        if is_paid and self.url is not None:
            yield f"{place}.url", DocumentCode.URL_BEFORE_SUBMIT()
        if is_paid and any(t.mentions("task") for t in self.templates):
            yield place, DocumentCode.TASK_BEFORE_SUBMIT()


# Errors


@attrs.frozen(kw_only=True)
class ErrorPaths:
    """Where a response contains the provider's code and message."""

    code: Expression | None = None
    message: Expression | None = None


# What an error response means; `responses.CODES` defines the consequences of each
ErrorClass = Literal[
    "blocked", "quota", "auth", "invalid", "rate_limited", "transient", "not_found", "not_admitted"
]


@attrs.frozen(kw_only=True)
class ClassifyRule:
    """``codes`` are exact or globs; ``status`` are numbers or ``5xx``. Either may be omitted, not both."""

    as_: ErrorClass
    codes: tuple[str, ...] = ()
    status: tuple[str, ...] = ()
    cooldown_s: float | None = checked(_seconds(), None)

    def problems(self) -> Found:
        if not self.codes and not self.status:
            yield "", DocumentCode.NEEDS_ANY(fields=("codes", "status"))
        for status in self.status:
            if not _STATUS.fullmatch(status):
                yield "status", DocumentCode.NOT_A_STATUS(status=status)


@attrs.frozen(kw_only=True)
class RetryAfterRule:
    """Where a response says how long to wait: a header, or text of the body with the number in group 1."""

    header: str | None = None
    jmespath: Expression | None = None
    regex: str = r"(\d+(?:\.\d+)?)"


@attrs.frozen(kw_only=True)
class ErrorSpec(ErrorPaths):
    """How the provider's errors are read."""

    request_id: Expression | None = None
    retry_after: tuple[RetryAfterRule, ...] = checked(
        at_most(_MAX_RETRY_RULES),
        (RetryAfterRule(header="retry-after-ms"), RetryAfterRule(header="retry-after")),
    )
    classify: tuple[ClassifyRule, ...] = ()

    def problems(self) -> Found:
        rules = self.retry_after if len(self.retry_after) <= _MAX_RETRY_RULES else ()
        for position, rule in enumerate(rules):
            if (rule.header is None) == (rule.jmespath is None):
                yield f"retry_after.{position}", DocumentCode.ONE_OF_TWO(first="header", second="jmespath")
            if reason := pattern_problem(rule.regex):
                yield f"retry_after.{position}.regex", reason


# Responses


@attrs.frozen(kw_only=True)
class RawSpec:
    """The whole body is one image if its type matches; ``meta_headers`` become metadata."""

    content_types: tuple[str, ...] = ("image/*",)
    meta_headers: Mapping[str, str] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class ImageRule:
    """One way to find images; the first rule that selects anything counts."""

    select: Expression
    url: Expression | None = None
    base64: Expression | None = None
    data_uri: Expression | None = None
    auto: Expression | None = None
    url_template: str | None = checked(_IS_SHORT, None)
    send_auth: bool = False
    mime: Expression | None = None
    width: Expression | None = None
    height: Expression | None = None
    seed: Expression | None = None
    revised_prompt: Expression | None = None
    zip: Mapping[str, Expression] = attrs.field(factory=dict)
    blocked_if: Expression | None = None
    item_error: ErrorPaths | None = None


@attrs.frozen(kw_only=True)
class UsageSpec:
    """Where a response says what was charged: units worth ``unit`` of ``currency``, or tokens by kind."""

    amount: Expression | None = None
    currency: str | None = checked(matching(is_currency, ProblemCode.NOT_A_CURRENCY()), None)
    unit: float = checked(matching(lambda x: math.isfinite(x) and x > 0, ProblemCode.NOT_ABOVE(limit=0)), 1.0)
    tokens: Mapping[TokenKind, Expression] = attrs.field(factory=dict)

    def problems(self) -> Found:
        if (self.amount is None) != (self.currency is None):
            missing, other = ("amount", "currency") if self.amount is None else ("currency", "amount")
            yield missing, ProblemCode.NEEDS_OTHER(other=other)


@attrs.frozen(kw_only=True)
class ResponseSpec:
    """How images are found in a response, and what it says that they cost."""

    images: tuple[ImageRule, ...] = ()
    raw: RawSpec | None = None
    fail_if: Expression | None = None
    blocked_if: Expression | None = None
    meta: Mapping[str, Expression] = attrs.field(factory=dict)
    usage: UsageSpec | None = None

    def problems(self) -> Found:
        if not self.images and self.raw is None:
            yield "", DocumentCode.NEEDS_ANY(fields=("images", "raw"))
        for position, rule in enumerate(self.images):
            if not any(getattr(rule, name) for name in _SOURCES):
                yield f"images.{position}", DocumentCode.NEEDS_ANY(fields=_SOURCES)


@attrs.frozen(kw_only=True)
class PartialSpec:
    """Events with a partial image, and where their data has it and its number."""

    events: tuple[str, ...] = checked(_NAMES_EVENTS)
    base64: Expression
    index: Expression | None = None


@attrs.frozen(kw_only=True)
class StreamSpec:
    """How events are read, if ``parameter`` is above 0; the `ResponseSpec` reads those in ``completed``."""

    parameter: str = checked(
        matching(re.compile(r"[A-Za-z_]\w{0,63}").fullmatch, DocumentCode.NOT_A_PARAMETER_NAME())
    )
    partial: PartialSpec
    max: int = checked(between(1, MAX_PARTIAL_IMAGES), MAX_PARTIAL_IMAGES)
    completed: tuple[str, ...] = checked(_NAMES_EVENTS)
    failed: tuple[str, ...] = ("error",)


# Operations


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
    """How a job's state is read: ``source`` finds it, or is ``http`` for the status code."""

    source: Expression
    pending: tuple[str, ...] = ()
    succeeded: tuple[str, ...] = checked(matching(bool, DocumentCode.NO_STATES()))
    failed: tuple[str, ...] = ()
    blocked: tuple[str, ...] = ()
    cancelled: tuple[str, ...] = ()
    expired: tuple[str, ...] = ()

    @property
    def is_http(self) -> bool:
        return self.source.text == "http"

    def state_of(self, status: str | None) -> State:
        """Return the state; one that is missing or not listed is pending."""
        if status is None:
            return "pending"
        states = (s for s in _STATES if status.casefold() in map(str.casefold, getattr(self, s)))
        return next(states, "pending")


@attrs.frozen(kw_only=True)
class PollSpec:
    """How to poll a job, and how often; times are in seconds."""

    request: RequestSpec
    status: StatusSpec
    first_after_s: float = checked(_seconds(), 1.0)
    interval_s: float = checked(_seconds(0.1), 2.0)
    backoff: float = checked(between(1, 10), 1.5)
    interval_max_s: float = checked(_seconds(0.1), 10.0)
    deadline_s: float = checked(_seconds(), 600.0)
    fail_if: Expression | None = None
    failure: ErrorPaths = attrs.field(factory=ErrorPaths)
    progress: Expression | None = None


@attrs.frozen(kw_only=True)
class MaskSpec:
    """How the provider expects a mask."""

    polarity: MaskPolarity = MaskPolarity.WHITE_IS_EDIT


@attrs.frozen(kw_only=True, eq=False)
class OperationSpec:
    """One paid call and its further requests, equal only to itself; ``warning`` goes with its images."""

    request: RequestSpec
    response: ResponseSpec
    implements: tuple[Operation, ...] = ()
    mask: MaskSpec = MaskSpec()
    stream: StreamSpec | None = None
    task: TaskSpec | None = None
    poll: PollSpec | None = None
    result: RequestSpec | None = None
    cancel: RequestSpec | None = None
    warning: str | None = None

    def implemented(self, name: str) -> tuple[Operation, ...]:
        """Return the operations that it serves: those it declares, else the one that it is named after."""
        return self.implements or tuple(operation for operation in Operation if operation == name)

    def streams(self, params: Mapping[str, Any]) -> bool:
        """Return whether partial images are asked for, which a provider sends for one image a call."""
        number = 0 if self.stream is None else params.get(self.stream.parameter)
        return isinstance(number, int) and number > 0

    def problems(self) -> Found:
        yield from self.request.problems_as("request", is_paid=True)
        poll = None if self.poll is None else self.poll.request
        for name, request in (("result", self.result), ("cancel", self.cancel), ("poll.request", poll)):
            if request is not None:
                yield from request.problems_as(name, is_paid=False)
        if (self.task is None) != (self.poll is None):
            yield "poll" if self.poll is None else "task", DocumentCode.TASK_WITHOUT_POLL()
        if self.stream is not None and self.task is not None:
            yield "stream", DocumentCode.STREAM_OF_A_JOB()
