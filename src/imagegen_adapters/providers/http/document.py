"""The declarative document of a JSON provider, as values; `parsing` reads one and reports its mistakes.

Every field is described, with its default, in ``docs/reference/provider-documents.md``.
"""

import datetime as dt
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import attrs

from imagegen_adapters.providers.http.expressions import Expression
from imagegen_adapters.providers.http.templates import Template
from imagegen_adapters.providers.masks import MaskPolarity
from imagegen_core.limits import (
    MAX_NUM,
    MAX_PARTIAL_IMAGES,
    MAX_PROMPT_CHARS,
    MAX_REFERENCES,
    MAX_SIDE_PIXELS,
)
from imagegen_core.operations import Operation
from imagegen_core.providers.capabilities import Lifecycle
from imagegen_core.providers.form_fields import Group, Label
from imagegen_core.providers.prices import Price, TokenKind
from imagegen_core.providers.sources import Source

_OPERATION_NAMES = frozenset(Operation)


class AuthType(StrEnum):
    """Where the key is sent."""

    NONE = "none"
    BEARER = "bearer"
    HEADER = "header"
    QUERY = "query"
    BASIC = "basic"
    SIGNER = "signer"


@attrs.frozen(kw_only=True)
class Auth:
    """How a request is authenticated."""

    type: AuthType = AuthType.BEARER
    optional: bool = False
    header: str = "Authorization"
    prefix: str = ""
    param: str = "key"
    username: str | None = None
    signer: str | None = None
    options: Mapping[str, str] = attrs.field(factory=dict)


class BodyType(StrEnum):
    """The encoding of a body."""

    JSON = "json"
    FORM = "form"
    MULTIPART = "multipart"
    NONE = "none"


@attrs.frozen(kw_only=True)
class BodySpec:
    """A request's body. ``extras`` is the dotted path inside it for undeclared parameters."""

    type: BodyType = BodyType.JSON
    template: Template | None = None
    force_multipart: bool = False
    extras: str = ""


@attrs.frozen(kw_only=True)
class RequestSpec:
    """One HTTP request: a ``path`` below the base URL, or a whole ``url`` from an earlier response."""

    method: str = "POST"
    path: Template | None = None
    url: Template | None = None
    query: Mapping[str, Template] = attrs.field(factory=dict)
    headers: Mapping[str, Template] = attrs.field(factory=dict)
    body: BodySpec = BodySpec(type=BodyType.NONE)

    @property
    def templates(self) -> tuple[Template, ...]:
        """All templates of the request."""
        single = (self.path, self.url, self.body.template)
        return (*(t for t in single if t is not None), *self.query.values(), *self.headers.values())


@attrs.frozen(kw_only=True)
class TaskSpec:
    """Where a submit's response identifies the job."""

    id: Expression
    poll_url: Expression | None = None
    result_url: Expression | None = None
    cancel_url: Expression | None = None
    done_if: Expression | None = None


@attrs.frozen(kw_only=True)
class StatusSpec:
    """How a job's state is read: ``source`` is an expression, or ``http`` for the status code."""

    source: str
    pending: tuple[str, ...] = ()
    succeeded: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    blocked: tuple[str, ...] = ()
    cancelled: tuple[str, ...] = ()
    expired: tuple[str, ...] = ()

    @property
    def expression(self) -> Expression | None:
        """The compiled source; None when it is the HTTP status."""
        return None if self.source == "http" else Expression.parse(self.source)


@attrs.frozen(kw_only=True)
class ErrorPaths:
    """Where a response contains the provider's code and message."""

    code: Expression | None = None
    message: Expression | None = None


@attrs.frozen(kw_only=True)
class PollSpec:
    """How to poll a job, and how often; times are in seconds."""

    request: RequestSpec
    status: StatusSpec
    first_after_s: float = 1.0
    interval_s: float = 2.0
    backoff: float = 1.5
    interval_max_s: float = 10.0
    deadline_s: float = 600.0
    fail_if: Expression | None = None
    failure: ErrorPaths = ErrorPaths()
    progress: Expression | None = None


@attrs.frozen(kw_only=True)
class RawSpec:
    """The whole body is one image if its type matches; ``meta_headers`` become metadata."""

    content_types: tuple[str, ...] = ("image/*",)
    meta_headers: Mapping[str, str] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class ImageRule:
    """One way to find images; the first rule that selects anything counts."""

    select: Expression
    url: Expression | None = None
    base64: Expression | None = None
    data_uri: Expression | None = None
    auto: Expression | None = None
    url_template: str | None = None
    send_auth: bool = False
    mime: Expression | None = None
    width: Expression | None = None
    height: Expression | None = None
    seed: Expression | None = None
    revised_prompt: Expression | None = None
    zip: Mapping[str, Expression] = attrs.field(factory=dict)
    blocked_if: Expression | None = None
    item_error: ErrorPaths | None = None


