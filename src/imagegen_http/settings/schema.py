"""The settings: ``config.yaml``, overridden by the environment; each error is one line that names the key."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from imagegen_core.limits import (
    DEFAULT_BEAT_SECONDS,
    DEFAULT_KEEP_INPUTS,
    DEFAULT_PROVIDER,
    DEFAULT_QUEUE_SIZE,
    DEFAULT_SHUTDOWN_GRACE_SECONDS,
    DEFAULT_WORKERS,
    MAX_PORT,
    MAX_QUEUE_SIZE,
    MAX_WORKERS,
)
from imagegen_core.messages import Language, Message
from imagegen_core.problems.fields import Problem
from imagegen_core.problems.refusals import RefusalCode
from imagegen_core.providers.config import ProviderConfig
from imagegen_http.settings import validators
from imagegen_http.settings.database_url import masked_database_url
from imagegen_http.settings.messages import SettingCode
from imagegen_http.settings.validators import InvalidValue

API, WORKER = ROLES = "api", "worker"
"""What a node can do: answer requests, run tasks."""

MIN_SILENT_BEATS = 3
"""How many beats in a row must be missing at least before a node counts as dead."""


class SettingsError(Exception):
    """The configuration cannot be used; ``reason`` is one line that names the key, variable or file."""

    def __init__(self, key: str, reason: Message) -> None:
        self.reason = RefusalCode.PROBLEM(field=key, reason=reason)
        super().__init__(self.reason.text(Language.EN))

    @classmethod
    def from_problem(cls, problem: Problem, below: str = "") -> "SettingsError":
        """Return the same of a problem, whose field stands ``below`` a key."""
        return cls(f"{below}.{problem.field}" if below else problem.field, problem.reason)


@attrs.frozen(kw_only=True)
class ServerSettings:
    """Where the service listens. ``max_upload_mb`` (MiB) limits the bodies that carry images.

    ``public_url`` is ``scheme://host[:port]`` as seen from outside; ``trusted_proxies`` are the addresses and
    networks whose ``X-Forwarded-Proto`` is trusted, and which ``max_connections_per_address`` does not limit.
    """

    host: str = "127.0.0.1"
    port: int = attrs.field(default=8080, validator=validators.within(0, MAX_PORT))
    auth_token: str | None = attrs.field(default=None, repr=False, validator=validators.token)
    allowed_hosts: tuple[str, ...] = attrs.field(default=(), validator=validators.hosts)
    public_url: str | None = attrs.field(default=None, validator=validators.public_url)
    trusted_proxies: tuple[str, ...] = attrs.field(default=(), validator=validators.networks)
    max_upload_mb: int = attrs.field(default=64, validator=validators.within(1, 1024))
    max_connections_per_address: int = attrs.field(default=64, validator=validators.within(1, 1024))


@attrs.frozen(kw_only=True)
class QueueSettings:
    """``size`` tasks may be pending, ``workers`` run concurrently."""

    size: int = attrs.field(default=DEFAULT_QUEUE_SIZE, validator=validators.within(1, MAX_QUEUE_SIZE))
    workers: int = attrs.field(default=DEFAULT_WORKERS, validator=validators.within(1, MAX_WORKERS))


@attrs.frozen(kw_only=True)
class LocalSettings:
    """How many days a local file stays once OSS has proved that it holds the same bytes."""

    retention_days: float = attrs.field(default=7, validator=validators.within(0))


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
    """``local`` None with an archive, OSS or S3: images are streamed there directly.

    Then up to ``cache_mb`` of what was read from there lately are kept on the disk. With ``keep_inputs`` the
    input images that callers send are kept for as long as the records of their tasks.
    """

    local: LocalSettings | None = LocalSettings()
    oss: OssSettings | None = None
    s3: S3Settings | None = None
    keep_inputs: bool = DEFAULT_KEEP_INPUTS
    cache_mb: int = attrs.field(default=0, validator=validators.within(0))
    min_free_mb: int = attrs.field(default=200, validator=validators.within(0))
    sweep_minutes: float = attrs.field(default=10, validator=validators.positive)

    @property
    def archive_name(self) -> str | None:
        """Which archive is configured: ``oss``, ``s3`` or none."""
        if self.oss is not None:
            return "oss"
        return None if self.s3 is None else "s3"


@attrs.frozen(kw_only=True)
class SecuritySettings:
    """``allow_private_upstreams``: ``host:port`` of providers on this machine or the LAN.

    ``allowed_origins``: whose pages may use the API without a token, as a browser writes them in ``Origin``.
    """

    allow_private_upstreams: tuple[str, ...] = attrs.field(default=(), validator=validators.addresses)
    allowed_origins: tuple[str, ...] = attrs.field(default=(), validator=validators.page_origins)


@attrs.frozen(kw_only=True)
class AigcLabelSettings:
    """The implicit label of GB 45438-2025; ``producer`` is a name or a unified social credit code."""

    enabled: bool = False
    producer: str = attrs.field(default="", validator=validators.producer)


@attrs.frozen(kw_only=True)
class LogSettings:
    """``format`` auto: text on a terminal, JSON lines elsewhere."""

    level: str = attrs.field(default="info", validator=validators.one_of("debug", "info", "warning", "error"))
    format: str = attrs.field(default="auto", validator=validators.one_of("auto", "text", "json"))


@attrs.frozen(kw_only=True)
class ClusterSettings:
    """How nodes on one database know of each other, and where they put what was paid for until it is stored.

    A node that was silent for ``dead_after_seconds`` is dead: others take its tasks.
    """

    heartbeat_seconds: float = attrs.field(default=DEFAULT_BEAT_SECONDS, validator=validators.within(0.1, 60))
    dead_after_seconds: float = attrs.field(default=60, validator=validators.within(0.3, 3600))
    spool: str = attrs.field(default="database", validator=validators.one_of("database"))

    def __attrs_post_init__(self) -> None:
        least = MIN_SILENT_BEATS * self.heartbeat_seconds
        if self.dead_after_seconds < least:
            reason = SettingCode.TOO_FEW_BEATS(beats=MIN_SILENT_BEATS, seconds=f"{least:g}")
            raise InvalidValue(reason, "dead_after_seconds")


def _frozen(value: Mapping[str, Any]) -> Mapping[str, Any]:
    return dict(value)


@attrs.frozen(kw_only=True)
class Settings:
    """All settings. ``providers`` is the layer below what is saved through the API.

    With ``database``, the URL of a PostgreSQL database, this is one of several nodes, each with a data
    directory and the ``roles`` of its own. Without it, the database is a file in the data directory.
    """

    data_dir: Path = Path("data")
    database: str | None = attrs.field(default=None, repr=False, validator=validators.database_url)
    roles: tuple[str, ...] = attrs.field(default=ROLES, validator=validators.members(*ROLES))
    cluster: ClusterSettings = ClusterSettings()
    server: ServerSettings = ServerSettings()
    queue: QueueSettings = QueueSettings()
    shutdown_grace_seconds: float = attrs.field(
        default=DEFAULT_SHUTDOWN_GRACE_SECONDS, validator=validators.within(0)
    )
    storage: StorageSettings = StorageSettings()
    default_provider: str = attrs.field(default=DEFAULT_PROVIDER, validator=validators.provider_name)
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
        if self.storage.cache_mb and self.storage.local is not None:
            raise SettingsError("storage.cache_mb", SettingCode.CACHE_NEEDS_NO_DISK())
        if self.database is not None and self.storage.local is not None:
            raise SettingsError("storage.local", SettingCode.NO_SHARED_DISK())
        if self.database is None and set(self.roles) != set(ROLES):
            raise SettingsError("roles", SettingCode.ROLES_NEED_DATABASE())
        if self.database is None and self.cluster != ClusterSettings():
            raise SettingsError("cluster", SettingCode.CLUSTER_NEEDS_DATABASE())

    @property
    def place(self) -> str:
        """Where the data are, as it may be shown."""
        if self.database is None:
            return str(self.data_dir)
        return f"{self.data_dir} on {masked_database_url(self.database)}"

    @property
    def serves_api(self) -> bool:
        """Whether this node answers requests; without, only those for its health."""
        return API in self.roles

    @property
    def runs_tasks(self) -> bool:
        """Whether this node runs tasks and maintains the stores; without, it sends nothing by itself."""
        return WORKER in self.roles
