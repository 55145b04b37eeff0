"""The document of a JSON provider, as values; ``docs/reference/provider-documents.md`` has each field."""

import contextlib
import datetime as dt
import math
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, Literal
from urllib.parse import urljoin, urlsplit

import attrs

from imagegen_adapters.providers.common.calls import InputCode, ResponseCode
from imagegen_adapters.providers.common.images import COMMON_TYPES, check_total_bytes
from imagegen_adapters.providers.document.credentials import Auth
from imagegen_adapters.providers.document.expressions import DocumentCode, Expression, matches_glob
from imagegen_adapters.providers.document.operations import (
    IS_API_BASE,
    IS_NAME,
    ErrorSpec,
    Found,
    OperationSpec,
    RequestSpec,
    accepted_by,
    at_most,
    between,
    checked,
    header_problems,
    matching,
)
from imagegen_adapters.providers.document.templates import Template
from imagegen_core.config import ProviderConfig, check_timeout, origin
from imagegen_core.errors import CallError, FailureCode, ValidationFailed
from imagegen_core.facts import Group, Label, Price, Source
from imagegen_core.images import MediaType
from imagegen_core.limits import (
    MAX_CONCURRENCY,
    MAX_MODELS,
    MAX_NUM,
    MAX_PROMPT_CHARS,
    MAX_REFERENCES,
    MAX_SIDE_PIXELS,
    MAX_TIMEOUT_SECONDS,
)
from imagegen_core.messages import Message, Problem, ProblemCode
from imagegen_core.requests import InputImage, NamedInputs, Operation

MAX_FORM_FIELDS = 200
_Extras = Literal["pass", "refuse"]
_IS_TIMEOUT = matching(
    lambda value: 0 < value <= MAX_TIMEOUT_SECONDS,
    DocumentCode.SECONDS_OUT_OF_RANGE(minimum=0, maximum=MAX_TIMEOUT_SECONDS),
)


# Models


SizeKind = Literal["wxh", "aspect_ratio", "enum", "tier", "fixed"]


@attrs.frozen(kw_only=True)
class SizeSpec:
    """The sizes of a model; lengths are pixels, ``min_pixels`` and ``max_pixels`` areas."""

    kind: SizeKind = "wxh"
    separator: str = "x"
    multiple_of: int = 1
    min: int = 1
    max: int = MAX_SIDE_PIXELS
    min_pixels: int = 1
    max_pixels: int = MAX_SIDE_PIXELS * MAX_SIDE_PIXELS
    ratio: tuple[float, float] | None = None
    values: tuple[str, ...] = ()
    ratios: tuple[str, ...] = ()  # the shapes of a model whose ``values`` are tiers
    extra: tuple[str, ...] = ()
    map: Mapping[str, str] = attrs.field(factory=dict)
    default: str | None = None


@attrs.frozen(kw_only=True)
class ParamSpec:
    """A parameter of a model; a known one of its name adds what is not given here for a form."""

    type: Literal["boolean", "integer", "number", "string"] = "string"
    enum: tuple[Any, ...] = ()
    min: float | None = None
    max: float | None = None
    multiple_of: int | None = None
    default: Any = None  # sent if the caller omits it
    label: Label | None = None
    group: Group | None = None
    unit: Label | None = None
    description: Label | None = None
    choices: Mapping[str, Label] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class Limits:
    """What a model accepts. Limits of one image are not for the mask; bytes count before any encoding."""

    prompt_chars: int = MAX_PROMPT_CHARS
    n_max: int = MAX_NUM
    refs_max: int = MAX_REFERENCES
    ref_mimes: tuple[MediaType, ...] = COMMON_TYPES
    ref_bytes_max: int | None = None
    total_bytes_max: int | None = None
    min_px: int | None = None  # width times height
    max_px: int | None = None
    side_min: int | None = None  # for each side
    side_max: int | None = None
    ratio: tuple[float, float] | None = None  # width by height, lowest and highest

    def check(self, images: NamedInputs) -> None:
        """Refuse images that the model does not take, each named; not the mask, which is converted."""
        reasons = {field: next(self._reasons(image), None) for field, image in images if field != "mask"}
        problems = [Problem(field=name, reason=r) for name, r in reasons.items() if r is not None]
        if problems:
            raise ValidationFailed(*problems)
        if self.total_bytes_max is not None:
            check_total_bytes(images, self.total_bytes_max)

    def _reasons(self, image: InputImage) -> Iterator[Message]:
        pixels, size = image.width * image.height, f"{image.width}x{image.height}"
        low, high = self.ratio or (0.0, math.inf)
        if image.mime_type not in self.ref_mimes:
            yield InputCode.WRONG_MIME_TYPE(mime_type=image.mime_type, types=tuple(map(str, self.ref_mimes)))
        if self.ref_bytes_max is not None and image.size_bytes > self.ref_bytes_max:
            yield InputCode.IMAGE_TOO_HEAVY(size=image.size_bytes, maximum=self.ref_bytes_max)
        if self.min_px is not None and pixels < self.min_px:
            yield InputCode.TOO_FEW_PIXELS(pixels=pixels, minimum=self.min_px)
        if self.max_px is not None and pixels > self.max_px:
            yield InputCode.TOO_MANY_PIXELS(pixels=pixels, maximum=self.max_px)
        if self.side_min is not None and min(image.width, image.height) < self.side_min:
            yield InputCode.SIDE_TOO_SHORT(size=size, minimum=self.side_min)
        if self.side_max is not None and max(image.width, image.height) > self.side_max:
            yield InputCode.SIDE_TOO_LONG(size=size, maximum=self.side_max)
        if not low <= image.width / image.height <= high:
            yield InputCode.IMAGE_SHAPE(size=size, minimum=low, maximum=high)


