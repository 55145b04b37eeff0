"""Checks a document beyond the types of its fields: every name must lead somewhere, at a bounded cost."""

import contextlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

import attrs

from imagegen_adapters.providers.document.expressions import (
    MAX_GLOB_CHARS,
    DocumentCode,
    Expression,
    Malformed,
    OverBudget,
    Reading,
    is_glob,
    pattern_problem,
)
from imagegen_adapters.providers.document.schema import (
    CHECK,
    MAX_FORM_FIELDS,
    MAX_RETRY_RULES,
    NAME,
    Auth,
    AuthType,
    ClassifyRule,
    Document,
    DownloadSpec,
    ErrorSpec,
    ModelSpec,
    OperationSpec,
    RequestSpec,
    ResponseSpec,
    SizeKind,
    StatusSpec,
    UsageSpec,
)
from imagegen_adapters.providers.document.signers import SIGNERS
from imagegen_adapters.providers.document.templates import PROSE, Template
from imagegen_core.config import SERVICE_HEADERS, check_api_base, is_loopback
from imagegen_core.errors import ValidationFailed
from imagegen_core.forms import SIZE_NAMES
from imagegen_core.images import MediaType
from imagegen_core.limits import MAX_PROVIDER_NAME_CHARS
from imagegen_core.messages import Message
from imagegen_core.models import COMMON, SIZE_CONTROL
from imagegen_core.problems import Problem, ProblemCode

Found = Iterator[tuple[str, Message]]
"""Mistakes: where each is, and what it is."""

_METHODS = ("DELETE", "GET", "PATCH", "POST", "PUT")
_MAX_EXPRESSIONS = 500
_MAX_GLOBS = 100
_MIN_EXCLUDED = 2
_MIME_TYPES = tuple(map(str, MediaType))
_STATUS = re.compile(r"[1-5](?:\d\d|xx)")
_SOURCES = ("url", "base64", "data_uri", "auto", "url_template")
_COMMON_NAMES = frozenset(p.name for p in COMMON)


def problems_of(document: Document) -> Iterator[Problem]:
    """Yield all mistakes, with paths relative to the document."""
    parts = tuple(_parts(document))
    templates = [(path, part) for path, part in parts if isinstance(part, Template)]
    problems = chain(
        chain.from_iterable(_of_part(path, part, document) for path, part in parts),
        _globs(document),
        _names(document, templates),
        _form(document, [template for _, template in templates]),
        _expressions(document),
    )
    return (Problem(field=path, reason=reason) for path, reason in problems)


def expressions_of(document: Document) -> Iterator[tuple[str, Expression]]:
    """Yield all expressions with their paths."""
    return ((path, part) for path, part in _parts(document) if isinstance(part, Expression))