@attrs.frozen(kw_only=True)
class UsageSpec:
    """Where a response says what the call was charged for.

    ``amount`` counts units that are worth ``unit`` of ``currency``, such as credits; ``tokens`` are by kind.
    """

    amount: Expression | None = None
    currency: str | None = None
    unit: float = 1.0
    tokens: Mapping[TokenKind, Expression] = attrs.field(factory=dict)

    @property
    def expressions(self) -> tuple[Expression, ...]:
        """All expressions of it."""
        return (*(() if self.amount is None else (self.amount,)), *self.tokens.values())


@attrs.frozen(kw_only=True)
class ResponseSpec:
    """How images are found in a response, and what it says that they cost."""

    images: tuple[ImageRule, ...] = ()
    raw: RawSpec | None = None
    fail_if: Expression | None = None
    blocked_if: Expression | None = None
    meta: Mapping[str, Expression] = attrs.field(factory=dict)
    usage: UsageSpec | None = None


@attrs.frozen(kw_only=True)
class PartialSpec:
    """The names of events with a partial image, and where in their data it and its number are."""

    events: tuple[str, ...]
    base64: Expression
    index: Expression | None = None


@attrs.frozen(kw_only=True)
class StreamSpec:
    """How a response of server-sent events is read, which the number in ``parameter`` asks for if above 0.

    The data of an event in ``completed`` is read by the `ResponseSpec`; one in ``failed`` is an error.
    """

    parameter: str
    partial: PartialSpec
    max: int = MAX_PARTIAL_IMAGES
    completed: tuple[str, ...]
    failed: tuple[str, ...] = ("error",)


@attrs.frozen(kw_only=True)
class MaskSpec:
    """How the provider expects a mask."""

    polarity: MaskPolarity = MaskPolarity.WHITE_IS_EDIT


@attrs.frozen(kw_only=True, eq=False)
class OperationSpec:
    """One paid call, and the requests that belong to it. ``warning`` is reported with its images.

    Like its document, it is equal only to itself.
    """

    request: RequestSpec
    response: ResponseSpec
    implements: tuple[Operation, ...] = ()
    mask: MaskSpec = MaskSpec()
    stream: StreamSpec | None = None
    task: TaskSpec | None = None
    poll: PollSpec | None = None
    result: RequestSpec | None = None
    cancel: RequestSpec | None = None
    warning: str | None = None


class ErrorClass(StrEnum):
    """What an error response means; `classification` defines the consequences of each."""

    BLOCKED = "blocked"
    QUOTA = "quota"
    AUTH = "auth"
    INVALID = "invalid"
    RATE_LIMITED = "rate_limited"
    TRANSIENT = "transient"
    NOT_FOUND = "not_found"
    NOT_ADMITTED = "not_admitted"


@attrs.frozen(kw_only=True)
class ClassifyRule:
    """``codes`` are exact or globs; ``status`` are numbers or ``5xx``. Either may be omitted, not both."""

    as_: ErrorClass
    codes: tuple[str, ...] = ()
    status: tuple[str, ...] = ()
    cooldown_s: float | None = None


@attrs.frozen(kw_only=True)
class RetryAfterRule:
    """Where a response says how long to wait: a header, or text of the body with the number in group 1."""

    header: str | None = None
    jmespath: Expression | None = None
    regex: str = r"(\d+(?:\.\d+)?)"


@attrs.frozen(kw_only=True)
class ErrorSpec:
    """How the provider's errors are read."""

    code: Expression | None = None
    message: Expression | None = None
    request_id: Expression | None = None
    retry_after: tuple[RetryAfterRule, ...] = (
        RetryAfterRule(header="retry-after-ms"),
        RetryAfterRule(header="retry-after"),
    )
    classify: tuple[ClassifyRule, ...] = ()


class SizeKind(StrEnum):
    """How a model expects the size."""

    WXH = "wxh"
    ASPECT_RATIO = "aspect_ratio"
    ENUM = "enum"
    TIER = "tier"
    FIXED = "fixed"


@attrs.frozen(kw_only=True)
class SizeSpec:
    """The sizes of a model; lengths are pixels, ``min_pixels`` and ``max_pixels`` areas.

    ``ratios`` are the shapes of a model whose ``values`` are tiers.
    """

    kind: SizeKind = SizeKind.WXH
    separator: str = "x"
    multiple_of: int = 1
    min: int = 1
    max: int = MAX_SIDE_PIXELS
    min_pixels: int = 1
    max_pixels: int = MAX_SIDE_PIXELS * MAX_SIDE_PIXELS
    ratio: tuple[float, float] | None = None
    values: tuple[str, ...] = ()
    ratios: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    map: Mapping[str, str] = attrs.field(factory=dict)
    default: str | None = None


