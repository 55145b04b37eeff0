"""Checks a document beyond the types of its fields: every name in it must lead somewhere."""

import contextlib
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any
from urllib.parse import urlsplit

import attrs

from imagegen_adapters.providers.http.budgets import OverBudget, Reading
from imagegen_adapters.providers.http.expressions import Expression
from imagegen_adapters.providers.http.messages import DocumentCode, Malformed
from imagegen_adapters.providers.http.model_validation import problems_of_model
from imagegen_adapters.providers.http.operation_validation import DAY_SECONDS, problems_of_operation
from imagegen_adapters.providers.http.patterns import MAX_GLOB_CHARS, is_glob, pattern_problem
from imagegen_adapters.providers.http.schema.auth import Auth, AuthType
from imagegen_adapters.providers.http.schema.document import Document
from imagegen_adapters.providers.http.schema.job import StatusSpec
from imagegen_adapters.providers.http.schema.request import RequestSpec
from imagegen_adapters.providers.http.signers import SIGNERS
from imagegen_adapters.providers.http.templates import Template
from imagegen_core.errors import ValidationFailed
from imagegen_core.limits import (
    MAX_CONCURRENCY,
    MAX_MODELS,
    MAX_PROVIDER_NAME_CHARS,
    MAX_TIMEOUT_SECONDS,
)
from imagegen_core.problems.fields import Problem, ProblemCode, range_problem
from imagegen_core.providers.addresses import check_api_base, is_loopback
from imagegen_core.providers.config_checks import SERVICE_HEADERS, check_timeout
from imagegen_core.providers.forms import SIZE_CONTROL
from imagegen_core.providers.parameters import COMMON
from imagegen_core.providers.size_presets import SIZE_NAMES

SCHEMA = 1
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_STATUS = re.compile(r"[1-5](?:\d\d|xx)")
_MAX_JSON_BYTES = 268_435_456
_MAX_EXPRESSIONS = 500
_MAX_OPERATIONS = 50
_MAX_FORM_FIELDS = 200
_MAX_GLOBS = 100
_MAX_RETRY_RULES = 20
_COMMON_NAMES = frozenset(p.name for p in COMMON)


def problems_of(document: Document) -> Iterator[Problem]:
    """Yield all mistakes, with paths relative to the document."""
    yield from _top(document)
    for name, operation in document.operations.items():
        yield from problems_of_operation(f"operations.{name}", name, operation)
    for position, model in enumerate(document.models):
        yield from problems_of_model(f"models.{position}", document, model)
    yield from _errors(document)
    yield from _globs(document)
    yield from _names(document)
    yield from _headers(document)
    yield from _form(document)
    yield from _expressions(document)


def _top(document: Document) -> Iterator[Problem]:
    if document.schema != SCHEMA:
        yield Problem(field="schema", reason=ProblemCode.NOT_ONE_OF(choices=(str(SCHEMA),)))
    if not _NAME.fullmatch(document.id):
        yield Problem(field="id", reason=ProblemCode.NOT_A_NAME(maximum=MAX_PROVIDER_NAME_CHARS))
    if not document.operations:
        yield Problem(field="operations", reason=DocumentCode.NO_OPERATIONS())
    if document.base_url is not None:
        try:
            check_api_base(document.base_url, "base_url")
        except ValidationFailed as error:
            yield from error.problems
    yield from _choices(document)
    if reason := range_problem(document.egress.max_json_bytes, minimum=1, maximum=_MAX_JSON_BYTES):
        yield Problem(field="egress.max_json_bytes", reason=reason)
    if document.auth.type is AuthType.SIGNER:
        yield from _signer(document.auth)
    elif document.auth.type is AuthType.OAUTH:
        yield from _login(document.auth)


def _signer(auth: Auth) -> Iterator[Problem]:
    signer = SIGNERS.get(auth.signer or "")
    if signer is None:
        yield Problem(field="auth.signer", reason=ProblemCode.NOT_ONE_OF(choices=tuple(sorted(SIGNERS))))
        return
    for name in signer.options:
        if not _NAME.fullmatch(auth.options.get(name, "")):
            reason = ProblemCode.NOT_A_NAME(maximum=MAX_PROVIDER_NAME_CHARS)
            yield Problem(field=f"auth.options.{name}", reason=reason)


def _login(auth: Auth) -> Iterator[Problem]:
    """Check where a login goes: its secret is sent there, so that the way has to be encrypted."""
    field = "auth.token_url"
    try:
        url = check_api_base(auth.token_url or "", field)
    except ValidationFailed as error:
        yield from error.problems
        return
    if not url.startswith("https:") and not is_loopback(urlsplit(url).hostname or ""):
        yield Problem(field=field, reason=DocumentCode.NOT_ENCRYPTED())


def _choices(document: Document) -> Iterator[Problem]:
    if document.n_strategy not in (None, "native", "fan_out"):
        yield Problem(field="n_strategy", reason=ProblemCode.NOT_ONE_OF(choices=("native", "fan_out")))
    if document.extras not in ("pass", "refuse"):
        yield Problem(field="extras", reason=ProblemCode.NOT_ONE_OF(choices=("pass", "refuse")))
    concurrency = 1 if document.concurrency is None else document.concurrency
    if reason := range_problem(concurrency, minimum=1, maximum=MAX_CONCURRENCY):
        yield Problem(field="concurrency", reason=reason)
    if not 0 < document.download.timeout_s <= MAX_TIMEOUT_SECONDS:
        reason = DocumentCode.SECONDS_OUT_OF_RANGE(minimum=0, maximum=MAX_TIMEOUT_SECONDS)
        yield Problem(field="download.timeout_s", reason=reason)
    for field, maximum in (
        ("operations", _MAX_OPERATIONS),
        ("models", MAX_MODELS),
    ):
        if len(getattr(document, field)) > maximum:
            yield Problem(field=field, reason=ProblemCode.TOO_MANY_ITEMS(maximum=maximum))
    if document.timeout_s is not None:
        try:
            check_timeout(document.timeout_s, "timeout_s")
        except ValidationFailed as error:
            yield from error.problems


