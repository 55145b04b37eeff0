"""The declarative document of a JSON provider, as values; `reading` makes one and reports its mistakes.

Every field is described, with its default, in ``docs/reference/provider-documents.md``. A field with a
check has its bounds here; `checks` applies them, and has the rules over several fields.
"""

import datetime as dt
import math
import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

import attrs

from imagegen_adapters.providers.common.images import MaskPolarity
from imagegen_adapters.providers.document.expressions import DocumentCode, Expression
from imagegen_adapters.providers.document.templates import Template
from imagegen_core.config import check_api_base, check_timeout
from imagegen_core.errors import ValidationFailed
from imagegen_core.forms import Group, Label
from imagegen_core.limits import (
    MAX_CONCURRENCY,
    MAX_MODELS,
    MAX_NUM,
    MAX_PARTIAL_IMAGES,
    MAX_PROMPT_CHARS,
    MAX_PROVIDER_NAME_CHARS,
    MAX_REFERENCES,
    MAX_SIDE_PIXELS,
    MAX_TIMEOUT_SECONDS,
)
from imagegen_core.messages import Message
from imagegen_core.operations import Operation
from imagegen_core.prices import Price, Source, TokenKind, is_currency
from imagegen_core.problems import ProblemCode, range_problem
from imagegen_core.values import IdentityCache

SCHEMA = 1
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_DAY_SECONDS = 86_400
MAX_FORM_FIELDS = 200
MAX_RETRY_RULES = 20
CHECK = "check"
"""The key of a field's metadata under which its check stands."""

Check = Callable[[Any], Message | None]
"""Returns what is wrong with a value, None if nothing is."""

_MAX_URL_CHARS = 2048
_OPERATION_NAMES = frozenset(Operation)
_MENTIONS: IdentityCache[dict[str, bool]] = IdentityCache()


def _checked(check: Check, default: Any = attrs.NOTHING) -> Any:
    """Return a field with a check, which is skipped for None."""
    return attrs.field(default=default, metadata={CHECK: check})


def _matching(is_valid: Callable[[Any], object], reason: Message) -> Check:
    return lambda value: None if is_valid(value) else reason


def _between(minimum: float, maximum: float) -> Check:
    return lambda value: range_problem(value, minimum=minimum, maximum=maximum)


def _seconds(minimum: float = 0) -> Check:
    reason = DocumentCode.SECONDS_OUT_OF_RANGE(minimum=minimum, maximum=_DAY_SECONDS)
    return _matching(lambda value: minimum <= value <= _DAY_SECONDS, reason)


def _one_of(*choices: str) -> Check:
    return _matching(lambda value: str(value) in choices, ProblemCode.NOT_ONE_OF(choices=choices))


def _at_most(maximum: int) -> Check:
    return _matching(lambda items: len(items) <= maximum, ProblemCode.TOO_MANY_ITEMS(maximum=maximum))


def _accepted_by(check: Callable[[Any, str], object]) -> Check:
    """Return the check that a function of the core is, which raises."""

    def problem(value: Any) -> Message | None:
        try:
            check(value, "")
        except ValidationFailed as error:
            return error.problems[0].reason
        return None

    return problem


_IS_NAME = _matching(NAME.fullmatch, ProblemCode.NOT_A_NAME(maximum=MAX_PROVIDER_NAME_CHARS))
_NAMES_EVENTS = _matching(lambda names: names and all(names), ProblemCode.EMPTY())
_IS_SHORT = _matching(lambda text: len(text) <= _MAX_URL_CHARS, ProblemCode.TOO_LONG(maximum=_MAX_URL_CHARS))
_EXTRAS = _one_of("pass", "refuse")
_IS_TIMEOUT = _matching(
    lambda value: 0 < value <= MAX_TIMEOUT_SECONDS,
    DocumentCode.SECONDS_OUT_OF_RANGE(minimum=0, maximum=MAX_TIMEOUT_SECONDS),
)

# Requests


class AuthType(StrEnum):
    """Where the key is sent."""

    NONE = "none"
    BEARER = "bearer"
    HEADER = "header"
    QUERY = "query"
    BASIC = "basic"
    SIGNER = "signer"
    OAUTH = "oauth_client_credentials"


class ClientAuth(StrEnum):
    """Where a login carries the client's secret."""

    POST = "client_secret_post"
    BASIC = "client_secret_basic"


