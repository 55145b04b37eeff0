"""Reads a configuration of this kind: its document, and the model of the document for an id."""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import attrs

from imagegen_adapters.providers.http.budgets import Budget, OverBudget
from imagegen_adapters.providers.http.messages import DocumentCode
from imagegen_adapters.providers.http.parsing import parse_document
from imagegen_adapters.providers.http.presets import ENDED, OWN_KINDS, PresetLibrary
from imagegen_adapters.providers.http.schema.document import Document
from imagegen_adapters.providers.http.schema.model import ModelSpec
from imagegen_adapters.providers.http.schema.operation import OperationSpec
from imagegen_adapters.providers.http.template_parser import TemplateError
from imagegen_adapters.providers.http.templates import Template
from imagegen_core.errors import CallError, ProviderEnded, ValidationFailed
from imagegen_core.failures import FailureCode
from imagegen_core.operations import Operation
from imagegen_core.problems.fields import JsonType, Problem, ProblemCode
from imagegen_core.providers.capabilities import Model
from imagegen_core.providers.config import ProviderConfig

GENERIC_PRESET = "openai-compatible"
"""The protocol of a provider of kind http whose configuration names neither preset nor document."""

_SPEC = "extra_config.spec"
_MAX_SPEC_CHARS = 262_144
_MAX_SPEC_STEPS = 20_000
"""About 10,000 values, thirteen times those of the largest document that is shipped."""


def document_of(config: ProviderConfig, presets: PresetLibrary) -> Document:
    """Return the document of a configuration, with the configuration's ``vars`` filled in.

    What only new calls are checked for does not stop one that was sent: it is paid for.

    Raises:
        ProviderEnded: the preset's provider serves it no longer.
        ValidationFailed: an unknown preset, a malformed document, both of them, an unknown variable.
    """
    extra = config.extra_config
    if extra.get("preset") is not None and extra.get("spec") is not None:
        raise ValidationFailed.for_field("extra_config", DocumentCode.PRESET_AND_SPEC())
    if extra.get("spec") is not None:
        document = _parsed(_canonical(extra["spec"], was_sent=config.is_sent), was_sent=config.is_sent)
    else:
        document = presets.load(_preset_name(config, presets))
    return _with_vars(document, extra.get("vars"), was_sent=config.is_sent)


def _preset_name(config: ProviderConfig, presets: PresetLibrary) -> str:
    preset = config.extra_config.get("preset")
    ended = ENDED.get(config.provider_name if preset is None else str(preset))
    if ended is not None:
        name = config.provider_name if preset is None else preset
        reason = DocumentCode.PRESET_ENDED(preset=name, date=ended.day.isoformat(), successor=ended.successor)
        raise ProviderEnded(Problem(field="extra_config.preset", reason=reason))
    if preset in OWN_KINDS:
        reason = DocumentCode.PRESET_IS_A_KIND(kind=str(preset))
        raise ProviderEnded(Problem(field="extra_config.preset", reason=reason))
    if preset is None:
        return config.provider_name if config.provider_name in presets.names() else GENERIC_PRESET
    if preset not in presets.names():
        reason = ProblemCode.NOT_ONE_OF(choices=tuple(presets.names()))
        raise ValidationFailed.for_field("extra_config.preset", reason)
    return str(preset)


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


def check_size(value: Any, field: str) -> None:
    """Refuse what is too large before it is written as text: YAML's aliases make a lot of a little."""
    try:
        Budget(steps=_MAX_SPEC_STEPS, chars=_MAX_SPEC_CHARS).spend_tree(value)
    except OverBudget as error:
        raise ValidationFailed.for_field(field, DocumentCode.TOO_COSTLY()) from error


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError


@lru_cache(maxsize=64)
def _parsed(text: str, *, was_sent: bool) -> Document:
    return parse_document(json.loads(text), _SPEC, was_sent=was_sent)


def _with_vars(document: Document, variables: Any, *, was_sent: bool) -> Document:
    if variables is None:
        return document
    if not isinstance(variables, Mapping):
        raise ValidationFailed.for_field(
            "extra_config.vars", ProblemCode.WRONG_TYPE(types=(JsonType.OBJECT(),))
        )
    if not was_sent:
        check_size(variables, "extra_config.vars")
    parsed = {}
    for name, value in variables.items():
        field = f"extra_config.vars.{name}"
        if name not in document.vars:
            raise ValidationFailed.for_field(field, DocumentCode.NOT_A_VARIABLE(known=tuple(document.vars)))
        try:
            parsed[name] = Template.parse(value, Budget(steps=_MAX_SPEC_CHARS) if was_sent else None)
        except TemplateError as error:
            raise ValidationFailed.for_field(".".join((field, *error.path)), error.reason) from error
    return attrs.evolve(document, vars={**document.vars, **parsed})


def model_spec(document: Document, model_id: str) -> ModelSpec:
    """Return the document's model; for an unknown id, its first model under that id, without life and price.

    A document without models accepts any id, with everything that its operations can do.
    """
    declared = next((m for m in document.models if m.id == model_id), None)
    if declared is not None:
        return declared
    if document.models:
        return attrs.evolve(
            document.models[0],
            id=model_id,
            name="",
            default=False,
            remote_id="",
            retires=None,
            replaced_by=None,
            price=None,
            sources=(),
        )
    capabilities = tuple(
        o for o in Operation if document.operation_for(o, ModelSpec(id=model_id)) is not None
    )
    return ModelSpec(id=model_id, capabilities=capabilities)


def operation_spec(document: Document, spec: ModelSpec, operation: Operation, model: Model) -> OperationSpec:
    """Return the call that serves an operation.

    Raises:
        CallError: ``rejected``, nothing was sent: the document has none.
    """
    serving = document.operation_for(operation, spec)
    if serving is None:
        reason = DocumentCode.DOCUMENT_OPERATION_GONE(model=model.id, operation=operation)
        raise CallError(FailureCode.REJECTED, reason, possible_charge=False)
    return serving