def _globs(document: Document) -> Iterator[Problem]:
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
            yield Problem(field=path, reason=DocumentCode.TOO_COSTLY())
            return
        if any(len(pattern) > MAX_GLOB_CHARS for pattern in patterns):
            yield Problem(field=path, reason=ProblemCode.TOO_LONG(maximum=MAX_GLOB_CHARS))


def _errors(document: Document) -> Iterator[Problem]:
    if len(document.errors.retry_after) > _MAX_RETRY_RULES:
        yield Problem(field="errors.retry_after", reason=ProblemCode.TOO_MANY_ITEMS(maximum=_MAX_RETRY_RULES))
        return
    for position, rule in enumerate(document.errors.classify):
        path = f"errors.classify.{position}"
        if not rule.codes and not rule.status:
            yield Problem(field=path, reason=DocumentCode.NEEDS_ANY(fields=("codes", "status")))
        if rule.cooldown_s is not None and not 0 <= rule.cooldown_s <= DAY_SECONDS:
            reason = DocumentCode.SECONDS_OUT_OF_RANGE(minimum=0, maximum=DAY_SECONDS)
            yield Problem(field=f"{path}.cooldown_s", reason=reason)
        for status in rule.status:
            if not _STATUS.fullmatch(status):
                yield Problem(field=f"{path}.status", reason=DocumentCode.NOT_A_STATUS(status=status))
    for position, wait in enumerate(document.errors.retry_after):
        path = f"errors.retry_after.{position}"
        if (wait.header is None) == (wait.jmespath is None):
            yield Problem(field=path, reason=DocumentCode.ONE_OF_TWO(first="header", second="jmespath"))
        if problem := pattern_problem(wait.regex):
            yield Problem(field=f"{path}.regex", reason=problem)


def _headers(document: Document) -> Iterator[Problem]:
    """Check the names of all headers that the document sends."""
    named = [("auth.header", document.auth.header)]
    named += [(f"download.headers.{name}", name) for name in document.download.headers]
    named += [
        (path, path.rpartition("headers.")[2]) for path, _ in _templates(document) if "headers." in path
    ]
    for path, name in named:
        if name.lower() in SERVICE_HEADERS:
            yield Problem(field=path, reason=ProblemCode.HEADER_NOT_SETTABLE(name=name))


def _form(document: Document) -> Iterator[Problem]:
    """Check that each name of the form is a parameter that some model takes; the size is one of them."""
    if len(document.form) > _MAX_FORM_FIELDS:
        yield Problem(field="form", reason=ProblemCode.TOO_MANY_ITEMS(maximum=_MAX_FORM_FIELDS))
        return
    declared = set(chain.from_iterable(model.params for model in document.models))
    templates = [template for _, template in _templates(document)]
    for position, name in enumerate(document.form):
        parameters = SIZE_NAMES if name == SIZE_CONTROL else (name,)
        mentions = (t.mentions(p) for t in templates for p in (*parameters, f"params.{name}"))
        is_known = name in {*declared, *_COMMON_NAMES} - set(SIZE_NAMES) | {SIZE_CONTROL}
        is_taken = name in {*declared, "num"} or any(mentions)
        if not is_known or not is_taken:
            yield Problem(field=f"form.{position}", reason=DocumentCode.NOT_IN_A_FORM(name=name))
        elif name in document.form[:position]:
            yield Problem(field=f"form.{position}", reason=DocumentCode.TWICE_IN_A_FORM(name=name))


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
                yield Problem(field=location, reason=DocumentCode.UNDECLARED_VARIABLE(name=name))


def _expressions(document: Document) -> Iterator[Problem]:
    """Check that all expressions together are cheap to evaluate where a response has nothing for them."""
    reading = Reading()
    for position, (path, expression) in enumerate(expressions_of(document)):
        if position == _MAX_EXPRESSIONS:
            yield Problem(field=path, reason=ProblemCode.TOO_MANY_ITEMS(maximum=_MAX_EXPRESSIONS))
            return
        if (reason := expression.problem) is not None:
            yield Problem(field=path, reason=reason)
            continue
        value = expression.search({}, reading=reading, optional=True)
        with contextlib.suppress(OverBudget):
            reading.optional.spend_tree(value)
        if reading.optional.is_exceeded:
            yield Problem(field=path, reason=DocumentCode.TOO_COSTLY())
            return


def expressions_of(part: Any, path: str = "") -> Iterator[tuple[str, Expression]]:
    """Yield the expressions in a part of a document, with their paths."""
    parts: Iterable[tuple[Any, Any]] = ()
    if isinstance(part, Expression):
        yield path, part
    elif isinstance(part, StatusSpec):
        with contextlib.suppress(Malformed):  # named by the checks of its operation
            parts = [("source", part.expression)]
    elif isinstance(part, Mapping):
        parts = part.items()
    elif isinstance(part, tuple):
        parts = enumerate(part)
    elif attrs.has(type(part)) and not isinstance(part, Template):
        parts = ((field.name, getattr(part, field.name)) for field in attrs.fields(type(part)))
    for name, inner in parts:
        yield from expressions_of(inner, f"{path}.{name}" if path else str(name))


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