@attrs.frozen(kw_only=True)
class ModelSpec:
    """A model: what it can do, by which operation, within which limits, until when and for how much."""

    id: str
    name: str = ""
    patterns: tuple[str, ...] = ()  # globs of configured ids that get what this model can
    default: bool = False
    remote_id: str = ""
    vars: Mapping[str, Any] = attrs.field(factory=dict)
    capabilities: tuple[Operation, ...] = (Operation.GENERATE,)
    operation: Mapping[Operation, str] = attrs.field(factory=dict)
    limits: Limits = Limits()
    size: SizeSpec | None = None
    size_for: Mapping[Operation, SizeSpec] = attrs.field(factory=dict)  # of operations with other sizes
    params: Mapping[str, ParamSpec] = attrs.field(factory=dict)
    refuses: tuple[str, ...] = ()  # parameters of the request that this model does not take
    excludes: tuple[Mapping[str, Any], ...] = ()  # values that it does not take together
    extras: _Extras | None = None
    retires: dt.date | None = None
    replaced_by: str | None = None
    price: Price | None = None
    batch_factor: float | None = checked(between(0, 1), None)  # of the price, in OpenAI's batch jobs
    sources: tuple[Source, ...] = ()  # beside the document's

    def size_of(self, operation: Operation) -> SizeSpec | None:
        return self.size_for.get(operation, self.size)


# The document


@attrs.frozen(kw_only=True)
class EgressSpec:
    """Where responses may send us: to ``allow_hosts`` with the key, to ``download_hosts`` without it."""

    allow_hosts: tuple[str, ...] = ()
    download_hosts: tuple[str, ...] = ()
    max_json_bytes: int = checked(between(1, 268_435_456), 67_108_864)


@attrs.frozen(kw_only=True)
class DownloadSpec:
    """How result files are downloaded."""

    headers: Mapping[str, str] = attrs.field(factory=dict)
    timeout_s: float = checked(_IS_TIMEOUT, 120.0)

    def problems(self) -> Found:
        return header_problems(self.headers)


@attrs.frozen(kw_only=True)
class HealthSpec:
    """A cheap, unpaid request that shows whether address and key work."""

    request: RequestSpec
    ok_if: Expression | None = None
    credits: Expression | None = None  # where the answer says what is left


