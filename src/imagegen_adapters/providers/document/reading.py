"""Reads documents: shipped ones and those of configurations. Each mistake has its dotted path."""

import datetime as dt
import json
import operator
import sys
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from enum import StrEnum
from functools import cache, lru_cache, partial
from importlib import resources
from types import MappingProxyType
from typing import Any, get_args

import attrs
import cattrs
from cattrs.errors import ClassValidationError, ForbiddenExtraKeysError, IterableValidationError
from cattrs.gen import make_dict_structure_fn, override

from imagegen_adapters.providers.common.catalogue import load_yaml
from imagegen_adapters.providers.document.checks import problems_of
from imagegen_adapters.providers.document.expressions import (
    Budget,
    DocumentCode,
    Expression,
    Malformed,
    OverBudget,
)
from imagegen_adapters.providers.document.schema import ClassifyRule, Document, RetryAfterRule
from imagegen_adapters.providers.document.templates import Template, TemplateError
from imagegen_core.config import ProviderConfig
from imagegen_core.errors import ProviderEnded, ValidationFailed
from imagegen_core.forms import Label, parse_label
from imagegen_core.messages import Message
from imagegen_core.operations import Operation
from imagegen_core.prices import Price, Source, parse_date, parse_price, parse_source
from imagegen_core.problems import JsonType, Problem, ProblemCode
from imagegen_core.text import nearest

PRESETS = resources.files(__package__ or "") / "presets"
"""The shipped documents, one YAML file for each provider."""

ALIASES: Mapping[str, str] = MappingProxyType({"openai-dalle": "openai"})
"""Other names of presets that existing configurations use."""

ENDED: Mapping[str, tuple[dt.date, str]] = MappingProxyType({"tencent": (dt.date(2026, 9, 30), "tokenhub")})
"""Presets that existing configurations may still name, of an API that its provider has switched off: the day,
and the preset to use instead. Tencent's: its announcement 2405.
"""

OWN_KINDS = frozenset({"comfyui"})
"""Presets that existing configurations may still name, of providers that have a kind of their own by now."""

GENERIC_PRESET = "openai-compatible"
"""The protocol of a provider of kind http whose configuration names neither preset nor document."""

_SPEC = "extra_config.spec"
_VARS = "extra_config.vars"
_MAX_SPEC_CHARS = 262_144
_MAX_SPEC_STEPS = 20_000
"""About 10,000 values, thirteen times those of the largest document that is shipped."""

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


# The document of a configuration


class PresetLibrary:
    """Loads the shipped documents, each once and on first use."""

    def __init__(self) -> None:
        self._names: tuple[str, ...] | None = None
        self._loaded: dict[str, Document] = {}

    def names(self) -> tuple[str, ...]:
        """Return the names of all presets, aliases included, sorted."""
        if self._names is None:
            files = (entry.name for entry in PRESETS.iterdir())
            stems = (name.removesuffix(".yaml") for name in files if name.endswith(".yaml"))
            self._names = tuple(sorted({*stems, *ALIASES}))
        return self._names

    def load(self, name: str) -> Document:
        """Return a document; a name that no preset has is a ``KeyError``."""
        stem = ALIASES.get(name, name)
        if name not in self.names():
            raise KeyError(name)
        if stem not in self._loaded:
            text = PRESETS.joinpath(f"{stem}.yaml").read_text("utf-8")
            self._loaded[stem] = parse_document(load_yaml(text), f"presets.{stem}")
        return self._loaded[stem]


def preset_names() -> tuple[str, ...]:
    """Return the names of all shipped presets, aliases included, sorted."""
    return PresetLibrary().names()


def document_of(config: ProviderConfig, presets: PresetLibrary) -> Document:
    """Return the document of a configuration, with the configuration's ``vars`` filled in.

    What only new calls are checked for does not stop one that was sent: it is paid for. A preset whose
    provider serves it no longer raises `ProviderEnded`, anything else that is wrong `ValidationFailed`.
    """
    extra = config.extra_config
    if extra.get("preset") is not None and extra.get("spec") is not None:
        raise ValidationFailed.for_field("extra_config", DocumentCode.PRESET_AND_SPEC())
    if extra.get("spec") is None:
        document = presets.load(_preset_name(config, presets))
    else:
        text = _canonical(extra["spec"], was_sent=config.is_sent)
        document = _own_document(text, was_sent=config.is_sent)
    return _with_vars(document, extra.get("vars"), was_sent=config.is_sent)


def _preset_name(config: ProviderConfig, presets: PresetLibrary) -> str:
    preset = config.extra_config.get("preset")
    name = config.provider_name if preset is None else str(preset)
    if name in ENDED:
        day, successor = ENDED[name]
        reason = DocumentCode.PRESET_ENDED(preset=name, date=day.isoformat(), successor=successor)
        raise ProviderEnded(Problem(field="extra_config.preset", reason=reason))
    if preset in OWN_KINDS:
        reason = DocumentCode.PRESET_IS_A_KIND(kind=name)
        raise ProviderEnded(Problem(field="extra_config.preset", reason=reason))
    if name in presets.names():
        return name
    if preset is None:
        return GENERIC_PRESET
    reason = ProblemCode.NOT_ONE_OF(choices=tuple(presets.names()))
    raise ValidationFailed.for_field("extra_config.preset", reason)


