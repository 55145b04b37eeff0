"""A provider's configuration: its checks, its addresses, and its three layers, combined field by field."""

import ipaddress
import math
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from functools import partial
from types import MappingProxyType
from typing import Any, Self
from urllib.parse import unquote, urlsplit

import attrs

from imagegen_core import limits
from imagegen_core.errors import ValidationFailed, check_name, check_text, text_problems, unknown_key
from imagegen_core.messages import JsonType, Message, Problem, ProblemCode
from imagegen_core.requests import Operation
from imagegen_core.secrets import MASK, Secret
from imagegen_core.values import frozen_mapping

WEB_PORTS: Mapping[str, int] = MappingProxyType({"http": 80, "https": 443})
"""Supported schemes and their default ports."""

_FORBIDDEN_CHARS = re.compile(r"[\s\\\x00-\x1f\x7f]")
_HOST_AND_PORT = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s:/@\[\]]+):([0-9]{1,5})")


def check_api_base(text: str, field: str = "api_base") -> str:
    """Return an http(s) address without a trailing slash: a host, maybe a path, nothing else."""
    address = check_url(text, field)
    if "?" in address or "#" in address:
        raise ValidationFailed.for_field(field, ProblemCode.URL_WITH_QUERY())
    return address.rstrip("/")


def check_url(text: str, field: str) -> str:
    """Return an http(s) URL without credentials, stripped."""
    address = text.strip()
    refused = partial(ValidationFailed.for_field, field)
    if len(address) > limits.MAX_API_BASE_CHARS:
        raise refused(ProblemCode.TOO_LONG(maximum=limits.MAX_API_BASE_CHARS))
    if _FORBIDDEN_CHARS.search(address):
        raise refused(ProblemCode.URL_WITH_SPACE())
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError as error:
        raise refused(ProblemCode.NOT_A_URL()) from error
    if parts.scheme not in WEB_PORTS:
        raise refused(ProblemCode.NOT_HTTP())
    if "@" in parts.netloc:
        raise refused(ProblemCode.URL_WITH_CREDENTIALS())
    if not parts.hostname or port == 0:
        raise refused(ProblemCode.URL_WITHOUT_HOST())
    check_text(field, address, minimum=1, maximum=limits.MAX_API_BASE_CHARS)
    return address


@attrs.frozen(kw_only=True)
class Origin:
    """An address's origin; the host is lower-case, without trailing dot or brackets."""

    scheme: str
    host: str
    port: int

    @classmethod
    def from_parts(cls, scheme: str, host: str, port: int | None) -> Self:
        return cls(scheme=scheme, host=host.lower().rstrip("."), port=port or WEB_PORTS.get(scheme, 0))

    @classmethod
    def parse(cls, url: str) -> Self:
        """Return the origin of a URL; `ValueError` if its port or brackets are invalid."""
        parts = urlsplit(url)
        return cls.from_parts(parts.scheme, parts.hostname or "", parts.port)

    def __str__(self) -> str:
        """Return ``scheme://host:port`` with an explicit port; a key is bound to it."""
        return f"{self._without_port}:{self.port}"

    @property
    def shortest(self) -> str:
        """``scheme://host[:port]`` as browsers write it, without the default port."""
        return self._without_port if self.port == WEB_PORTS.get(self.scheme) else str(self)

    @property
    def _without_port(self) -> str:
        return f"{self.scheme}://{f'[{self.host}]' if ':' in self.host else self.host}"


@attrs.frozen(kw_only=True)
class Proxy:
    """A provider's proxy; ``user`` and ``password`` may be empty."""

    origin: Origin
    user: str = attrs.field(default="", repr=False)
    password: str = attrs.field(default="", repr=False)

    @classmethod
    def parse(cls, text: object, field: str = "extra_config.proxy") -> Self:
        """Return the proxy at an address; no error quotes the text, which may contain a password."""
        if not isinstance(text, str) or not text.startswith(("http://", "https://")):
            raise ValidationFailed.for_field(field, ProblemCode.NOT_HTTP())
        try:
            parts = urlsplit(text)
            is_usable = text.isprintable() and bool(parts.hostname) and parts.port != 0
        except ValueError:
            is_usable = False
        if not is_usable or _FORBIDDEN_CHARS.search(parts.hostname or ""):
            raise ValidationFailed.for_field(field, ProblemCode.NOT_A_URL())
        return cls(
            origin=Origin.from_parts(parts.scheme, parts.hostname or "", parts.port),
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
        )


