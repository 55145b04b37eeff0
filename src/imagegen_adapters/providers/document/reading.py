"""Reads documents: presets, and those in configurations. Each mistake has its dotted path."""

import datetime as dt
import json
import operator
import re
import sys
from collections.abc import Container, Iterable, Iterator, Mapping
from contextlib import suppress
from contextvars import ContextVar
from enum import StrEnum
from functools import cache, lru_cache, partial
from importlib import resources
from itertools import chain
from typing import Any, Literal, TypeVar, get_args, get_origin

import attrs
import cattrs
import yaml
from cattrs.errors import ClassValidationError, ForbiddenExtraKeysError, IterableValidationError
from cattrs.gen import make_dict_structure_fn, override

from imagegen_adapters.providers.common.calls import YAML_LOADER, load_yaml
from imagegen_adapters.providers.document.expressions import (
    MAX_GLOB_CHARS,
    MAX_QUOTED_CHARS,
    Budget,
    DocumentCode,
    Expression,
    Malformed,
    OverBudget,
    UpstreamResponse,
    is_glob,
)
from imagegen_adapters.providers.document.operations import CHECK, ClassifyRule, Found, RetryAfterRule
from imagegen_adapters.providers.document.schema import MAX_FORM_FIELDS, Document, ModelSpec
from imagegen_adapters.providers.document.templates import Template
from imagegen_core.config import ProviderConfig
from imagegen_core.errors import ProviderEnded, ValidationFailed, nearest
from imagegen_core.facts import (
    SIZE_NAMES,
    Label,
    Price,
    Source,
    parse_date,
    parse_label,
    parse_price,
    parse_source,
)
from imagegen_core.images import MediaType
from imagegen_core.limits import MAX_MODELS
from imagegen_core.messages import JsonType, Message, Problem, ProblemCode
from imagegen_core.models import COMMON, SIZE_CONTROL
from imagegen_core.requests import Operation

T = TypeVar("T")
PRESETS = resources.files(__package__ or "") / "presets"

# Preset names that existing configurations may still have. `ENDED`: the provider switched the API off that
# day, and the preset to use instead (Tencent's announcement 2405).
ALIASES: Mapping[str, str] = {"openai-dalle": "openai"}
ENDED: Mapping[str, tuple[dt.date, str]] = {"tencent": (dt.date(2026, 9, 30), "tokenhub")}
OWN_KINDS = frozenset({"comfyui"})

_SPEC = "extra_config.spec"
_VARS = "extra_config.vars"
_MAX_SPEC_CHARS = 262_144
_MAX_SPEC_STEPS = 20_000  # about 10,000 values, thirteen times those of the largest document shipped
_MAX_YAML_DEPTH = 64
_MAX_YAML_INT_CHARS = 100  # reading one in base 60 takes the square of them
_MAX_PLACEHOLDERS = 5000
_MAX_EXPRESSION_CHARS = 16_384  # of all expressions together; either takes tens of milliseconds to parse
_MAX_EXPRESSIONS = 500
_MAX_GLOBS = 100
_MIN_EXCLUDED = 2

_EXPRESSIONS: ContextVar[Budget] = ContextVar("for the expressions of the document that is being parsed")

_UNSUPPORTED_KEYS: Mapping[str, Message] = {
    "retry": DocumentCode.SERVICE_DECIDES(),
    "rate_limit": DocumentCode.NOT_AVAILABLE(replacement="concurrency"),
    "timeouts": DocumentCode.NOT_AVAILABLE(replacement="timeout_seconds"),
    "prepare": DocumentCode.NO_PREPARATION(),
    "retryable_header": DocumentCode.NOT_AVAILABLE(replacement="errors.classify as not_admitted"),
    "secret": DocumentCode.ONLY_SECRET(),
}


# The document of a configuration


@cache
def preset_names() -> tuple[str, ...]:
    """Return the names of all shipped presets, aliases included, sorted."""
    files = (entry.name for entry in PRESETS.iterdir())
    stems = (name.removesuffix(".yaml") for name in files if name.endswith(".yaml"))
    return tuple(sorted({*stems, *ALIASES}))


@cache
def load_preset(name: str) -> Document:
    """Return a shipped document; a name that no preset has is a ``KeyError``."""
    if name not in preset_names():
        raise KeyError(name)
    if name in ALIASES:
        return load_preset(ALIASES[name])
    return parse_document(load_yaml(PRESETS.joinpath(f"{name}.yaml").read_text("utf-8")), f"presets.{name}")