@attrs.frozen(kw_only=True, eq=False)
class Document:
    """A whole provider. It is parsed once and then shared, so it is equal only to itself."""

    schema: int = checked(matching(lambda number: number == 1, ProblemCode.NOT_ONE_OF(choices=("1",))))
    id: str = checked(IS_NAME)
    operations: Mapping[str, OperationSpec] = checked(at_most(50))
    models: tuple[ModelSpec, ...] = checked(at_most(MAX_MODELS), ())
    form: tuple[str, ...] = checked(at_most(MAX_FORM_FIELDS), ())  # in its order; empty: all parameters
    sources: tuple[Source, ...] = ()
    name: str = ""
    base_url: str | None = checked(IS_API_BASE, None)
    auth: Auth = attrs.field(factory=Auth)
    headers: Mapping[str, Template] = attrs.field(factory=dict)
    vars: Mapping[str, Template] = attrs.field(factory=dict)
    concurrency: int | None = checked(between(1, MAX_CONCURRENCY), None)
    timeout_s: float | None = checked(accepted_by(check_timeout), None)  # unless the configuration says
    billed: bool = True  # otherwise a model without a price costs nothing
    n_strategy: Literal["native", "fan_out"] | None = None  # None: see `fans_out`
    extras: _Extras = "pass"
    egress: EgressSpec = EgressSpec()
    errors: ErrorSpec = attrs.field(factory=ErrorSpec)
    download: DownloadSpec = DownloadSpec()
    health: HealthSpec | None = None

    def problems(self) -> Found:
        if not self.operations:
            yield "operations", DocumentCode.NO_OPERATIONS()
        for name, operation in self.operations.items():
            if not operation.implemented(name):
                yield f"operations.{name}.implements", DocumentCode.NAME_IS_NOT_AN_OPERATION()
        yield from header_problems(self.headers)

    def model(self, model_id: str) -> ModelSpec:
        """Return a model; an unknown one is like the first that it matches, without its life and price."""
        spec = next((model for model in self.models if model.id == model_id), None)
        if spec is not None:
            return spec
        unknown = ModelSpec(id=model_id)
        if not self.models:  # any id is a model, with all that the operations can do
            possible = tuple(o for o in Operation if self.operation_for(o, unknown) is not None)
            return attrs.evolve(unknown, capabilities=possible)
        alike = (model for model in self.models if matches_glob(model_id, model.patterns))
        own = (
            "id",
            "name",
            "default",
            "remote_id",
            "retires",
            "replaced_by",
            "price",
            "batch_factor",
            "sources",
        )
        return attrs.evolve(next(alike, self.models[0]), **{name: getattr(unknown, name) for name in own})

    def operation_for(self, operation: Operation, model: ModelSpec) -> OperationSpec | None:
        """Return the call that serves ``operation``: the one the model names, else the first that does."""
        if operation in model.operation:
            return self.operations.get(model.operation[operation])
        specs = (spec for name, spec in self.operations.items() if operation in (spec.implements or (name,)))
        return next(specs, None)

    def mentions(self, operation: OperationSpec, name: str) -> bool:
        """Return whether the paid request uses a parameter, by its name or as ``params.name``."""
        key = operation, name
        if key not in self._mentions:
            templates = [*operation.request.templates, *self.headers.values()]
            if any(t.mentions("vars") for t in templates):
                templates += self.vars.values()
            self._mentions[key] = any(t.mentions(name) or t.mentions(f"params.{name}") for t in templates)
        return self._mentions[key]

    @cached_property
    def _mentions(self) -> dict[tuple[OperationSpec, str], bool]:
        return {}  # what every task of the provider asks again

    def fans_out(self, operation: OperationSpec) -> bool:
        """Return whether several images take several calls: if declared, or if no template mentions ``n``."""
        return not self.mentions(operation, "n") if self.n_strategy is None else self.n_strategy == "fan_out"

    def passes_extras(self, model: ModelSpec) -> bool:
        """Return whether undeclared parameters are passed to the provider."""
        return (model.extras or self.extras) == "pass"


# ---------------------------------------------------------------- where a response may send us


def same_origin(url: str, config: ProviderConfig) -> bool:
    """Return whether the URL has the origin that the key was configured for."""
    try:
        return config.api_base is not None and origin(url) == origin(config.api_base)
    except ValueError:
        return False


def key_hosts(document: Document, api_base: str | None) -> tuple[str, ...]:
    """Return the hosts that get the key beside ``api_base``.

    They get it only once that is the provider's own address, and say so until then: the text has to change
    when the key reaches further though the list is the same.
    """
    hosts = document.egress.allow_hosts
    if _is_upstream_host(document, api_base):
        return hosts
    return tuple(f"{host}, once api_base is the provider's own" for host in hosts)


def follow(url: str, base: str, document: Document, config: ProviderConfig) -> str:
    """Return a response's URL as an absolute one that may get the key.

    It has the configured origin. If that is the provider's own, so may ``allow_hosts`` by https on port 443.
    """
    absolute = absolute_url(url, base)
    if same_origin(absolute, config):
        return absolute
    host = ""
    with contextlib.suppress(ValueError):
        parts, port = urlsplit(absolute), urlsplit(absolute).port
        host = (parts.hostname or "").lower().rstrip(".")
        is_https = parts.scheme == "https" and port in (None, 443) and "@" not in parts.netloc
        is_listed = _matches_any(host, document.egress.allow_hosts)
        if is_https and is_listed and _is_upstream_host(document, config.api_base):
            return absolute
    reason = DocumentCode.DOCUMENT_SENT_ELSEWHERE(host=host or DocumentCode.DOCUMENT_NO_ADDRESS())
    raise CallError(FailureCode.BAD_RESPONSE, reason)


def check_download(url: str, document: Document, config: ProviderConfig) -> None:
    """Refuse a result on another host than the document lists."""
    hosts, host = document.egress.download_hosts, (urlsplit(url).hostname or "").lower()
    if hosts and not same_origin(url, config) and not _matches_any(host, hosts):
        raise CallError(FailureCode.DOWNLOAD_FAILED, DocumentCode.DOCUMENT_HOST_NOT_LISTED(host=host))


def absolute_url(url: str, base: str) -> str:
    try:
        return urljoin(base, url.strip())
    except ValueError as error:
        raise CallError(FailureCode.BAD_RESPONSE, ResponseCode.RESPONSE_ADDRESS_MALFORMED()) from error


def _is_upstream_host(document: Document, api_base: str | None) -> bool:
    upstream, host = (urlsplit(url or "").hostname or "" for url in (document.base_url, api_base))
    return _matches_any(host, document.egress.allow_hosts) or (host == upstream != "")


def _matches_any(host: str, patterns: tuple[str, ...]) -> bool:
    return any(host.endswith(p[1:]) if p.startswith("*.") else host == p for p in patterns)