@attrs.frozen(kw_only=True)
class Auth:
    """How a request is authenticated.

    A login asks ``token_url`` for an access token, with ``scope`` and ``options`` as further fields.
    """

    type: AuthType = AuthType.BEARER
    optional: bool = False
    header: str = "Authorization"
    prefix: str = ""
    param: str = "key"
    username: str | None = None
    signer: str | None = None
    token_url: str | None = None
    scope: str = ""
    client_auth: ClientAuth = ClientAuth.POST
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
        single = (self.path, self.url, self.body.template)
        return (*(t for t in single if t is not None), *self.query.values(), *self.headers.values())


# Errors


@attrs.frozen(kw_only=True)
class ErrorPaths:
    """Where a response contains the provider's code and message."""

    code: Expression | None = None
    message: Expression | None = None


class ErrorClass(StrEnum):
    """What an error response means; `responses.CODES` defines the consequences of each."""

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
    cooldown_s: float | None = _checked(_seconds(), None)


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
    retry_after: tuple[RetryAfterRule, ...] = _checked(
        _at_most(MAX_RETRY_RULES),
        (RetryAfterRule(header="retry-after-ms"), RetryAfterRule(header="retry-after")),
    )
    classify: tuple[ClassifyRule, ...] = ()


# Responses


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
    url_template: str | None = _checked(_IS_SHORT, None)
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
    currency: str | None = _checked(_matching(is_currency, ProblemCode.NOT_A_CURRENCY()), None)
    unit: float = _checked(
        _matching(lambda unit: math.isfinite(unit) and unit > 0, ProblemCode.NOT_ABOVE(limit=0)), 1.0
    )
    tokens: Mapping[TokenKind, Expression] = attrs.field(factory=dict)


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

    events: tuple[str, ...] = _checked(_NAMES_EVENTS)
    base64: Expression
    index: Expression | None = None


@attrs.frozen(kw_only=True)
class StreamSpec:
    """How a response of server-sent events is read, which the number in ``parameter`` asks for if above 0.

    The data of an event in ``completed`` is read by the `ResponseSpec`; one in ``failed`` is an error.
    """

    parameter: str = _checked(
        _matching(re.compile(r"[A-Za-z_]\w{0,63}").fullmatch, DocumentCode.NOT_A_PARAMETER_NAME())
    )
    partial: PartialSpec
    max: int = _checked(_between(1, MAX_PARTIAL_IMAGES), MAX_PARTIAL_IMAGES)
    completed: tuple[str, ...] = _checked(_NAMES_EVENTS)
    failed: tuple[str, ...] = ("error",)


# Operations


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
    succeeded: tuple[str, ...] = _checked(_matching(bool, DocumentCode.NO_STATES()))
    failed: tuple[str, ...] = ()
    blocked: tuple[str, ...] = ()
    cancelled: tuple[str, ...] = ()
    expired: tuple[str, ...] = ()

    @property
    def expression(self) -> Expression | None:
        """The compiled source; None when it is the HTTP status. Raises `Malformed`."""
        return None if self.source == "http" else Expression.parse(self.source)


@attrs.frozen(kw_only=True)
class PollSpec:
    """How to poll a job, and how often; times are in seconds."""

    request: RequestSpec
    status: StatusSpec
    first_after_s: float = _checked(_seconds(), 1.0)
    interval_s: float = _checked(_seconds(0.1), 2.0)
    backoff: float = _checked(_between(1, 10), 1.5)
    interval_max_s: float = _checked(_seconds(0.1), 10.0)
    deadline_s: float = _checked(_seconds(), 600.0)
    fail_if: Expression | None = None
    failure: ErrorPaths = attrs.field(factory=ErrorPaths)
    progress: Expression | None = None


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

    def implemented(self, name: str) -> tuple[Operation, ...]:
        """Return the operations that it serves: those it declares, else the one that it is named after."""
        return self.implements or ((Operation(name),) if name in _OPERATION_NAMES else ())

    def streams(self, params: Mapping[str, Any]) -> bool:
        """Return whether they ask for partial images, which a provider sends of one image a call."""
        number = 0 if self.stream is None else params.get(self.stream.parameter)
        return isinstance(number, int) and number > 0


# Models


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

    type: str = _checked(_one_of("boolean", "integer", "number", "string"), "string")
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
    the operation's request has and this model does not take; ``excludes`` are values of declared parameters
    that it does not take together. ``sources`` are those of this model, beside the document's.
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
    excludes: tuple[Mapping[str, Any], ...] = ()
    extras: str | None = _checked(_EXTRAS, None)
    retires: dt.date | None = None
    replaced_by: str | None = None
    price: Price | None = None
    sources: tuple[Source, ...] = ()

    def size_of(self, operation: Operation) -> SizeSpec | None:
        """Return the sizes that the model makes by an operation."""
        return self.size_for.get(operation, self.size)