def _parts(part: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield all values of the schema in a document, its templates and its expressions, with their paths."""
    inner: Iterable[tuple[Any, Any]] = ()
    if isinstance(part, Mapping):
        inner = part.items()
    elif isinstance(part, tuple):
        inner = enumerate(part)
    elif isinstance(part, Expression | Template):
        yield path, part
    elif attrs.has(type(part)):
        yield path, part
        inner = ((field.name, getattr(part, field.name)) for field in attrs.fields(type(part)))
    if isinstance(part, StatusSpec):
        with contextlib.suppress(Malformed):  # which `_status` says
            inner = [("source", part.expression)]
    for name, value in inner:
        yield from _parts(value, f"{path}.{name}" if path else str(name))


def _of_part(path: str, part: Any, document: Document) -> Found:
    if not attrs.has(type(part)):
        return
    for field in attrs.fields(type(part)):
        check, value = field.metadata.get(CHECK), getattr(part, field.name)
        if check is not None and value is not None and (reason := check(value)) is not None:
            yield f"{path}.{field.name}".lstrip("."), reason
    for rule in _RULES.get(type(part), ()):
        for place, reason in rule(part, document):
            yield ".".join(filter(None, (path, place))), reason


def _header_problem(name: str) -> Message | None:
    return ProblemCode.HEADER_NOT_SETTABLE(name=name) if name.lower() in SERVICE_HEADERS else None


def _named_headers(part: Document | RequestSpec | DownloadSpec, _: Document) -> Found:
    for name in part.headers:
        if reason := _header_problem(name):
            yield f"headers.{name}", reason


def _operations(document: Document, _: Document) -> Found:
    if not document.operations:
        yield "operations", DocumentCode.NO_OPERATIONS()
    for name, operation in document.operations.items():
        if not operation.implemented(name):
            yield f"operations.{name}.implements", DocumentCode.NAME_IS_NOT_AN_OPERATION()


def _auth(auth: Auth, _: Document) -> Found:
    if reason := _header_problem(auth.header):
        yield "header", reason
    if auth.type is AuthType.OAUTH:
        # The secret is sent there, so that the way has to be encrypted.
        try:
            url = check_api_base(auth.token_url or "", "token_url")
        except ValidationFailed as error:
            yield "token_url", error.problems[0].reason
            return
        if not url.startswith("https:") and not is_loopback(urlsplit(url).hostname or ""):
            yield "token_url", DocumentCode.NOT_ENCRYPTED()
    elif auth.type is AuthType.SIGNER:
        signer = SIGNERS.get(auth.signer or "")
        if signer is None:
            yield "signer", ProblemCode.NOT_ONE_OF(choices=tuple(sorted(SIGNERS)))
            return
        for name in signer.options:
            if not NAME.fullmatch(auth.options.get(name, "")):
                yield f"options.{name}", ProblemCode.NOT_A_NAME(maximum=MAX_PROVIDER_NAME_CHARS)


def _errors(errors: ErrorSpec, _: Document) -> Found:
    if len(errors.retry_after) > MAX_RETRY_RULES:
        return
    for position, rule in enumerate(errors.retry_after):
        if (rule.header is None) == (rule.jmespath is None):
            yield f"retry_after.{position}", DocumentCode.ONE_OF_TWO(first="header", second="jmespath")
        if reason := pattern_problem(rule.regex):
            yield f"retry_after.{position}.regex", reason


def _classify(rule: ClassifyRule, _: Document) -> Found:
    if not rule.codes and not rule.status:
        yield "", DocumentCode.NEEDS_ANY(fields=("codes", "status"))
    for status in rule.status:
        if not _STATUS.fullmatch(status):
            yield "status", DocumentCode.NOT_A_STATUS(status=status)


def _response(response: ResponseSpec, _: Document) -> Found:
    if not response.images and response.raw is None:
        yield "", DocumentCode.NEEDS_ANY(fields=("images", "raw"))
    for position, rule in enumerate(response.images):
        if not any(getattr(rule, name) for name in _SOURCES):
            yield f"images.{position}", DocumentCode.NEEDS_ANY(fields=_SOURCES)


def _status(status: StatusSpec, _: Document) -> Found:
    try:
        status.expression  # noqa: B018 - compiles it
    except Malformed as error:
        yield "source", error.reason


def _usage(usage: UsageSpec, _: Document) -> Found:
    if (usage.amount is None) != (usage.currency is None):
        missing, other = ("amount", "currency") if usage.amount is None else ("currency", "amount")
        yield missing, ProblemCode.NEEDS_OTHER(other=other)


def _operation(operation: OperationSpec, _: Document) -> Found:
    yield from _request("request", operation.request, is_paid=True)
    poll = None if operation.poll is None else operation.poll.request
    for name, request in (("result", operation.result), ("cancel", operation.cancel), ("poll.request", poll)):
        if request is not None:
            yield from _request(name, request, is_paid=False)
    if (operation.task is None) != (operation.poll is None):
        yield "poll" if operation.poll is None else "task", DocumentCode.TASK_WITHOUT_POLL()
    if operation.stream is not None and operation.task is not None:
        yield "stream", DocumentCode.STREAM_OF_A_JOB()


def _request(place: str, request: RequestSpec, *, is_paid: bool) -> Found:
    if request.method not in _METHODS:
        yield f"{place}.method", ProblemCode.NOT_ONE_OF(choices=_METHODS)
    if (request.path is None) == (request.url is None):
        yield place, DocumentCode.ONE_OF_TWO(first="path", second="url")
    if request.path is not None and not str(request.path.source).startswith(("/", "$")):
        yield f"{place}.path", DocumentCode.NOT_A_PATH()
    if not is_paid and request.path is not None and any(map(request.path.mentions, PROSE)):
        yield f"{place}.path", DocumentCode.PROMPT_AFTER_SUBMIT()
    if is_paid and request.url is not None:
        yield f"{place}.url", DocumentCode.URL_BEFORE_SUBMIT()
    if is_paid and any(t.mentions("task") for t in request.templates):
        yield place, DocumentCode.TASK_BEFORE_SUBMIT()


def _model_operations(model: ModelSpec, document: Document) -> Found:
    for operation, name in model.operation.items():
        if name not in document.operations:
            yield f"operation.{operation}", DocumentCode.NO_SUCH_OPERATION(name=name)
    for position, capability in enumerate(model.capabilities):
        if capability not in model.operation and document.operation_for(capability, model) is None:
            yield f"capabilities.{position}", DocumentCode.NOT_IMPLEMENTED(operation=capability)
    replaced_by = {m.id: m.replaced_by for m in document.models}
    successors: list[str] = []
    following = model.replaced_by
    while following is not None and following not in successors:
        successors.append(following)
        following = replaced_by.get(following)
    if model.id in successors:
        yield "replaced_by", DocumentCode.REPLACES_ITSELF(model=model.id)


def _model_inputs(model: ModelSpec, _: Document) -> Found:
    for position, mime in enumerate(model.limits.ref_mimes):
        if mime not in _MIME_TYPES:
            yield f"limits.ref_mimes.{position}", ProblemCode.NOT_ONE_OF(choices=_MIME_TYPES)
    sizes = {"size": model.size, **{f"size_for.{name}": size for name, size in model.size_for.items()}}
    for place, size in sizes.items():
        if size is not None and size.kind not in (SizeKind.WXH, SizeKind.FIXED) and not size.values:
            yield f"{place}.values", DocumentCode.REQUIRED_FOR(kind=size.kind)
    for operation in model.size_for:
        if operation not in model.capabilities:
            yield f"size_for.{operation}", ProblemCode.NOT_ONE_OF(choices=tuple(map(str, model.capabilities)))


def _model_parameters(model: ModelSpec, document: Document) -> Found:
    streams = {o.stream.parameter for o in document.operations.values() if o.stream is not None}
    for position, name in enumerate(model.refuses):
        if name in model.params or name not in _COMMON_NAMES | streams:
            yield f"refuses.{position}", DocumentCode.NOT_REFUSABLE()
    for position, values in enumerate(model.excludes):
        if len(values) < _MIN_EXCLUDED:
            yield f"excludes.{position}", ProblemCode.TOO_FEW_ITEMS(minimum=_MIN_EXCLUDED)
        for name in set(values) - set(model.params):
            yield f"excludes.{position}.{name}", ProblemCode.NOT_ONE_OF(choices=tuple(model.params))


_RULES: Mapping[type, tuple[Callable[[Any, Document], Found], ...]] = MappingProxyType(
    {
        Document: (_operations, _named_headers),
        RequestSpec: (_named_headers,),
        DownloadSpec: (_named_headers,),
        Auth: (_auth,),
        ErrorSpec: (_errors,),
        ClassifyRule: (_classify,),
        OperationSpec: (_operation,),
        ResponseSpec: (_response,),
        StatusSpec: (_status,),
        UsageSpec: (_usage,),
        ModelSpec: (_model_operations, _model_inputs, _model_parameters),
    }
)


def _globs(document: Document) -> Found:
    """Check what codes and types of content are compared with: each glob is compiled at its first use."""
    named = [(f"errors.classify.{i}.codes", rule.codes) for i, rule in enumerate(document.errors.classify)]
    for name, operation in document.operations.items():
        if operation.response.raw is not None:
            types = operation.response.raw.content_types
            named.append((f"operations.{name}.response.raw.content_types", types))
    count = 0
    for path, patterns in named:
        count += sum(map(is_glob, patterns))
        if count > _MAX_GLOBS:
            yield path, DocumentCode.TOO_COSTLY()
            return
        if any(len(pattern) > MAX_GLOB_CHARS for pattern in patterns):
            yield path, ProblemCode.TOO_LONG(maximum=MAX_GLOB_CHARS)


def _form(document: Document, templates: list[Template]) -> Found:
    """Check that each name of the form is a parameter that some model takes; the size is one of them."""
    if len(document.form) > MAX_FORM_FIELDS:
        return
    declared = set(chain.from_iterable(model.params for model in document.models))
    choices = {*declared, *_COMMON_NAMES} - set(SIZE_NAMES) | {SIZE_CONTROL}
    for position, name in enumerate(document.form):
        parameters = SIZE_NAMES if name == SIZE_CONTROL else (name,)
        mentions = (t.mentions(p) for t in templates for p in (*parameters, f"params.{name}"))
        if name not in choices or not (name in {*declared, "num"} or any(mentions)):
            yield f"form.{position}", DocumentCode.NOT_IN_A_FORM(name=name)
        elif name in document.form[:position]:
            yield f"form.{position}", DocumentCode.TWICE_IN_A_FORM(name=name)


def _names(document: Document, templates: list[tuple[str, Template]]) -> Found:
    """Check what templates mention below ``params``, ``model_vars``, ``vars`` and ``task``."""
    declared: Mapping[str, set[str]] = {
        "params": {
            *chain(_COMMON_NAMES, *(m.params for m in document.models)),
            *(o.stream.parameter for o in document.operations.values() if o.stream is not None),
        },
        "model_vars": set(chain.from_iterable(m.vars for m in document.models)),
        "vars": set(document.vars),
        "task": {"id", "poll_url", "result_url", "cancel_url"},
    }
    for path, template in templates:
        for name, place in template.names.items():
            root, _, rest = name.partition(".")
            key = re.split(r"[.\[]", rest, maxsplit=1)[0]
            if root in declared and key and key not in declared[root]:
                yield ".".join((path, *place)), DocumentCode.UNDECLARED_VARIABLE(name=name)


def _expressions(document: Document) -> Found:
    """Check that all expressions together are cheap to evaluate where a response has nothing for them."""
    reading = Reading()
    for position, (path, expression) in enumerate(expressions_of(document)):
        if position == _MAX_EXPRESSIONS:
            yield path, ProblemCode.TOO_MANY_ITEMS(maximum=_MAX_EXPRESSIONS)
            return
        if (reason := expression.problem) is not None:
            yield path, reason
            continue
        value = expression.search({}, reading=reading, optional=True)
        with contextlib.suppress(OverBudget):
            reading.optional.spend_tree(value)
        if reading.optional.is_exceeded:
            yield path, DocumentCode.TOO_COSTLY()
            return