def document_of(config: ProviderConfig) -> Document:
    """Return the configuration's document with its ``vars``. New checks never stop a call that was sent."""
    extra = config.extra_config
    if extra.get("preset") is not None and extra.get("spec") is not None:
        raise ValidationFailed.for_field("extra_config", DocumentCode.PRESET_AND_SPEC())
    if extra.get("spec") is None:
        document = load_preset(_preset_name(config))
    else:
        document = _document_of_spec(extra["spec"], was_sent=config.is_sent)
    return _with_vars(document, extra.get("vars"), was_sent=config.is_sent)


def _preset_name(config: ProviderConfig) -> str:
    preset = config.extra_config.get("preset")
    name = config.provider_name if preset is None else str(preset)
    reason = None
    if name in ENDED:
        day, successor = ENDED[name]
        reason = DocumentCode.PRESET_ENDED(preset=name, date=day.isoformat(), successor=successor)
    elif preset is not None and name in OWN_KINDS:
        reason = DocumentCode.PRESET_IS_A_KIND(kind=name)
    if reason is not None:
        raise ProviderEnded(Problem(field="extra_config.preset", reason=reason))
    if name in preset_names():
        return name
    if preset is None:
        return "openai-compatible"
    raise ValidationFailed.for_field("extra_config.preset", ProblemCode.NOT_ONE_OF(choices=preset_names()))


def _document_of_spec(spec: Any, *, was_sent: bool) -> Document:
    if not isinstance(spec, str):
        return _own_document(_canonical(spec, was_sent=was_sent), was_sent=was_sent)
    try:
        return _own_document(_canonical_text(spec, was_sent=was_sent), was_sent=was_sent)
    except ValidationFailed as error:
        raise ValidationFailed(*_placed(spec, error.problems)) from error


@lru_cache(maxsize=64)  # each task of the provider brings the text again; reading one takes milliseconds
def _canonical_text(text: str, *, was_sent: bool) -> str:
    return _canonical(_read_text(text), was_sent=was_sent)


def _canonical(spec: Any, *, was_sent: bool) -> str:
    if not was_sent:
        check_size(spec, _SPEC)
    try:
        text = json.dumps(spec, allow_nan=False, default=_plain)
    except (TypeError, ValueError, RecursionError) as error:
        raise ValidationFailed.for_field(_SPEC, ProblemCode.NOT_JSON()) from error
    if len(text) > _MAX_SPEC_CHARS:
        raise ValidationFailed.for_field(_SPEC, ProblemCode.TOO_LONG(maximum=_MAX_SPEC_CHARS))
    return text


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, dt.date):
        return value.isoformat()
    raise TypeError


def check_size(value: Any, field: str) -> None:
    """Refuse what is too large to be written as text: a little YAML with aliases makes a lot."""
    try:
        Budget(steps=_MAX_SPEC_STEPS, chars=_MAX_SPEC_CHARS).spend_tree(value)
        Budget(steps=_MAX_PLACEHOLDERS).spend(str(value).count("${"))
    except OverBudget as error:
        raise ValidationFailed.for_field(field, DocumentCode.TOO_COSTLY()) from error


@lru_cache(maxsize=64)
def _own_document(text: str, *, was_sent: bool) -> Document:
    return parse_document(json.loads(text), _SPEC, was_sent=was_sent)


def _with_vars(document: Document, variables: Any, *, was_sent: bool) -> Document:
    if variables is None:
        return document
    if not was_sent:
        check_size(variables, _VARS)
    for name in variables if isinstance(variables, Mapping) else ():
        if name not in document.vars:
            reason = DocumentCode.NOT_A_VARIABLE(known=tuple(document.vars))
            raise ValidationFailed.for_field(f"{_VARS}.{name}", reason)
    parsed = _structured(variables, dict[str, Template], _VARS)
    return attrs.evolve(document, vars={**document.vars, **parsed})


# A document as people write it: YAML or JSON


def _read_text(text: str) -> Any:
    """Return what a text says. Nothing of it is built before its size is known, with all aliases followed."""
    with suppress(ValueError, RecursionError):  # JSON that YAML does not take: tabs, escaped surrogates
        return json.loads(text)
    try:
        return yaml.constructor.SafeConstructor().construct_document(_nodes(text))
    except ValidationFailed:
        raise
    except Exception as error:  # PyYAML lets Python's own through, of a date or a number that is none
        detail = getattr(error, "problem", None) or str(error).partition("\n")[0]
        reason = DocumentCode.DOCUMENT_NOT_YAML(detail=detail[:MAX_QUOTED_CHARS])
        place = _place(getattr(error, "problem_mark", None))
        raise ValidationFailed(Problem(_SPEC, reason, *place)) from error


