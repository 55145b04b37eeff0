"""Checks a document beyond the types of its fields: every name in it must lead somewhere."""

import math
import re
from collections.abc import Iterator, Mapping
from itertools import chain

from imagegen_adapters.providers.http.messages import DocumentCode, Malformed
from imagegen_adapters.providers.http.model_validation import problems_of_model
from imagegen_adapters.providers.http.patterns import pattern_problem
from imagegen_adapters.providers.http.schema.auth import AuthType
from imagegen_adapters.providers.http.schema.document import Document
from imagegen_adapters.providers.http.schema.operation import OperationSpec, implemented
from imagegen_adapters.providers.http.schema.request import RequestSpec
from imagegen_adapters.providers.http.schema.response import ImageRule, ResponseSpec, UsageSpec
from imagegen_adapters.providers.http.schema.stream import StreamSpec
from imagegen_adapters.providers.http.signers import SIGNERS
from imagegen_adapters.providers.http.templates import Template
from imagegen_core.errors import ValidationFailed
from imagegen_core.limits import MAX_PARTIAL_IMAGES, MAX_PROVIDER_NAME_CHARS
from imagegen_core.messages import Message
from imagegen_core.problems import Problem, ProblemCode, range_problem
from imagegen_core.providers.addresses import check_api_base
from imagegen_core.providers.config_checks import SERVICE_HEADERS
from imagegen_core.providers.forms import SIZE_CONTROL
from imagegen_core.providers.parameters import COMMON
from imagegen_core.providers.prices import is_currency
from imagegen_core.providers.size_presets import SIZE_NAMES

SCHEMA = 1

_METHODS = frozenset(("GET", "POST", "PUT", "PATCH", "DELETE"))
_STATUS = re.compile(r"[1-5](?:\d\d|xx)")
_MAX_JSON_BYTES = 268_435_456
_DAY_SECONDS = 86_400
_COMMON_NAMES = frozenset(p.name for p in COMMON)


def problems_of(document: Document) -> Iterator[Problem]:
    """Yield all mistakes, with paths relative to the document."""
    yield from _top(document)
    for name, operation in document.operations.items():
        yield from _operation(f"operations.{name}", name, operation)
    for position, model in enumerate(document.models):
        yield from problems_of_model(f"models.{position}", document, model)
    yield from _errors(document)
    yield from _names(document)
    yield from _headers(document)
    yield from _form(document)


def _problem(field: str, reason: Message) -> Problem:
    return Problem(field=field, reason=reason)


def _one_of(*choices: str) -> Message:
    return ProblemCode.NOT_ONE_OF(choices=choices)


def _top(document: Document) -> Iterator[Problem]:
    if document.schema != SCHEMA:
        yield _problem("schema", _one_of(str(SCHEMA)))
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,63}", document.id):
        yield _problem("id", ProblemCode.NOT_A_NAME(maximum=MAX_PROVIDER_NAME_CHARS))
    if not document.operations:
        yield _problem("operations", DocumentCode.NO_OPERATIONS())
    if document.base_url is not None:
        try:
            check_api_base(document.base_url, "base_url")
        except ValidationFailed as error:
            yield from error.problems
    yield from _choices(document)
    if reason := range_problem(document.egress.max_json_bytes, minimum=1, maximum=_MAX_JSON_BYTES):
        yield _problem("egress.max_json_bytes", reason)
    if document.auth.type is AuthType.SIGNER and document.auth.signer not in SIGNERS:
        yield _problem("auth.signer", _one_of(*sorted(SIGNERS)))


def _choices(document: Document) -> Iterator[Problem]:
    if document.n_strategy not in (None, "native", "fan_out"):
        yield _problem("n_strategy", _one_of("native", "fan_out"))
    if document.extras not in ("pass", "refuse"):
        yield _problem("extras", _one_of("pass", "refuse"))
    if document.concurrency is not None and document.concurrency < 1:
        yield _problem("concurrency", ProblemCode.TOO_SMALL(minimum=1))


