"""The settings: ``config.yaml``, overridden by the environment; each error is one line that names the key."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from imagegen_core.errors import ValidationFailed
from imagegen_core.limits import (
    DEFAULT_PROVIDER,
    DEFAULT_QUEUE_SIZE,
    DEFAULT_SHUTDOWN_GRACE_SECONDS,
    DEFAULT_WORKERS,
    MAX_PORT,
    MAX_QUEUE_SIZE,
    MAX_WORKERS,
)
from imagegen_core.messages import Language, Message
from imagegen_core.problems import Problem, ProblemCode, RefusalCode, range_problem
from imagegen_core.providers.addresses import parse_host_and_port
from imagegen_core.providers.config import ProviderConfig
from imagegen_core.providers.config_checks import check_provider_name
from imagegen_http.guard.forwarding import parse_network, parse_origin
from imagegen_http.guard.hosts import AllowedHosts
from imagegen_http.settings.messages import SettingCode

_MAX_PRODUCER_CHARS = 1000


class SettingsError(Exception):
    """The configuration cannot be used; ``reason`` is one line that names the key, variable or file."""

    def __init__(self, key: str, reason: Message) -> None:
        self.reason = RefusalCode.PROBLEM(field=key, reason=reason)
        super().__init__(self.reason.text(Language.EN))

    @classmethod
    def from_problem(cls, problem: Problem, below: str = "") -> "SettingsError":
        """Return the same of a problem, whose field stands ``below`` a key."""
        return cls(f"{below}.{problem.field}" if below else problem.field, problem.reason)


class InvalidValue(ValueError):
    """A value that cannot be used; ``field`` is its key within its section, where that is known."""

    def __init__(self, reason: Message, field: str | None = None) -> None:
        super().__init__(str(reason))
        self.reason = reason
        self.field = field


def _within(minimum: float | None = None, maximum: float | None = None) -> Any:
    """Return a validator of numbers; attrs' own describe the mistake in a sentence."""

    def check(_: object, field: "attrs.Attribute[Any]", value: float) -> None:
        if reason := range_problem(value, minimum=minimum, maximum=maximum):
            raise InvalidValue(reason, field.name)

    return check


def _one_of(*choices: str) -> Any:
    def check(_: object, field: "attrs.Attribute[Any]", value: str) -> None:
        if value not in choices:
            raise InvalidValue(ProblemCode.NOT_ONE_OF(choices=choices), field.name)

    return check


def _positive(_: object, field: "attrs.Attribute[Any]", value: float) -> None:
    if value <= 0:
        raise InvalidValue(ProblemCode.NOT_ABOVE(limit=0), field.name)


def _producer(_: object, field: "attrs.Attribute[Any]", value: str) -> None:
    if len(value) > _MAX_PRODUCER_CHARS:
        raise InvalidValue(ProblemCode.TOO_LONG(maximum=_MAX_PRODUCER_CHARS), field.name)


def _token(_: object, field: "attrs.Attribute[Any]", value: str | None) -> None:
    if value and value != value.strip():
        raise InvalidValue(SettingCode.SPACES_AROUND(), field.name)


def _hosts(_: object, field: "attrs.Attribute[Any]", value: tuple[str, ...]) -> None:
    for name in value:
        try:
            AllowedHosts(bind_host="127.0.0.1", names=(name,))
        except ValueError as error:
            raise InvalidValue(SettingCode.NOT_A_HOST(value=name), field.name) from error


def _public_url(_: object, field: "attrs.Attribute[Any]", value: str | None) -> None:
    if value is not None:
        try:
            parse_origin(value)
        except ValueError as error:
            raise InvalidValue(SettingCode.NOT_A_PUBLIC_URL(), field.name) from error


def _networks(_: object, field: "attrs.Attribute[Any]", value: tuple[str, ...]) -> None:
    for text in value:
        try:
            parse_network(text)
        except ValueError as error:
            raise InvalidValue(SettingCode.NOT_A_NETWORK(value=text), field.name) from error


@attrs.frozen(kw_only=True)
class ServerSettings:
    """Where the service listens. ``max_upload_mb`` (MiB) limits the bodies that carry images.

    ``public_url`` is ``scheme://host[:port]`` as seen from outside; ``trusted_proxies`` are the addresses and
    networks whose ``X-Forwarded-Proto`` is trusted.
    """

    host: str = "127.0.0.1"
    port: int = attrs.field(default=8080, validator=_within(0, MAX_PORT))
    auth_token: str | None = attrs.field(default=None, repr=False, validator=_token)
    allowed_hosts: tuple[str, ...] = attrs.field(default=(), validator=_hosts)
    public_url: str | None = attrs.field(default=None, validator=_public_url)
    trusted_proxies: tuple[str, ...] = attrs.field(default=(), validator=_networks)
    max_upload_mb: int = attrs.field(default=64, validator=_within(1, 1024))