def _nodes(text: str) -> yaml.Node:
    """Parse YAML to nodes with their places, bounded before each step: in length, depth and size."""
    if len(text) > _MAX_SPEC_CHARS:
        raise ValidationFailed.for_field(_SPEC, ProblemCode.TOO_LONG(maximum=_MAX_SPEC_CHARS))
    depth, too_large = 0, ValidationFailed.for_field(_SPEC, DocumentCode.TOO_COSTLY())
    for count, event in enumerate(yaml.parse(text, Loader=YAML_LOADER)):  # the only step without recursion
        if count > _MAX_SPEC_STEPS:
            raise too_large
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _MAX_YAML_DEPTH:
            raise ValidationFailed(Problem(_SPEC, ProblemCode.TOO_DEEP(), *_place(event.start_mark)))
    root: yaml.Node = yaml.compose(text, Loader=YAML_LOADER) or yaml.ScalarNode("tag:yaml.org,2002:null", "")
    level, budget = [root], Budget(steps=_MAX_SPEC_STEPS)
    try:
        while level:
            budget.spend(len(level))
            if any(_is_long_int(node) for node in level):
                raise too_large
            pairs = [pair for node in level if isinstance(node, yaml.MappingNode) for pair in _pairs(node)]
            items = [item for node in level if isinstance(node, yaml.SequenceNode) for item in node.value]
            level = [*chain.from_iterable(pairs), *items]
    except OverBudget as error:
        raise too_large from error
    return root


def _is_long_int(node: yaml.Node) -> bool:
    """Whether it is an integer of many characters, or one of parts, which may be as long."""
    is_short = isinstance(node, yaml.ScalarNode) and len(node.value) <= _MAX_YAML_INT_CHARS
    return node.tag == "tag:yaml.org,2002:int" and not is_short


def _pairs(node: yaml.MappingNode) -> Iterator[tuple[yaml.ScalarNode, yaml.Node]]:
    """Yield keys and values. PyYAML would keep the last of equal keys, and cannot use a key of parts."""
    names = set()
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode) or key.value in names:
            reason = DocumentCode.WRONG_SHAPE()
            if isinstance(key, yaml.ScalarNode):
                reason = DocumentCode.DOCUMENT_KEY_TWICE(key=key.value[:MAX_QUOTED_CHARS])
            raise ValidationFailed(Problem(_SPEC, reason, *_place(key.start_mark)))
        names.add(key.value)
        yield key, value


def _placed(text: str, problems: Iterable[Problem]) -> Iterator[Problem]:
    """Yield the problems, each with the place of the part that it is about or is missing in."""
    root = None
    with suppress(ValidationFailed, yaml.YAMLError):  # of JSON that YAML does not take, no place is known
        root = _nodes(text.replace("\t", " "))
    for problem in problems:
        if root is None or problem.line is not None or not problem.field.startswith(_SPEC):
            yield problem
        else:
            mark = _mark(root, problem.field[len(_SPEC) + 1 :], root.start_mark)
            yield Problem(problem.field, problem.reason, *_place(mark))


def _mark(node: yaml.Node, path: str, mark: Any) -> Any:
    """Return where the part at a dotted path begins, else the last one on the way to it."""
    inner: dict[str, tuple[yaml.Node, yaml.Node]] = {}
    if isinstance(node, yaml.MappingNode):
        inner = {key.value: (key, value) for key, value in _pairs(node)}
    elif isinstance(node, yaml.SequenceNode):
        inner = {str(position): (item, item) for position, item in enumerate(node.value)}
    name = max((n for n in inner if f"{path}.".startswith(f"{n}.")), key=len, default=None)  # some have dots
    if not path or (name is None and "<<" not in inner):
        return mark
    if name is None:
        return _mark(inner["<<"][1], path, mark)
    key, value = inner[name]
    return _mark(value, path[len(name) + 1 :], key.start_mark)


def _place(mark: Any) -> tuple[int | None, int | None]:
    return (None, None) if mark is None else (mark.line + 1, mark.column + 1)


# From plain data to values


def parse_document(data: Any, prefix: str, *, was_sent: bool = False) -> Document:
    """Compile plain data; ``prefix`` starts the paths of errors. A sent call only needs the structure."""
    _EXPRESSIONS.set(Budget(chars=sys.maxsize if was_sent else _MAX_EXPRESSION_CHARS))
    document = _structured(data, Document, prefix)
    mistakes = () if was_sent else _problems_of(document)
    if problems := [Problem(field=f"{prefix}.{path}", reason=reason) for path, reason in mistakes]:
        raise ValidationFailed(*problems)
    return document


