"""Checks what a document says of a model beyond the types of its fields."""

from collections.abc import Iterator

from imagegen_adapters.providers.http.messages import DocumentCode
from imagegen_adapters.providers.http.schema.document import Document
from imagegen_adapters.providers.http.schema.model import ModelSpec
from imagegen_adapters.providers.http.schema.size import SizeKind
from imagegen_core.images import MediaType
from imagegen_core.problems.fields import Problem, ProblemCode
from imagegen_core.providers.parameters import COMMON

_MIME_TYPES = tuple(map(str, MediaType))
_TYPES = ("boolean", "integer", "number", "string")
_COMMON_NAMES = frozenset(p.name for p in COMMON)
_MIN_EXCLUDED = 2
_KINDS_WITH_VALUES = (SizeKind.ASPECT_RATIO, SizeKind.ENUM, SizeKind.TIER)


def problems_of_model(path: str, document: Document, model: ModelSpec) -> Iterator[Problem]:
    """Yield all mistakes in a model of the document; ``path`` is where it stands."""
    yield from _operations(path, document, model)
    yield from _parameters(path, document, model)
    for position, mime in enumerate(model.limits.ref_mimes):
        if mime not in _MIME_TYPES:
            reason = ProblemCode.NOT_ONE_OF(choices=_MIME_TYPES)
            yield Problem(field=f"{path}.limits.ref_mimes.{position}", reason=reason)
    if model.extras not in (None, "pass", "refuse"):
        reason = ProblemCode.NOT_ONE_OF(choices=("pass", "refuse"))
        yield Problem(field=f"{path}.extras", reason=reason)
    yield from _sizes(path, model)
    if model.id in _replacements(document, model):
        yield Problem(field=f"{path}.replaced_by", reason=DocumentCode.REPLACES_ITSELF(model=model.id))


def _sizes(path: str, model: ModelSpec) -> Iterator[Problem]:
    specs = {"size": model.size, **{f"size_for.{name}": size for name, size in model.size_for.items()}}
    for place, size in specs.items():
        if size is not None and size.kind in _KINDS_WITH_VALUES and not size.values:
            yield Problem(field=f"{path}.{place}.values", reason=DocumentCode.REQUIRED_FOR(kind=size.kind))
    for operation in model.size_for:
        if operation not in model.capabilities:
            reason = ProblemCode.NOT_ONE_OF(choices=tuple(map(str, model.capabilities)))
            yield Problem(field=f"{path}.size_for.{operation}", reason=reason)


def _operations(path: str, document: Document, model: ModelSpec) -> Iterator[Problem]:
    for operation, name in model.operation.items():
        if name not in document.operations:
            reason = DocumentCode.NO_SUCH_OPERATION(name=name)
            yield Problem(field=f"{path}.operation.{operation}", reason=reason)
    for position, capability in enumerate(model.capabilities):
        if capability not in model.operation and document.operation_for(capability, model) is None:
            reason = DocumentCode.NOT_IMPLEMENTED(operation=capability)
            yield Problem(field=f"{path}.capabilities.{position}", reason=reason)


def _parameters(path: str, document: Document, model: ModelSpec) -> Iterator[Problem]:
    for name, parameter in model.params.items():
        if parameter.type not in _TYPES:
            yield Problem(field=f"{path}.params.{name}.type", reason=ProblemCode.NOT_ONE_OF(choices=_TYPES))
    streams = {o.stream.parameter for o in document.operations.values() if o.stream is not None}
    for position, name in enumerate(model.refuses):
        if name in model.params or name not in _COMMON_NAMES | streams:
            yield Problem(field=f"{path}.refuses.{position}", reason=DocumentCode.NOT_REFUSABLE())
    for position, values in enumerate(model.excludes):
        if len(values) < _MIN_EXCLUDED:
            reason = ProblemCode.TOO_FEW_ITEMS(minimum=_MIN_EXCLUDED)
            yield Problem(field=f"{path}.excludes.{position}", reason=reason)
        for name in set(values) - set(model.params):
            reason = ProblemCode.NOT_ONE_OF(choices=tuple(model.params))
            yield Problem(field=f"{path}.excludes.{position}.{name}", reason=reason)


def _replacements(document: Document, model: ModelSpec) -> list[str]:
    """Return what replaces a model, what replaces that, and so on, each once."""
    replaced_by = {m.id: m.replaced_by for m in document.models}
    successors: list[str] = []
    following = model.replaced_by
    while following is not None and following not in successors:
        successors.append(following)
        following = replaced_by.get(following)
    return successors