@attrs.frozen(kw_only=True)
class QueueSettings:
    """``size`` tasks may be pending, ``workers`` run concurrently."""

    size: int = attrs.field(default=DEFAULT_QUEUE_SIZE, validator=_within(1, MAX_QUEUE_SIZE))
    workers: int = attrs.field(default=DEFAULT_WORKERS, validator=_within(1, MAX_WORKERS))


@attrs.frozen(kw_only=True)
class LocalSettings:
    """How many days a local file stays once OSS has proved that it holds the same bytes."""

    retention_days: float = attrs.field(default=7, validator=_within(0))


@attrs.frozen(kw_only=True)
class OssSettings:
    """An Aliyun OSS bucket. ``region`` such as ``cn-hangzhou``; ``prefix`` goes before every key."""

    endpoint: str
    region: str
    bucket: str
    access_key_id: str = attrs.field(repr=False)
    access_key_secret: str = attrs.field(repr=False)
    security_token: str | None = attrs.field(default=None, repr=False)
    prefix: str = ""


@attrs.frozen(kw_only=True)
class S3Settings:
    """A bucket of S3. ``virtual_host``: the bucket is part of the host; ``prefix`` goes before every key."""

    endpoint: str
    region: str
    bucket: str
    access_key_id: str = attrs.field(repr=False)
    access_key_secret: str = attrs.field(repr=False)
    session_token: str | None = attrs.field(default=None, repr=False)
    prefix: str = ""
    virtual_host: bool = False


@attrs.frozen(kw_only=True)
class StorageSettings:
    """``local`` None with an archive, OSS or S3: images are streamed there directly."""

    local: LocalSettings | None = LocalSettings()
    oss: OssSettings | None = None
    s3: S3Settings | None = None
    min_free_mb: int = attrs.field(default=200, validator=_within(0))
    sweep_minutes: float = attrs.field(default=10, validator=_positive)

    @property
    def archive_name(self) -> str | None:
        """Which archive is configured: ``oss``, ``s3`` or none."""
        if self.oss is not None:
            return "oss"
        return None if self.s3 is None else "s3"


def _addresses(_: object, field: "attrs.Attribute[Any]", value: tuple[str, ...]) -> None:
    for entry in value:
        try:
            parse_host_and_port(entry)
        except ValueError as error:
            raise InvalidValue(SettingCode.NOT_HOST_AND_PORT(), field.name) from error


@attrs.frozen(kw_only=True)
class SecuritySettings:
    """``allow_private_upstreams``: ``host:port`` of providers on this machine or the LAN."""

    allow_private_upstreams: tuple[str, ...] = attrs.field(default=(), validator=_addresses)


@attrs.frozen(kw_only=True)
class AigcLabelSettings:
    """The implicit label of GB 45438-2025; ``producer`` is a name or a unified social credit code."""

    enabled: bool = False
    producer: str = attrs.field(default="", validator=_producer)


@attrs.frozen(kw_only=True)
class LogSettings:
    """``format`` auto: text on a terminal, JSON lines elsewhere."""

    level: str = attrs.field(default="info", validator=_one_of("debug", "info", "warning", "error"))
    format: str = attrs.field(default="auto", validator=_one_of("auto", "text", "json"))


def _frozen(value: Mapping[str, Any]) -> Mapping[str, Any]:
    return dict(value)


def _provider_name(_: object, field: "attrs.Attribute[Any]", value: str) -> None:
    try:
        check_provider_name(value, field.name)
    except ValidationFailed as error:
        raise InvalidValue(error.problems[0].reason, field.name) from error


@attrs.frozen(kw_only=True)
class Settings:
    """All settings. ``providers`` is the layer below what is saved through the API."""

    data_dir: Path = Path("data")
    server: ServerSettings = ServerSettings()
    queue: QueueSettings = QueueSettings()
    shutdown_grace_seconds: float = attrs.field(default=DEFAULT_SHUTDOWN_GRACE_SECONDS, validator=_within(0))
    storage: StorageSettings = StorageSettings()
    default_provider: str = attrs.field(default=DEFAULT_PROVIDER, validator=_provider_name)
    providers: Mapping[str, ProviderConfig] = attrs.field(factory=dict, converter=_frozen)
    security: SecuritySettings = SecuritySettings()
    aigc_label: AigcLabelSettings = AigcLabelSettings()
    log: LogSettings = LogSettings()

    def __attrs_post_init__(self) -> None:
        if self.storage.oss is not None and self.storage.s3 is not None:
            raise SettingsError("storage.s3", SettingCode.ONE_ARCHIVE())
        if self.storage.local is None and self.storage.archive_name is None:
            raise SettingsError("storage.local", SettingCode.NEEDS_ARCHIVE())
        if self.aigc_label.enabled and not self.aigc_label.producer.strip():
            raise SettingsError("aigc_label.producer", SettingCode.PRODUCER_REQUIRED())