def _structured(data: Any, kind: type[T], prefix: str) -> T:
    if not isinstance(data, Mapping):
        raise ValidationFailed.for_field(prefix, ProblemCode.WRONG_TYPE(types=(JsonType.OBJECT(),)))
    try:
        return _converter().structure(data, kind)
    except (ClassValidationError, IterableValidationError) as error:
        raise ValidationFailed(*_flattened(error, prefix)) from error


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
        (Template, lambda value, _: Template.parse(value)),
        # Values of the core: their errors have the rest of the path.
        (dt.date, lambda value, _: parse_date(value, "")),
        (Source, lambda value, _: parse_source(value, "")),
        (Price, lambda value, _: parse_price(value, "")),
        (Label, lambda value, _: parse_label(value, "")),
    ):
        converter.register_structure_hook(kind, hook)
    for tuple_type in (tuple[str, ...], tuple[Operation, ...], tuple[MediaType, ...]):
        converter.register_structure_hook_func(partial(operator.eq, tuple_type), one_or_more)
    literal: Any = Literal
    converter.register_structure_hook_func(lambda kind: get_origin(kind) is literal, _choice)
    strict = partial(make_dict_structure_fn, converter=converter, _cattrs_forbid_extra_keys=True)
    plain_rule = strict(RetryAfterRule)
    converter.register_structure_hook(ClassifyRule, strict(ClassifyRule, as_=override(rename="as")))
    converter.register_structure_hook(RetryAfterRule, retry_after)
    return converter


def _typed(value: Any, kind: Any, name: JsonType) -> Any:
    if isinstance(value, bool) != (kind is bool) or not isinstance(value, kind):
        raise Malformed(ProblemCode.WRONG_TYPE(types=(name(),)))
    return value


def _choice(value: Any, kind: Any) -> Any:
    choices = get_args(kind) or tuple(kind)
    if value not in choices:
        raise Malformed(ProblemCode.NOT_ONE_OF(choices=tuple(map(str, choices))))
    return choices[choices.index(value)]


def _expression(text: str) -> Expression:
    try:
        _EXPRESSIONS.get().spend(0, chars=len(text))
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
    elif isinstance(error, Malformed):
        yield Problem(field=".".join((path, *error.path)), reason=error.reason)
    elif isinstance(error, ValidationFailed):
        for problem in error.problems:
            yield Problem(field=f"{path}{problem.field}", reason=problem.reason)
    elif isinstance(error, KeyError):
        yield Problem(field=path, reason=ProblemCode.REQUIRED())
    else:
        yield Problem(field=path, reason=DocumentCode.WRONG_SHAPE())


def _no_field(key: str, document_part: type) -> Message:
    suggestion = nearest(key, (field.name.removesuffix("_") for field in attrs.fields(document_part)))
    if suggestion is None:
        return DocumentCode.NOT_A_DOCUMENT_FIELD()
    return DocumentCode.MISSPELT_DOCUMENT_FIELD(suggestion=suggestion)


# Rules beyond the types of fields: every name must lead somewhere, at a bounded cost


def _problems_of(document: Document) -> Found:
    """Yield all mistakes, with paths relative to the document."""
    parts = tuple(parts_of(document))
    templates = [(path, part) for path, part in parts if isinstance(part, Template)]
    streams = {o.stream.parameter for o in document.operations.values() if o.stream is not None}
    names = {p.name for p in COMMON} | streams
    for path, part in parts:
        for place, reason in _part_problems(part):
            yield ".".join(filter(None, (path, place))), reason
    for position, model in enumerate(document.models if len(document.models) <= MAX_MODELS else ()):
        for place, reason in chain(_operations(model, document), _sizes(model), _parameters(model, names)):
            yield f"models.{position}.{place}", reason
    yield from chain(_globs(document), _names(document, templates, names), _form(document, templates))
    yield from _expressions((path, part) for path, part in parts if isinstance(part, Expression))