def _canonical(spec: Any, *, was_sent: bool) -> str:
    def plain(value: Any) -> Any:
        if isinstance(value, Mapping):
            return dict(value)
        raise TypeError

    if not was_sent:
        check_size(spec, _SPEC)
    try:
        text = json.dumps(spec, allow_nan=False, default=plain)
    except (TypeError, ValueError, RecursionError) as error:
        raise ValidationFailed.for_field(_SPEC, ProblemCode.NOT_JSON()) from error
    if len(text) > _MAX_SPEC_CHARS:
        raise ValidationFailed.for_field(_SPEC, ProblemCode.TOO_LONG(maximum=_MAX_SPEC_CHARS))
    return text


def check_size(value: Any, field: str) -> None:
    """Refuse what is too large before it is written as text: YAML's aliases make a lot of a little."""
    try:
        Budget(steps=_MAX_SPEC_STEPS, chars=_MAX_SPEC_CHARS).spend_tree(value)
    except OverBudget as error:
        raise ValidationFailed.for_field(field, DocumentCode.TOO_COSTLY()) from error


@lru_cache(maxsize=64)
def _own_document(text: str, *, was_sent: bool) -> Document:
    return parse_document(json.loads(text), _SPEC, was_sent=was_sent)


def _with_vars(document: Document, variables: Any, *, was_sent: bool) -> Document:
    if variables is None:
        return document
    if not isinstance(variables, Mapping):
        raise ValidationFailed.for_field(_VARS, ProblemCode.WRONG_TYPE(types=(JsonType.OBJECT(),)))
    if not was_sent:
        check_size(variables, _VARS)
    parsed = {}
    for name, value in variables.items():
        field = f"{_VARS}.{name}"
        if name not in document.vars:
            raise ValidationFailed.for_field(field, DocumentCode.NOT_A_VARIABLE(known=tuple(document.vars)))
        try:
            parsed[name] = Template.parse(value, Budget(steps=_MAX_SPEC_CHARS) if was_sent else None)
        except TemplateError as error:
            raise ValidationFailed.for_field(".".join((field, *error.path)), error.reason) from error
    return attrs.evolve(document, vars={**document.vars, **parsed})


# From plain data to values


def parse_document(data: Any, prefix: str, *, was_sent: bool = False) -> Document:
    """Return the document that plain values are, with its expressions and templates compiled.

    ``prefix`` is the start of the paths in errors, such as ``extra_config.spec``. If a call ``was_sent`` by
    it, only its structure is checked.
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

    def one_or_more(value: Any, kind: Any) -> tuple[Any, ...]:
        items = value if isinstance(value, list | tuple) else [value]
        list_of: Any = list
        return tuple(converter.structure(items, list_of[get_args(kind)[0]]))

    def retry_after(value: Any, kind: Any) -> Any:
        if not isinstance(value, str):
            return plain_rule(value, kind)
        if not value.startswith("header:"):
            raise Malformed(DocumentCode.NOT_A_RETRY_RULE())
        return RetryAfterRule(header=value.removeprefix("header:").lower())

    for kind, hook in (
        (str, lambda value, _: str(_typed(value, str | int | float, JsonType.STRING))),
        (int, lambda value, _: _typed(value, int, JsonType.INTEGER)),
        (float, lambda value, _: float(_typed(value, int | float, JsonType.NUMBER))),
        (bool, lambda value, _: _typed(value, bool, JsonType.BOOLEAN)),
        (StrEnum, _choice),
        (Expression, lambda value, _: _expression(str(_typed(value, str | int | float, JsonType.STRING)))),
        (Template, lambda value, _: Template.parse(value, _BUDGETS.get()[Template])),
        # Values of the core, whose mistakes have paths that start there.
        (dt.date, lambda value, _: parse_date(value, "")),
        (Source, lambda value, _: parse_source(value, "")),
        (Price, lambda value, _: parse_price(value, "")),
        (Label, lambda value, _: parse_label(value, "")),
    ):
        converter.register_structure_hook(kind, hook)
    for tuple_type in (tuple[str, ...], tuple[Operation, ...]):
        converter.register_structure_hook_func(partial(operator.eq, tuple_type), one_or_more)
    plain_rule = make_dict_structure_fn(RetryAfterRule, converter, _cattrs_forbid_extra_keys=True)
    renamed = override(rename="as")
    classify_rule = make_dict_structure_fn(
        ClassifyRule, converter, as_=renamed, _cattrs_forbid_extra_keys=True
    )
    converter.register_structure_hook(ClassifyRule, classify_rule)
    converter.register_structure_hook(RetryAfterRule, retry_after)
    return converter


def _typed(value: Any, kind: Any, name: JsonType) -> Any:
    if isinstance(value, bool) != (kind is bool) or not isinstance(value, kind):
        raise Malformed(ProblemCode.WRONG_TYPE(types=(name(),)))
    return value


def _choice(value: Any, kind: type[StrEnum]) -> StrEnum:
    choices = tuple(str(member) for member in kind)
    if value not in choices:
        raise Malformed(ProblemCode.NOT_ONE_OF(choices=choices))
    return kind(value)


def _expression(text: str) -> Expression:
    try:
        _BUDGETS.get()[Expression].spend(0, chars=len(text))
    except OverBudget as error:
        raise Malformed(DocumentCode.TOO_COSTLY()) from error
    return Expression.parse(text)


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
            reason = _UNSUPPORTED_KEYS.get(key) or _no_field(key, error.cl)
            yield Problem(field=f"{path}.{key}", reason=reason)
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
