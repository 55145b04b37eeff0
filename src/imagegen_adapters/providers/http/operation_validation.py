"""Checks what a document says of a call, beyond the types of its fields."""

import math
import re
from collections.abc import Iterator

from imagegen_adapters.providers.http.messages import DocumentCode, Malformed
from imagegen_adapters.providers.http.requests import PROSE
from imagegen_adapters.providers.http.schema.operation import OperationSpec, implemented
from imagegen_adapters.providers.http.schema.request import RequestSpec
from imagegen_adapters.providers.http.schema.response import ImageRule, ResponseSpec, UsageSpec
from imagegen_adapters.providers.http.schema.stream import StreamSpec
from imagegen_core.limits import MAX_PARTIAL_IMAGES
from imagegen_core.problems.fields import Problem, ProblemCode, range_problem
from imagegen_core.providers.prices import is_currency

_METHODS = frozenset(("GET", "POST", "PUT", "PATCH", "DELETE"))
DAY_SECONDS = 86_400
_MIN_INTERVAL_SECONDS = 0.1
_MAX_BACKOFF = 10
_MAX_TEMPLATE_CHARS = 2048


def problems_of_operation(path: str, name: str, operation: OperationSpec) -> Iterator[Problem]:
    """Yield all mistakes in an operation; ``path`` is where it stands."""
    if not implemented(name, operation):
        yield Problem(field=f"{path}.implements", reason=DocumentCode.NAME_IS_NOT_AN_OPERATION())
    yield from _request(f"{path}.request", operation.request, after_submit=False)
    later = {"result": operation.result, "cancel": operation.cancel}
    if operation.poll is not None:
        later["poll.request"] = operation.poll.request
    for key, request in later.items():
        if request is not None:
            yield from _request(f"{path}.{key}", request, after_submit=True)
    if (operation.task is None) != (operation.poll is None):
        missing = "poll" if operation.poll is None else "task"
        yield Problem(field=f"{path}.{missing}", reason=DocumentCode.TASK_WITHOUT_POLL())
    if operation.poll is not None:
        yield from _poll(f"{path}.poll", operation)
    if operation.stream is not None:
        yield from _stream(f"{path}.stream", operation, operation.stream)
    yield from _response(f"{path}.response", operation.response)


def _stream(path: str, operation: OperationSpec, stream: StreamSpec) -> Iterator[Problem]:
    if operation.task is not None:
        yield Problem(field=path, reason=DocumentCode.STREAM_OF_A_JOB())
    if not re.fullmatch(r"[A-Za-z_]\w{0,63}", stream.parameter):
        yield Problem(field=f"{path}.parameter", reason=DocumentCode.NOT_A_PARAMETER_NAME())
    if reason := range_problem(stream.max, minimum=1, maximum=MAX_PARTIAL_IMAGES):
        yield Problem(field=f"{path}.max", reason=reason)
    for field, names in (("partial.events", stream.partial.events), ("completed", stream.completed)):
        if not all(names) or not names:
            yield Problem(field=f"{path}.{field}", reason=ProblemCode.EMPTY())


def _response(path: str, response: ResponseSpec) -> Iterator[Problem]:
    if not response.images and response.raw is None:
        yield Problem(field=path, reason=DocumentCode.NEEDS_ANY(fields=("images", "raw")))
    for position, rule in enumerate(response.images):
        if rule.url_template is not None and len(rule.url_template) > _MAX_TEMPLATE_CHARS:
            reason = ProblemCode.TOO_LONG(maximum=_MAX_TEMPLATE_CHARS)
            yield Problem(field=f"{path}.images.{position}.url_template", reason=reason)
        if not any(_sources(rule)):
            yield Problem(field=f"{path}.images.{position}", reason=DocumentCode.NEEDS_ANY(fields=_SOURCES))
    if response.usage is not None:
        yield from _usage(f"{path}.usage", response.usage)


def _usage(path: str, usage: UsageSpec) -> Iterator[Problem]:
    if (usage.amount is None) != (usage.currency is None):
        missing, other = ("amount", "currency") if usage.amount is None else ("currency", "amount")
        yield Problem(field=f"{path}.{missing}", reason=ProblemCode.NEEDS_OTHER(other=other))
    if usage.currency is not None and not is_currency(usage.currency):
        yield Problem(field=f"{path}.currency", reason=ProblemCode.NOT_A_CURRENCY())
    if not math.isfinite(usage.unit) or usage.unit <= 0:
        yield Problem(field=f"{path}.unit", reason=ProblemCode.NOT_ABOVE(limit=0))


_SOURCES = ("url", "base64", "data_uri", "auto", "url_template")


def _sources(rule: ImageRule) -> tuple[object, ...]:
    return tuple(getattr(rule, name) for name in _SOURCES)


def _poll(path: str, operation: OperationSpec) -> Iterator[Problem]:
    poll = operation.poll
    if poll is None:
        return
    try:
        _ = poll.status.expression
    except Malformed as error:
        yield Problem(field=f"{path}.status.source", reason=error.reason)
    if not poll.status.succeeded:
        yield Problem(field=f"{path}.status.succeeded", reason=DocumentCode.NO_STATES())
    for name in ("first_after_s", "interval_s", "interval_max_s", "deadline_s"):
        minimum = _MIN_INTERVAL_SECONDS if name.startswith("interval") else 0
        if not minimum <= getattr(poll, name) <= DAY_SECONDS:
            reason = DocumentCode.SECONDS_OUT_OF_RANGE(minimum=minimum, maximum=DAY_SECONDS)
            yield Problem(field=f"{path}.{name}", reason=reason)
    if problem := range_problem(poll.backoff, minimum=1, maximum=_MAX_BACKOFF):
        yield Problem(field=f"{path}.backoff", reason=problem)


def _request(path: str, request: RequestSpec, *, after_submit: bool) -> Iterator[Problem]:
    if request.method not in _METHODS:
        yield Problem(field=f"{path}.method", reason=ProblemCode.NOT_ONE_OF(choices=tuple(sorted(_METHODS))))
    if (request.path is None) == (request.url is None):
        yield Problem(field=path, reason=DocumentCode.ONE_OF_TWO(first="path", second="url"))
    if request.path is not None and not str(request.path.source).startswith(("/", "$")):
        yield Problem(field=f"{path}.path", reason=DocumentCode.NOT_A_PATH())
    if after_submit and request.path is not None and any(map(request.path.mentions, PROSE)):
        yield Problem(field=f"{path}.path", reason=DocumentCode.PROMPT_AFTER_SUBMIT())
    if not after_submit:
        if request.url is not None:
            yield Problem(field=f"{path}.url", reason=DocumentCode.URL_BEFORE_SUBMIT())
        if any(t.mentions("task") for t in request.templates):
            yield Problem(field=path, reason=DocumentCode.TASK_BEFORE_SUBMIT())