_NOT_OF_ITS_KIND = ("id", "name", "default", "remote_id", "retires", "replaced_by", "price", "sources")
"""What a model shares with no other one."""

# The document


@attrs.frozen(kw_only=True)
class EgressSpec:
    """Where responses may send us: to ``allow_hosts`` with the key, to ``download_hosts`` without it."""

    allow_hosts: tuple[str, ...] = ()
    download_hosts: tuple[str, ...] = ()
    max_json_bytes: int = _checked(_between(1, 268_435_456), 67_108_864)


@attrs.frozen(kw_only=True)
class DownloadSpec:
    """How result files are downloaded."""

    headers: Mapping[str, str] = attrs.field(factory=dict)
    timeout_s: float = _checked(_IS_TIMEOUT, 120.0)


@attrs.frozen(kw_only=True)
class HealthSpec:
    """A cheap, unpaid request that shows whether address and key work."""

    request: RequestSpec
    ok_if: Expression | None = None


@attrs.frozen(kw_only=True, eq=False)
class Document:
    """A whole provider. ``n_strategy`` None means native if a template mentions ``n``, otherwise fan-out.

    Unless it is ``billed``, a model without a price costs nothing. ``timeout_s`` is for one call, where the
    configuration says nothing.

    ``form`` names the parameters that a form shows, in its order; empty for all.
    A document is parsed once and then shared, so it is equal only to itself.
    """

    schema: int = _checked(_one_of(str(SCHEMA)))
    id: str = _checked(_IS_NAME)
    operations: Mapping[str, OperationSpec] = _checked(_at_most(50))
    models: tuple[ModelSpec, ...] = _checked(_at_most(MAX_MODELS), ())
    form: tuple[str, ...] = _checked(_at_most(MAX_FORM_FIELDS), ())
    sources: tuple[Source, ...] = ()
    name: str = ""
    base_url: str | None = _checked(_accepted_by(check_api_base), None)
    auth: Auth = attrs.field(factory=Auth)
    headers: Mapping[str, Template] = attrs.field(factory=dict)
    vars: Mapping[str, Template] = attrs.field(factory=dict)
    concurrency: int | None = _checked(_between(1, MAX_CONCURRENCY), None)
    timeout_s: float | None = _checked(_accepted_by(check_timeout), None)
    billed: bool = True
    n_strategy: str | None = _checked(_one_of("native", "fan_out"), None)
    extras: str = _checked(_EXTRAS, "pass")
    egress: EgressSpec = EgressSpec()
    errors: ErrorSpec = attrs.field(factory=ErrorSpec)
    download: DownloadSpec = DownloadSpec()
    health: HealthSpec | None = None

    def model(self, model_id: str) -> ModelSpec:
        """Return a model; for an unknown id, the first one under that id, without life and price.

        A document without models accepts any id, with everything that its operations can do.
        """
        listed = next((model for model in self.models if model.id == model_id), None)
        if listed is not None:
            return listed
        unknown = ModelSpec(id=model_id)
        if self.models:
            changes = {name: getattr(unknown, name) for name in _NOT_OF_ITS_KIND}
            return attrs.evolve(self.models[0], **changes)
        possible = tuple(o for o in Operation if self.operation_for(o, unknown) is not None)
        return attrs.evolve(unknown, capabilities=possible)

    def operation_for(self, operation: Operation, model: ModelSpec) -> OperationSpec | None:
        """Return the call that serves ``operation``: the one the model names, else the first that does."""
        named = model.operation.get(operation)
        if named is not None:
            return self.operations.get(named)
        serving = (spec for name, spec in self.operations.items() if operation in spec.implemented(name))
        return next(serving, None)

    def mentions(self, operation: OperationSpec, name: str) -> bool:
        """Return whether the operation's paid request uses a parameter, by its name or as ``params.name``."""
        names = _MENTIONS.result_for((self, operation), dict)
        if name not in names:
            templates = [*operation.request.templates, *self.headers.values()]
            if any(t.mentions("vars") for t in templates):
                templates += self.vars.values()
            names[name] = any(t.mentions(name) or t.mentions(f"params.{name}") for t in templates)
        return names[name]

    def fans_out(self, operation: OperationSpec) -> bool:
        """Return whether several images take several calls: if declared, or if no template mentions ``n``."""
        if self.n_strategy is not None:
            return self.n_strategy == "fan_out"
        return not self.mentions(operation, "n")

    def passes_extras(self, model: ModelSpec) -> bool:
        """Return whether undeclared parameters are passed to the provider."""
        return (model.extras or self.extras) == "pass"