def parts_of(part: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield all values of the schema in a document, with its templates and expressions, and their paths."""
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
    for name, value in inner:
        yield from parts_of(value, f"{path}.{name}" if path else str(name))


def _part_problems(part: Any) -> Found:
    for field in attrs.fields(type(part)):
        check, value = field.metadata.get(CHECK), getattr(part, field.name)
        if check is not None and value is not None and (reason := check(value)) is not None:
            yield field.name, reason
    if hasattr(part, "problems"):
        yield from part.problems()


def _operations(model: ModelSpec, document: Document) -> Found:
    for operation, name in model.operation.items():
        if name not in document.operations:
            yield f"operation.{operation}", DocumentCode.NO_SUCH_OPERATION(name=name)
    for position, capability in enumerate(model.capabilities):
        if capability not in model.operation and document.operation_for(capability, model) is None:
            yield f"capabilities.{position}", DocumentCode.NOT_IMPLEMENTED(operation=capability)
    replaced_by: dict[str | None, str | None] = {m.id: m.replaced_by for m in document.models}
    successor = model.replaced_by
    for _ in document.models:
        if successor == model.id:
            yield "replaced_by", DocumentCode.REPLACES_ITSELF(model=model.id)
            break
        successor = replaced_by.get(successor)


def _sizes(model: ModelSpec) -> Found:
    sizes = {"size": model.size, **{f"size_for.{name}": size for name, size in model.size_for.items()}}
    for place, size in sizes.items():
        if size is not None and size.kind not in ("wxh", "fixed") and not size.values:
            yield f"{place}.values", DocumentCode.REQUIRED_FOR(kind=size.kind)
    for operation in model.size_for:
        if operation not in model.capabilities:
            yield f"size_for.{operation}", ProblemCode.NOT_ONE_OF(choices=tuple(map(str, model.capabilities)))


def _parameters(model: ModelSpec, shared: Container[str]) -> Found:
    for position, name in enumerate(model.refuses):
        if name in model.params or name not in shared:
            yield f"refuses.{position}", DocumentCode.NOT_REFUSABLE()
    for position, values in enumerate(model.excludes):
        if len(values) < _MIN_EXCLUDED:
            yield f"excludes.{position}", ProblemCode.TOO_FEW_ITEMS(minimum=_MIN_EXCLUDED)
        for name in set(values) - set(model.params):
            yield f"excludes.{position}.{name}", ProblemCode.NOT_ONE_OF(choices=tuple(model.params))


def _globs(document: Document) -> Found:
    """Check the globs of codes, models and content types: each is compiled at its first use."""
    globs = [(f"errors.classify.{i}.codes", rule.codes) for i, rule in enumerate(document.errors.classify)]
    globs += [(f"models.{i}.patterns", model.patterns) for i, model in enumerate(document.models)]
    for name, operation in document.operations.items():
        if operation.response.raw is not None:
            types = operation.response.raw.content_types
            globs.append((f"operations.{name}.response.raw.content_types", types))
    count = 0
    for path, patterns in globs:
        count += sum(map(is_glob, patterns))
        if count > _MAX_GLOBS:
            yield path, DocumentCode.TOO_COSTLY()
            return
        if any(len(pattern) > MAX_GLOB_CHARS for pattern in patterns):
            yield path, ProblemCode.TOO_LONG(maximum=MAX_GLOB_CHARS)


def _form(document: Document, templates: list[tuple[str, Template]]) -> Found:
    """Check that each name of the form is a parameter that some model takes."""
    declared = set(chain.from_iterable(model.params for model in document.models))
    choices = (declared | {p.name for p in COMMON}) - set(SIZE_NAMES) | {SIZE_CONTROL}
    for position, name in enumerate(document.form if len(document.form) <= MAX_FORM_FIELDS else ()):
        parameters = (*(SIZE_NAMES if name == SIZE_CONTROL else (name,)), f"params.{name}")
        is_taken = name in {*declared, "num"} or any(t.mentions(p) for _, t in templates for p in parameters)
        if name not in choices or not is_taken:
            yield f"form.{position}", DocumentCode.NOT_IN_A_FORM(name=name)
        elif name in document.form[:position]:
            yield f"form.{position}", DocumentCode.TWICE_IN_A_FORM(name=name)


def _names(document: Document, templates: list[tuple[str, Template]], shared: set[str]) -> Found:
    """Check what templates mention below ``params``, ``model_vars``, ``vars`` and ``task``."""
    declared: Mapping[str, set[str]] = {
        "params": shared.union(*(m.params for m in document.models)),
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


def _expressions(expressions: Iterable[tuple[str, Expression]]) -> Found:
    """Check that all expressions together are cheap where a response has nothing for them."""
    response = UpstreamResponse(status=200, headers={}, tree={})
    for position, (path, expression) in enumerate(expressions):
        if position == _MAX_EXPRESSIONS:
            yield path, ProblemCode.TOO_MANY_ITEMS(maximum=_MAX_EXPRESSIONS)
            return
        if (reason := expression.problem) is not None:
            yield path, reason
            continue
        try:
            response.optional.spend_tree(response.find(expression))
        except OverBudget:
            yield path, DocumentCode.TOO_COSTLY()
            return