def _operation(path: str, name: str, operation: OperationSpec) -> Iterator[Problem]:
    if not implemented(name, operation):
        yield _problem(f"{path}.implements", DocumentCode.NAME_IS_NOT_AN_OPERATION())
    yield from _request(f"{path}.request", operation.request, after_submit=False)
    later = {"result": operation.result, "cancel": operation.cancel}
    if operation.poll is not None:
        later["poll.request"] = operation.poll.request
    for key, request in later.items():
        if request is not None:
            yield from _request(f"{path}.{key}", request, after_submit=True)
    if (operation.task is None) != (operation.poll is None):
        missing = "poll" if operation.poll is None else "task"
        yield _problem(f"{path}.{missing}", DocumentCode.TASK_WITHOUT_POLL())
    if operation.poll is not None:
        yield from _poll(f"{path}.poll", operation)
    if operation.stream is not None:
        yield from _stream(f"{path}.stream", operation, operation.stream)
    yield from _response(f"{path}.response", operation.response)


def _stream(path: str, operation: OperationSpec, stream: StreamSpec) -> Iterator[Problem]:
    if operation.task is not None:
        yield _problem(path, DocumentCode.STREAM_OF_A_JOB())
    if not re.fullmatch(r"[A-Za-z_]\w{0,63}", stream.parameter):
        yield _problem(f"{path}.parameter", DocumentCode.NOT_A_PARAMETER_NAME())
    if reason := range_problem(stream.max, minimum=1, maximum=MAX_PARTIAL_IMAGES):
        yield _problem(f"{path}.max", reason)
    for field, names in (("partial.events", stream.partial.events), ("completed", stream.completed)):
        if not all(names) or not names:
            yield _problem(f"{path}.{field}", ProblemCode.EMPTY())


def _response(path: str, response: ResponseSpec) -> Iterator[Problem]:
    if not response.images and response.raw is None:
        yield _problem(path, DocumentCode.NEEDS_ANY(fields=("images", "raw")))
    for position, rule in enumerate(response.images):
        if not any(_sources(rule)):
            yield _problem(f"{path}.images.{position}", DocumentCode.NEEDS_ANY(fields=_SOURCES))
    if response.usage is not None:
        yield from _usage(f"{path}.usage", response.usage)


def _usage(path: str, usage: UsageSpec) -> Iterator[Problem]:
    if (usage.amount is None) != (usage.currency is None):
        missing, other = ("amount", "currency") if usage.amount is None else ("currency", "amount")
        yield _problem(f"{path}.{missing}", ProblemCode.NEEDS_OTHER(other=other))
    if usage.currency is not None and not is_currency(usage.currency):
        yield _problem(f"{path}.currency", ProblemCode.NOT_A_CURRENCY())
    if not math.isfinite(usage.unit) or usage.unit <= 0:
        yield _problem(f"{path}.unit", ProblemCode.NOT_ABOVE(limit=0))


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
        yield _problem(f"{path}.status.source", error.reason)
    if not poll.status.succeeded:
        yield _problem(f"{path}.status.succeeded", DocumentCode.NO_STATES())
    for name in ("first_after_s", "interval_s", "interval_max_s", "deadline_s"):
        if not 0 <= getattr(poll, name) <= _DAY_SECONDS:
            reason = DocumentCode.SECONDS_OUT_OF_RANGE(minimum=0, maximum=_DAY_SECONDS)
            yield _problem(f"{path}.{name}", reason)


def _request(path: str, request: RequestSpec, *, after_submit: bool) -> Iterator[Problem]:
    if request.method not in _METHODS:
        yield _problem(f"{path}.method", _one_of(*sorted(_METHODS)))
    if (request.path is None) == (request.url is None):
        yield _problem(path, DocumentCode.ONE_OF_TWO(first="path", second="url"))
    if request.path is not None and not str(request.path.source).startswith(("/", "$")):
        yield _problem(f"{path}.path", DocumentCode.NOT_A_PATH())
    if not after_submit:
        if request.url is not None:
            yield _problem(f"{path}.url", DocumentCode.URL_BEFORE_SUBMIT())
        if any(t.mentions("task") for t in request.templates):
            yield _problem(path, DocumentCode.TASK_BEFORE_SUBMIT())