@attrs.frozen(kw_only=True)
class ParamSpec:
    """One parameter of a model; ``default`` is sent if the caller omits it.

    What a form says of it (``label``, ``group``, ``unit``, ``description``, and ``choices`` as labels of its
    values) is that of a known parameter of its name, as far as nothing else is given here.
    """

    type: str = "string"
    enum: tuple[Any, ...] = ()
    min: float | None = None
    max: float | None = None
    multiple_of: int | None = None
    default: Any = None
    label: Label | None = None
    group: Group | None = None
    unit: Label | None = None
    description: Label | None = None
    choices: Mapping[str, Label] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class Limits:
    """What a model accepts.

    For each image but the mask: ``ref_mimes`` (empty: all), ``ref_bytes_max``, ``min_px`` and
    ``max_px`` (width times height), ``side_min`` and ``side_max`` (each of them), ``ratio`` (width by height,
    lowest and highest). For all together: ``total_bytes_max``. Bytes are counted before any encoding.
    """

    prompt_chars: int = MAX_PROMPT_CHARS
    n_max: int = MAX_NUM
    refs_max: int = MAX_REFERENCES
    ref_mimes: tuple[str, ...] = ()
    ref_bytes_max: int | None = None
    total_bytes_max: int | None = None
    min_px: int | None = None
    max_px: int | None = None
    side_min: int | None = None
    side_max: int | None = None
    ratio: tuple[float, float] | None = None


@attrs.frozen(kw_only=True)
class ModelSpec:
    """A model: what it can do, by which operation, within which limits, until when and for how much.

    ``size_for`` are the sizes of operations that have others than ``size``. ``refuses`` names parameters that
    the operation's request has and this model does not take. ``sources`` are those of this model, beside the
    document's.
    """

    id: str
    name: str = ""
    default: bool = False
    remote_id: str = ""
    vars: Mapping[str, Any] = attrs.field(factory=dict)
    capabilities: tuple[Operation, ...] = (Operation.GENERATE,)
    operation: Mapping[Operation, str] = attrs.field(factory=dict)
    limits: Limits = Limits()
    size: SizeSpec | None = None
    size_for: Mapping[Operation, SizeSpec] = attrs.field(factory=dict)
    params: Mapping[str, ParamSpec] = attrs.field(factory=dict)
    refuses: tuple[str, ...] = ()
    extras: str | None = None
    retires: dt.date | None = None
    replaced_by: str | None = None
    price: Price | None = None
    sources: tuple[Source, ...] = ()

    @property
    def lifecycle(self) -> Lifecycle:
        """How long it lives."""
        return Lifecycle(retires=self.retires, replaced_by=self.replaced_by)

    def size_of(self, operation: Operation) -> SizeSpec | None:
        """Return the sizes that the model makes by an operation."""
        return self.size_for.get(operation, self.size)


@attrs.frozen(kw_only=True)
class EgressSpec:
    """Where responses may send us: to ``allow_hosts`` with the key, to ``download_hosts`` without it."""

    allow_hosts: tuple[str, ...] = ()
    download_hosts: tuple[str, ...] = ()
    max_json_bytes: int = 67_108_864


@attrs.frozen(kw_only=True)
class DownloadSpec:
    """How result files are downloaded."""

    headers: Mapping[str, str] = attrs.field(factory=dict)
    timeout_s: float = 120.0


@attrs.frozen(kw_only=True)
class HealthSpec:
    """A cheap, unpaid request that shows whether address and key work."""

    request: RequestSpec
    ok_if: Expression | None = None


@attrs.frozen(kw_only=True, eq=False)
class Document:
    """A whole provider. ``n_strategy`` None means native if a template mentions ``n``, otherwise fan-out.

    Unless it is ``billed``, a model without a price costs nothing.

    ``form`` names the parameters that a form shows, in its order; empty for all.
    A document is parsed once and then shared, so it is equal only to itself.
    """

    schema: int
    id: str
    operations: Mapping[str, OperationSpec]
    models: tuple[ModelSpec, ...] = ()
    form: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ()
    name: str = ""
    base_url: str | None = None
    auth: Auth = Auth()
    headers: Mapping[str, Template] = attrs.field(factory=dict)
    vars: Mapping[str, Template] = attrs.field(factory=dict)
    concurrency: int | None = None
    billed: bool = True
    n_strategy: str | None = None
    extras: str = "pass"
    egress: EgressSpec = EgressSpec()
    errors: ErrorSpec = ErrorSpec()
    download: DownloadSpec = DownloadSpec()
    health: HealthSpec | None = None

    def operation_for(self, operation: Operation, model: ModelSpec) -> OperationSpec | None:
        """Return the call that serves ``operation``: the one the model names, else the first that does."""
        named = model.operation.get(operation)
        if named is not None:
            return self.operations.get(named)
        serving = (spec for name, spec in self.operations.items() if operation in implemented(name, spec))
        return next(serving, None)


def implemented(name: str, spec: OperationSpec) -> tuple[Operation, ...]:
    """Return the operations that a call serves: those it declares, else the one that it is named after."""
    if spec.implements:
        return spec.implements
    return (Operation(name),) if name in _OPERATION_NAMES else ()
