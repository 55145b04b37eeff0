"""Parses a document from plain data; every mistake is reported with its dotted path."""

import datetime as dt
import operator
import sys
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from enum import StrEnum
from functools import cache, partial
from typing import Any, get_args

import attrs
import cattrs
from cattrs.errors import ClassValidationError, ForbiddenExtraKeysError, IterableValidationError
from cattrs.gen import make_dict_structure_fn, override

from imagegen_adapters.providers.http.budgets import Budget, OverBudget
from imagegen_adapters.providers.http.expressions import Expression
from imagegen_adapters.providers.http.messages import DocumentCode, Malformed
from imagegen_adapters.providers.http.schema.document import Document
from imagegen_adapters.providers.http.schema.errors import ClassifyRule, RetryAfterRule
from imagegen_adapters.providers.http.template_parser import TemplateError
from imagegen_adapters.providers.http.templates import Template
from imagegen_adapters.providers.http.validation import problems_of
from imagegen_core.errors import ValidationFailed
from imagegen_core.messages import Message
from imagegen_core.operations import Operation
from imagegen_core.problems.fields import JsonType, Problem, ProblemCode
from imagegen_core.providers.form_fields import Label, parse_label
from imagegen_core.providers.prices import Price, parse_price
from imagegen_core.providers.sources import Source, parse_date, parse_source
from imagegen_core.providers.unknown_keys import nearest

_MAX_PLACEHOLDERS = 5000
_MAX_EXPRESSION_CHARS = 16_384
"""Of all expressions together. Either takes tens of milliseconds to parse."""

_BUDGETS: ContextVar[Mapping[type, Budget]] = ContextVar("budgets of the document that is being parsed")

_UNSUPPORTED_KEYS: Mapping[str, Message] = {
    "retry": DocumentCode.SERVICE_DECIDES(),
    "rate_limit": DocumentCode.NOT_AVAILABLE(replacement="concurrency"),
    "timeouts": DocumentCode.NOT_AVAILABLE(replacement="timeout_seconds"),
    "prepare": DocumentCode.NO_PREPARATION(),
    "retryable_header": DocumentCode.NOT_AVAILABLE(replacement="errors.classify as not_admitted"),
    "secret": DocumentCode.ONLY_SECRET(),
}


def parse_document(data: Any, prefix: str, *, was_sent: bool = False) -> Document:
    """Return the document with its expressions and templates compiled.

    Args:
        data: plain values, as from JSON or YAML.
        prefix: the start of the paths in errors, such as ``extra_config.spec``.
        was_sent: a call was sent by it; only its structure is checked then.

    Raises:
        ValidationFailed: an unknown key, a wrong type, a bad expression, an unknown variable, …
    """
    if not isinstance(data, Mapping):
        raise ValidationFailed.for_field(prefix, ProblemCode.WRONG_TYPE(types=(JsonType.OBJECT(),)))
    chars, steps = (sys.maxsize, sys.maxsize) if was_sent else (_MAX_EXPRESSION_CHARS, _MAX_PLACEHOLDERS)
    _BUDGETS.set({Expression: Budget(chars=chars), Template: Budget(steps=steps)})
    try:
        document = _converter().structure(data, Document)
    except ClassValidationError as error:
        raise ValidationFailed(*_flattened(error, prefix)) from error
    problems = () if was_sent else tuple(problems_of(document))
    if problems:
        raise ValidationFailed(*(Problem(field=f"{prefix}.{p.field}", reason=p.reason) for p in problems))
    return document


@cache
def _converter() -> cattrs.Converter:
    converter = cattrs.Converter(forbid_extra_keys=True, prefer_attrib_converters=True)
    converter.register_structure_hook(str, lambda value, _: _text(value))
    converter.register_structure_hook(int, lambda value, _: _number(value, int))
    converter.register_structure_hook(float, lambda value, _: float(_number(value, int | float)))
    converter.register_structure_hook(bool, lambda value, _: _boolean(value))
    converter.register_structure_hook(StrEnum, _choice)
    converter.register_structure_hook(Expression, lambda value, _: _expression(_text(value)))
    converter.register_structure_hook(
        Template, lambda value, _: Template.parse(value, _BUDGETS.get()[Template])
    )
    parsers = ((dt.date, parse_date), (Source, parse_source), (Price, parse_price), (Label, parse_label))
    for kind, parse in parsers:
        converter.register_structure_hook(kind, partial(_parsed, parse))
    for tuple_type in (tuple[str, ...], tuple[Operation, ...]):
        converter.register_structure_hook_func(
            partial(operator.eq, tuple_type), lambda value, kind: _one_or_more(value, kind, converter)
        )
    converter.register_structure_hook(
        ClassifyRule,
        make_dict_structure_fn(
            ClassifyRule, converter, as_=override(rename="as"), _cattrs_forbid_extra_keys=True
        ),
    )
    plain_rule = make_dict_structure_fn(RetryAfterRule, converter, _cattrs_forbid_extra_keys=True)
    converter.register_structure_hook(
        RetryAfterRule, lambda value, kind: _retry_after(value, kind, plain_rule)
    )
    return converter