def _errors(document: Document) -> Iterator[Problem]:
    for position, rule in enumerate(document.errors.classify):
        path = f"errors.classify.{position}"
        if not rule.codes and not rule.status:
            yield _problem(path, DocumentCode.NEEDS_ANY(fields=("codes", "status")))
        for status in rule.status:
            if not _STATUS.fullmatch(status):
                yield _problem(f"{path}.status", DocumentCode.NOT_A_STATUS(status=status))
    for position, wait in enumerate(document.errors.retry_after):
        path = f"errors.retry_after.{position}"
        if (wait.header is None) == (wait.jmespath is None):
            yield _problem(path, DocumentCode.ONE_OF_TWO(first="header", second="jmespath"))
        if problem := pattern_problem(wait.regex):
            yield _problem(f"{path}.regex", problem)


def _headers(document: Document) -> Iterator[Problem]:
    """Check the names of all headers that the document sends."""
    named = [("auth.header", document.auth.header)]
    named += [(f"download.headers.{name}", name) for name in document.download.headers]
    named += [
        (path, path.rpartition("headers.")[2]) for path, _ in _templates(document) if "headers." in path
    ]
    for path, name in named:
        if name.lower() in SERVICE_HEADERS:
            yield _problem(path, ProblemCode.HEADER_NOT_SETTABLE(name=name))


def _form(document: Document) -> Iterator[Problem]:
    """Check that each name of the form is a parameter that some model takes; the size is one of them."""
    declared = set(chain.from_iterable(model.params for model in document.models))
    templates = [template for _, template in _templates(document)]
    for position, name in enumerate(document.form):
        parameters = SIZE_NAMES if name == SIZE_CONTROL else (name,)
        mentions = (t.mentions(p) for t in templates for p in (*parameters, f"params.{name}"))
        is_known = name in {*declared, *_COMMON_NAMES} - set(SIZE_NAMES) | {SIZE_CONTROL}
        is_taken = name in {*declared, "num"} or any(mentions)
        if not is_known or not is_taken:
            yield _problem(f"form.{position}", DocumentCode.NOT_IN_A_FORM(name=name))
        elif name in document.form[:position]:
            yield _problem(f"form.{position}", DocumentCode.TWICE_IN_A_FORM(name=name))


def _names(document: Document) -> Iterator[Problem]:
    """Check what templates mention below ``params``, ``model_vars`` and ``vars``."""
    declared: Mapping[str, set[str]] = {
        "params": {
            *chain(_COMMON_NAMES, *(m.params for m in document.models)),
            *(o.stream.parameter for o in document.operations.values() if o.stream is not None),
        },
        "model_vars": set(chain.from_iterable(m.vars for m in document.models)),
        "vars": set(document.vars),
        "task": {"id", "poll_url", "result_url", "cancel_url"},
    }
    for path, template in _templates(document):
        for name, place in template.names.items():
            root, _, rest = name.partition(".")
            key = re.split(r"[.\[]", rest, maxsplit=1)[0]
            if root in declared and key and key not in declared[root]:
                location = ".".join((path, *place))
                yield _problem(location, DocumentCode.UNDECLARED_VARIABLE(name=name))


def _templates(document: Document) -> Iterator[tuple[str, Template]]:
    for name, template in (*document.headers.items(),):
        yield f"headers.{name}", template
    for name, template in document.vars.items():
        yield f"vars.{name}", template
    requests: dict[str, RequestSpec | None] = {}
    for name, operation in document.operations.items():
        requests[f"operations.{name}.request"] = operation.request
        requests[f"operations.{name}.result"] = operation.result
        requests[f"operations.{name}.cancel"] = operation.cancel
        requests[f"operations.{name}.poll.request"] = operation.poll.request if operation.poll else None
    requests["health.request"] = document.health.request if document.health else None
    for path, request in requests.items():
        if request is not None:
            yield from _request_templates(path, request)


def _request_templates(path: str, request: RequestSpec) -> Iterator[tuple[str, Template]]:
    single = {"path": request.path, "url": request.url, "body.template": request.body.template}
    for key, template in single.items():
        if template is not None:
            yield f"{path}.{key}", template
    for group, templates in (("query", request.query), ("headers", request.headers)):
        for key, template in templates.items():
            yield f"{path}.{group}.{key}", template