def origin(url: str) -> str:
    """Return ``scheme://host:port``, lower-case and with an explicit port; a key is bound to it."""
    return str(Origin.parse(url))


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches itself by that address or name."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def parse_host_and_port(text: str) -> tuple[str, int]:
    """Parse ``host:port``; an IPv6 host keeps its brackets."""
    match = _HOST_AND_PORT.fullmatch(text.strip())
    if match is None or not 0 < int(match[2]) <= limits.MAX_PORT:
        raise ValueError(f"{text!r} is not host:port")
    return match[1], int(match[2])


IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

_PRIVATE_NETWORKS = tuple(
    map(ipaddress.ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"))
)


def parse_receiver(text: str) -> tuple[str, int] | IpNetwork:
    """Parse who may get webhooks without being public: ``host:port``, or a private network."""
    if "/" not in text:
        return parse_host_and_port(text)
    network = ipaddress.ip_network(text.strip())
    for private in _PRIVATE_NETWORKS:
        if network.version == private.version and network.subnet_of(private):  # type: ignore[arg-type] # equal
            return network
    raise ValueError(f"{text!r} is no private network")


PROVIDER_NAME_PATTERN = f"[a-z0-9._-]{{1,{limits.MAX_PROVIDER_NAME_CHARS}}}"

SERVICE_KEYS = ("headers", "proxy", "max_concurrency", "on_unknown", "prices")
"""Keys of ``extra_config`` that mean the same for every kind."""

SERVICE_HEADERS = frozenset({"host", "content-length", "transfer-encoding", "connection"})
"""Headers that no configuration sets: a ``Host`` could divert a key, the others say where a request ends."""

_NAME = re.compile(PROVIDER_NAME_PATTERN)
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_RESERVED_HEADERS = SERVICE_HEADERS | {"content-type"}
_ON_UNKNOWN = ("fail", "retry")


def check_provider_name(name: str, field: str = "provider_name") -> str:
    """Return the name, which is 1 to 64 of ``a-z 0-9 . _ -``."""
    if not _NAME.fullmatch(name):
        reason = ProblemCode.NOT_A_NAME(maximum=limits.MAX_PROVIDER_NAME_CHARS)
        raise ValidationFailed.for_field(field, reason)
    return name


def check_timeout(seconds: float, field: str = "timeout_seconds") -> None:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        reason = ProblemCode.WRONG_TYPE(types=(JsonType.NUMBER(),))
    elif not math.isfinite(seconds):
        reason = ProblemCode.NOT_FINITE()
    elif seconds <= 0:
        reason = ProblemCode.NOT_ABOVE(limit=0)
    elif seconds > limits.MAX_TIMEOUT_SECONDS:
        reason = ProblemCode.TOO_LARGE(maximum=limits.MAX_TIMEOUT_SECONDS)
    else:
        return
    raise ValidationFailed.for_field(field, reason)


def _check_models(models: "Sequence[ModelEntry]") -> None:
    if len(models) > limits.MAX_MODELS:
        raise ValidationFailed.for_field("models", ProblemCode.TOO_MANY_ITEMS(maximum=limits.MAX_MODELS))
    ids = [model.id for model in models]
    for index, model in enumerate(models):
        path = f"models.{index}"
        check_text(f"{path}.id", model.id, minimum=1, maximum=limits.MAX_MODEL_ID_CHARS)
        check_text(f"{path}.name", model.name, maximum=limits.MAX_MODEL_NAME_CHARS)
        if model.id in ids[:index]:
            raise ValidationFailed.for_field(f"{path}.id", ProblemCode.DUPLICATE())
        if model.default and any(earlier.default for earlier in models[:index]):
            raise ValidationFailed.for_field(f"{path}.default", ProblemCode.SECOND_DEFAULT())


def _check_service_settings(extra: Mapping[str, Any]) -> None:
    headers, proxy = extra.get("headers"), extra.get("proxy")
    if headers is not None and (reason := _headers_problem(headers)):
        raise ValidationFailed.for_field("extra_config.headers", reason)
    if proxy is not None:
        Proxy.parse(proxy)
    if (count := extra.get("max_concurrency")) is not None:
        field = "extra_config.max_concurrency"
        ValidationFailed.check_integer(field, count, minimum=1, maximum=limits.MAX_CONCURRENCY)
    if extra.get("on_unknown") not in (None, *_ON_UNKNOWN):
        reason = ProblemCode.NOT_ONE_OF(choices=_ON_UNKNOWN)
        raise ValidationFailed.for_field("extra_config.on_unknown", reason)
    if "prices" in extra:
        from imagegen_core.facts import prices_of  # few have any, and each command loads this

        prices_of(extra)


def _headers_problem(headers: Any) -> Message | None:
    if not isinstance(headers, Mapping) or not all(isinstance(text, str) for text in headers.values()):
        return ProblemCode.NOT_STRINGS()
    for name, text in headers.items():
        if not _HEADER_NAME.fullmatch(name) or name.lower() in _RESERVED_HEADERS:
            return ProblemCode.HEADER_NOT_SETTABLE(name=name)
        if not (text.isascii() and text.isprintable()):
            return ProblemCode.HEADER_NOT_PRINTABLE(name=name)
    return None


_CHECKS: Mapping[str, Callable[[Any], object]] = {
    "provider_name": check_provider_name,
    "kind": lambda kind: check_text("kind", kind, minimum=1, maximum=limits.MAX_KIND_CHARS),
    "display_name": lambda name: check_name(
        "display_name", name, minimum=0, maximum=limits.MAX_DISPLAY_NAME_CHARS
    ),
    "api_base": lambda base: base and check_api_base(base),
    "api_key": Secret.check,
    "models": _check_models,
    "timeout_seconds": check_timeout,
    "max_retries": lambda count: ValidationFailed.check_integer(
        "max_retries", count, minimum=0, maximum=limits.MAX_RETRIES
    ),
    "extra_config": _check_service_settings,
}
"""Checks by field."""

_EXCLUSIVE = ("preset", "spec")
"""Keys of ``extra_config``: one of them in an upper layer drops the other from a lower layer."""

PROVIDER_FIELDS = (
    *("kind", "display_name", "api_base", "api_key", "models", "enabled"),
    *("timeout_seconds", "max_retries", "extra_config"),
)
"""The fields that can be configured."""

MASKED_SETTINGS = ("credentials_file",)
"""Keys of ``extra_config`` with paths of this machine, which only ``config.yaml`` may set."""

_SECRET_WORDS = ("auth", "key", "token", "secret", "cookie", "password", "credential")


class ConfigSource(StrEnum):
    """Where a configuration came from, strongest first."""

    REQUEST = "request"
    DATABASE = "database"
    FILE = "file"


@attrs.frozen(kw_only=True)
class ModelEntry:
    """A configured model; ``capabilities`` None means: from the catalogue."""

    id: str
    name: str = ""
    default: bool = False
    capabilities: tuple[Operation, ...] | None = None


@attrs.frozen(kw_only=True)
class ProviderConfig:
    """One layer of a provider's configuration, or several combined; None means "not said here".

    It is checked when made, unless ``is_unchecked``: from checked layers, or stored by an earlier version and
    still to be shown. ``key_origin`` is what a saved key was given for. With ``is_sent`` it only finishes a
    paid call, and was checked by the version that sent it.
    """

    provider_name: str
    source: ConfigSource
    kind: str | None = None
    display_name: str | None = None
    api_base: str | None = None
    api_key: Secret | None = None
    models: tuple[ModelEntry, ...] | None = None
    enabled: bool | None = None
    timeout_seconds: float | None = None
    max_retries: int | None = None
    extra_config: Mapping[str, Any] = attrs.field(
        factory=dict, converter=frozen_mapping, repr=lambda extra: repr(masked_extra(extra))
    )
    created_at: datetime | None = None
    updated_at: datetime | None = None
    key_origin: str | None = attrs.field(default=None, eq=False)
    is_unchecked: bool = attrs.field(default=False, eq=False, repr=False)
    is_sent: bool = attrs.field(default=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        if not self.is_unchecked:
            self.check()
            if self.api_base:
                object.__setattr__(self, "api_base", check_api_base(self.api_base))
            check_texts({name: getattr(self, name) for name in ("display_name", "models", "extra_config")})

    def check(self) -> None:
        """Check every field by itself; `ProviderKinds.check` checks what only adapters know."""
        for name, check in _CHECKS.items():
            if (value := getattr(self, name)) is not None:
                check(value)

    @property
    def timeout(self) -> float:
        """Seconds that one call may take."""
        return limits.DEFAULT_TIMEOUT_SECONDS if self.timeout_seconds is None else self.timeout_seconds

    @property
    def retries(self) -> int:
        """How often a call that started nothing is sent again."""
        return limits.DEFAULT_MAX_RETRIES if self.max_retries is None else self.max_retries

    @property
    def is_enabled(self) -> bool:
        """True unless somebody switched it off."""
        return self.enabled is not False

    def changes(self, below: "ProviderConfig") -> bool:
        """Return whether anything said here differs from what holds without it."""
        effective = attrs.evolve(below, timeout_seconds=below.timeout, max_retries=below.retries)
        changed = attrs.evolve(effective, **_set_fields(self), extra_config=_merged(self, effective))
        return changed != effective


def check_texts(fields: Mapping[str, Any]) -> None:
    """Refuse text that no database can store, in fields of `ProviderConfig` by name."""
    plain = dict(fields)
    if models := plain.get("models"):
        plain["models"] = [attrs.asdict(model) for model in models]
    if problems := [Problem(field=field, reason=reason) for field, reason in text_problems(plain)]:
        raise ValidationFailed(*problems)


def is_secret_header(name: str) -> bool:
    """Return whether a header is treated as a secret: masked, and bound to its origin."""
    return any(word in name.lower() for word in _SECRET_WORDS)


def masked_extra(extra: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``extra_config`` with secret headers, the proxy's password and `MASKED_SETTINGS` masked."""
    masked = dict(extra)
    for name in MASKED_SETTINGS:
        if masked.get(name) is not None:
            masked[name] = MASK
    if isinstance(headers := masked.get("headers"), dict):
        masked["headers"] = {name: MASK if is_secret_header(name) else text for name, text in headers.items()}
    proxy = masked.get("proxy")
    if isinstance(proxy, str) and "@" in proxy:
        scheme, _, rest = proxy.partition("://")
        masked["proxy"] = f"{scheme}://{MASK}@{rest.rpartition('@')[2]}"
    return masked


def without_secret_headers(config: ProviderConfig, *, but: Collection[str] = ()) -> ProviderConfig:
    """Return the configuration without its secret headers, except those named in ``but``."""
    headers = config.extra_config.get("headers")
    if not headers:
        return config
    public = {name: text for name, text in headers.items() if name in but or not is_secret_header(name)}
    return attrs.evolve(config, extra_config={**config.extra_config, "headers": public})


def split_secrets(extra: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Split ``extra_config`` into what anybody may read and its secrets: headers, and a proxy with a user."""
    public, secret = dict(extra), {}
    headers = extra.get("headers")
    if isinstance(headers, Mapping) and any(map(is_secret_header, headers)):
        public["headers"] = {name: text for name, text in headers.items() if not is_secret_header(name)}
        secret["headers"] = {name: text for name, text in headers.items() if is_secret_header(name)}
    if "@" in str(extra.get("proxy")):
        secret["proxy"] = public.pop("proxy")
    return public, secret


def with_secrets(public: Mapping[str, Any], secret: Mapping[str, Any]) -> dict[str, Any]:
    """Join what `split_secrets` split."""
    extra = {**public, **secret}
    if "headers" in secret:
        extra["headers"] = {**public.get("headers", {}), **secret["headers"]}
    return extra


def combine(layers: Sequence[ProviderConfig]) -> ProviderConfig:
    """Return the layers, strongest first and at least one, as one configuration.

    The strongest layer that says a field decides it; ``extra_config`` is merged key by key.
    """
    combined = attrs.evolve(layers[-1], is_unchecked=True)
    for layer in reversed(layers[:-1]):
        combined = attrs.evolve(combined, **_set_fields(layer), extra_config=_merged(layer, combined))
    return attrs.evolve(combined, source=layers[0].source)


def _set_fields(layer: ProviderConfig) -> dict[str, Any]:
    names = {*PROVIDER_FIELDS, "created_at", "updated_at"} - {"extra_config"}
    return {name: value for name in names if (value := getattr(layer, name)) is not None}


def _merged(upper: ProviderConfig, lower: ProviderConfig) -> dict[str, Any]:
    replaced = _EXCLUSIVE if any(name in upper.extra_config for name in _EXCLUSIVE) else ()
    below = {name: value for name, value in lower.extra_config.items() if name not in replaced}
    return {**below, **upper.extra_config}


def unknown_extra_keys(extra: Mapping[str, Any], known_keys: Collection[str]) -> tuple[Problem, ...]:
    """Return a problem for each key of ``extra_config`` that neither the kind nor the service knows."""
    known_keys = {*known_keys, *SERVICE_KEYS}
    unknown = (name for name in extra if name not in known_keys)
    return tuple(
        Problem(field=f"extra_config.{name}", reason=unknown_key(name, known_keys)) for name in unknown
    )