def _parsed(parse: Callable[[Any, str], Any], value: Any, _: type) -> Any:
    """Parse a value of the core, whose mistakes have paths that start here."""
    return parse(value, "")


def _expression(text: str) -> Expression:
    try:
        _BUDGETS.get()[Expression].spend(0, chars=len(text))
    except OverBudget as error:
        raise Malformed(DocumentCode.TOO_COSTLY()) from error
    return Expression.parse(text)


def _text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise _wrong_type(JsonType.STRING)
    return str(value)


def _number(value: Any, kind: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, kind):
        raise _wrong_type(JsonType.INTEGER if kind is int else JsonType.NUMBER)
    return value


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _wrong_type(JsonType.BOOLEAN)
    return value


def _choice(value: Any, kind: type[StrEnum]) -> StrEnum:
    choices = tuple(str(member) for member in kind)
    if value not in choices:
        raise Malformed(ProblemCode.NOT_ONE_OF(choices=choices))
    return kind(value)


def _wrong_type(expected: JsonType) -> Malformed:
    return Malformed(ProblemCode.WRONG_TYPE(types=(expected(),)))


def _one_or_more(value: Any, kind: Any, converter: cattrs.Converter) -> tuple[Any, ...]:
    """Read a list; a single value stands for a list of one."""
    items = value if isinstance(value, list | tuple) else [value]
    list_of: Any = list
    return tuple(converter.structure(items, list_of[get_args(kind)[0]]))


def _retry_after(value: Any, kind: Any, plain: Any) -> RetryAfterRule:
    if isinstance(value, str):
        if not value.startswith("header:"):
            raise Malformed(DocumentCode.NOT_A_RETRY_RULE())
        return RetryAfterRule(header=value.removeprefix("header:").lower())
    rule: RetryAfterRule = plain(value, kind)
    return rule


def _flattened(error: BaseException, path: str) -> Iterator[Problem]:
    """Yield a problem for each leaf of cattrs' tree of errors."""
    if isinstance(error, ClassValidationError | IterableValidationError):
        with_notes, without = error.group_exceptions()
        for inner, note in with_notes:
            name = getattr(note, "name", None) or getattr(note, "index", "")
            yield from _flattened(inner, f"{path}.{str(name).removesuffix('_')}")
        for inner in without:
            yield from _flattened(inner, path)
    elif isinstance(error, ForbiddenExtraKeysError):
        for key in sorted(map(str, error.extra_fields)):
            yield Problem(
                field=f"{path}.{key}", reason=_UNSUPPORTED_KEYS.get(key) or _no_field(key, error.cl)
            )
    elif isinstance(error, TemplateError):
        yield Problem(field=".".join((path, *error.path)), reason=error.reason)
    elif isinstance(error, ValidationFailed):
        for problem in error.problems:
            yield Problem(field=f"{path}{problem.field}", reason=problem.reason)
    elif isinstance(error, KeyError):
        yield Problem(field=path, reason=ProblemCode.REQUIRED())
    else:
        reason = error.reason if isinstance(error, Malformed) else DocumentCode.WRONG_SHAPE()
        yield Problem(field=path, reason=reason)


def _no_field(key: str, document_part: type) -> Message:
    suggestion = nearest(key, (field.name.removesuffix("_") for field in attrs.fields(document_part)))
    if suggestion is None:
        return DocumentCode.NOT_A_DOCUMENT_FIELD()
    return DocumentCode.MISSPELT_DOCUMENT_FIELD(suggestion=suggestion)
