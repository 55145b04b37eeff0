"""The settings. Each is one line of a section: its type, its default and its check."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import unquote, unquote_plus, urlsplit

import attrs

from imagegen_core import limits
from imagegen_core.config import (
    PROVIDER_FIELDS,
    ProviderConfig,
    check_provider_name,
    combine,
    masked_extra,
    parse_host_and_port,
    parse_receiver,
)
from imagegen_core.errors import ValidationFailed
from imagegen_core.messages import (
    Language,
    Message,
    MessageCode,
    Problem,
    ProblemCode,
    RefusalCode,
    range_problem,
)
from imagegen_http.guard.access import AllowedHosts, parse_network, parse_origin, parse_page_origin


class SettingCode(MessageCode, words="imagegen_http"):
    """Errors of ``config.yaml`` and variables. Each sentence goes on after the key, variable or file."""


API, WORKER = ROLES = "api", "worker"  # what a node can do: answer requests, run tasks
MIN_SILENT_BEATS = 3  # heartbeats that a node must miss in a row to count as dead
MASK = "****"
_MAX_PRODUCER_CHARS = 1000  # no label has room for more

_Check = Callable[[Any], Message | None]  # returns what is wrong with a value, if anything is


class SettingsError(Exception):
    """The configuration cannot be used; ``reason`` is one line that names the key, variable or file."""

    def __init__(self, key: str | None, problem: Message) -> None:
        self.key, self.problem = key, problem
        self.reason = RefusalCode.PROBLEM(field=key or "", reason=problem)
        super().__init__(self.reason.text(Language.EN))

    @classmethod
    def from_problem(cls, problem: Problem, below: str = "") -> "SettingsError":
        return cls(f"{below}.{problem.field}" if below else problem.field, problem.reason)


# ---------------------------------------------------------------- checks of single values


def _setting(default: Any, check: _Check, **more: Any) -> Any:
    """Return a field that checks its values, except None."""

    def validate(_: object, field: "attrs.Attribute[Any]", value: Any) -> None:
        if value is not None and (reason := check(value)) is not None:
            raise SettingsError(field.name, reason)

    return attrs.field(default=default, validator=validate, **more)


def _within(minimum: float, maximum: float | None = None) -> _Check:
    return lambda value: range_problem(value, minimum=minimum, maximum=maximum)


def _one_of(*choices: str) -> _Check:
    return lambda value: None if value in choices else ProblemCode.NOT_ONE_OF(choices=choices)


def _roles(value: tuple[str, ...]) -> Message | None:
    if not value or not set(value) <= set(ROLES):
        return SettingCode.NOT_MEMBERS(choices=ROLES)
    repeated = next((role for role in ROLES if value.count(role) > 1), None)
    return None if repeated is None else SettingCode.MEMBER_TWICE(value=repeated)


def _producer(value: str) -> Message | None:
    return ProblemCode.TOO_LONG(maximum=_MAX_PRODUCER_CHARS) if len(value) > _MAX_PRODUCER_CHARS else None


def _provider_name(value: str) -> Message | None:
    try:
        check_provider_name(value, "name")
    except ValidationFailed as error:
        return error.problems[0].reason
    return None


def _parsed(parse: Callable[[str], object], problem: Callable[[str], Message]) -> _Check:
    """Return a check that a parser takes a text, or each text of a list."""

    def check(value: str | tuple[str, ...]) -> Message | None:
        for text in (value,) if isinstance(value, str) else value:
            try:
                parse(text)
            except ValueError:
                return problem(text)
        return None

    return check


_hosts = _parsed(
    lambda name: AllowedHosts(bind_host="127.0.0.1", names=(name,)),
    lambda name: SettingCode.NOT_A_HOST(value=name),
)
_public_url = _parsed(parse_origin, lambda _: SettingCode.NOT_A_PUBLIC_URL())
_page_origins = _parsed(parse_page_origin, lambda text: SettingCode.NOT_A_PAGE_ORIGIN(value=text))
_networks = _parsed(parse_network, lambda text: SettingCode.NOT_A_NETWORK(value=text))
_addresses = _parsed(parse_host_and_port, lambda _: SettingCode.NOT_HOST_AND_PORT())
_receivers = _parsed(parse_receiver, lambda text: SettingCode.NOT_A_RECEIVER(value=text))


# ---------------------------------------------------------------- the URL of a PostgreSQL database

_SECRET_PARAMETERS = frozenset({"password", "sslpassword"})
_PASSWORD = re.compile(r"(?<=://)(?P<user>[^:@/?]*):(?P<password>[^@/?]+)@")
_HOST = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[^:\[\]]*)(?::(?P<port>[0-9]{1,5}))?")
_PARAMETER_CHOICES: Mapping[str, tuple[str, ...]] = {
    "sslmode": ("disable", "allow", "prefer", "require", "verify-ca", "verify-full"),
    "target_session_attrs": ("any", "primary", "standby", "prefer-standby", "read-write", "read-only"),
}
_PARAMETERS = frozenset(
    {
        *_PARAMETER_CHOICES,
        *("host", "port", "dbname", "database", "user", "password", "passfile", "service"),
        *("sslcert", "sslkey", "sslrootcert", "sslcrl", "sslpassword", "sslnegotiation"),
        *("ssl_min_protocol_version", "ssl_max_protocol_version", "krbsrvname", "gsslib"),
        *("search_path", "options"),
    }
)
"""Parameters that the driver reads, and those of a session that operators may want."""


def check_database_url(url: str) -> None:
    """Raise ValueError unless the driver reads the URL as meant; it does not check everything itself."""
    parts = urlsplit(url)
    hosts = map(_HOST.fullmatch, parts.netloc.rpartition("@")[2].split(","))
    if not url.startswith(("postgresql://", "postgres://")) or not url.isprintable() or "#" in url:
        raise ValueError
    if parts.netloc.count("@") > 1 or any(
        not host or int(host["port"] or 0) > limits.MAX_PORT for host in hosts
    ):
        raise ValueError
    if parts.query and not all("=" in pair for pair in parts.query.split("&")):
        raise ValueError


def _database_url(url: str) -> Message | None:
    """Return what is wrong with a URL; the driver would say so late, or never."""
    try:
        check_database_url(url)
    except ValueError:
        return SettingCode.NOT_A_DATABASE_URL()
    for written, value in _url_parameters(url.partition("?")[2]):
        name = unquote_plus(written)
        if name not in _PARAMETERS:  # not quoted: it may be the rest of a password with `?`
            return SettingCode.DATABASE_PARAMETER_UNKNOWN(choices=tuple(sorted(_PARAMETERS)))
        choices = _PARAMETER_CHOICES.get(name)
        if choices is not None and unquote_plus(value) not in choices:
            return SettingCode.DATABASE_PARAMETER_INVALID(name=name, choices=choices)
    return None


def passwords(url: str) -> Iterator[str]:
    """Yield the URL's secrets, as written and as decoded."""
    head, _, query = url.partition("?")
    written = [value for name, value in _url_parameters(query) if _is_secret(name)]
    if match := _PASSWORD.search(head):
        written.append(match["password"])
    for value in written:
        yield from {value, unquote(value), unquote_plus(value)}


def masked_database_url(url: str) -> str:
    head, mark, query = url.partition("?")
    parameters = [f"{name}={MASK if _is_secret(name) else value}" for name, value in _url_parameters(query)]
    return _PASSWORD.sub(rf"\g<user>:{MASK}@", head) + mark + "&".join(parameters)


def _url_parameters(query: str) -> Iterator[tuple[str, str]]:
    for pair in filter(None, query.split("&")):
        name, _, value = pair.partition("=")
        yield name, value


def _is_secret(name: str) -> bool:
    return unquote_plus(name) in _SECRET_PARAMETERS


# ---------------------------------------------------------------- the sections


@attrs.frozen(kw_only=True)
class ServerSettings:
    """Where the service listens, and what it accepts."""

    host: str = "127.0.0.1"
    port: int = _setting(8080, _within(0, limits.MAX_PORT))
    auth_token: str | None = _setting(
        None, lambda text: None if text == text.strip() else SettingCode.SPACES_AROUND(), repr=False
    )
    allowed_hosts: tuple[str, ...] = _setting((), _hosts)
    public_url: str | None = _setting(None, _public_url)  # scheme://host[:port] as seen from outside
    trusted_proxies: tuple[str, ...] = _setting((), _networks)  # for X-Forwarded-Proto
    max_upload_mb: int = _setting(64, _within(1, 1024))  # MiB, for bodies that carry images
    max_connections_per_address: int = _setting(64, _within(1, 1024))  # trusted proxies have no limit


@attrs.frozen(kw_only=True)
class QueueSettings:
    """``size`` tasks may be pending, ``workers`` run concurrently; each batch job is looked at so often."""

    size: int = _setting(limits.DEFAULT_QUEUE_SIZE, _within(1, limits.MAX_QUEUE_SIZE))
    workers: int = _setting(limits.DEFAULT_WORKERS, _within(1, limits.MAX_WORKERS))
    batch_poll_seconds: float = _setting(limits.DEFAULT_BATCH_POLL_SECONDS, _within(0.1, 3600))


@attrs.frozen(kw_only=True)
class LocalSettings:
    """How many days a local file stays once OSS has proved that it holds the same bytes."""

    retention_days: float = _setting(7, _within(0))


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
class ArchiveSettings:
    """An archive of another package, by its ``kind``, and the settings that it takes."""

    kind: str
    settings: Mapping[str, Any] = attrs.field(factory=dict, repr=False)


@attrs.frozen(kw_only=True)
class StorageSettings:
    """Where images are kept; without ``local`` they are streamed to the archive: OSS, S3 or another."""

    local: LocalSettings | None = LocalSettings()
    oss: OssSettings | None = None
    s3: S3Settings | None = None
    archive: ArchiveSettings | None = None  # of another package
    keep_inputs: bool = limits.DEFAULT_KEEP_INPUTS  # callers' input images, as long as their tasks' records
    trash_days: float = _setting(
        limits.DEFAULT_TRASH_DAYS, _within(0, 36_500)
    )  # in which deleted images can be restored
    cache_mb: int = _setting(0, _within(0))  # of recent reads from OSS or S3, if `local` is None
    min_free_mb: int = _setting(200, _within(0))
    sweep_minutes: float = _setting(10, lambda value: None if value > 0 else ProblemCode.NOT_ABOVE(limit=0))

    @property
    def archive_name(self) -> str | None:
        if self.archive is not None:
            return self.archive.kind
        if self.oss is not None:
            return "oss"
        return None if self.s3 is None else "s3"


@attrs.frozen(kw_only=True)
class SecuritySettings:
    """What the service may reach, and which pages may use it, beyond its defaults."""

    allow_private_upstreams: tuple[str, ...] = _setting((), _addresses)  # host:port here or on the LAN
    allow_webhooks: tuple[str, ...] = _setting(
        (), _receivers
    )  # host:port, or networks such as 192.168.0.0/16
    allowed_origins: tuple[str, ...] = _setting((), _page_origins)  # of pages that need no token


@attrs.frozen(kw_only=True)
class McpSettings:
    """Whether agents may call tools at ``/mcp``; they can do there what the API can, and spend as much."""

    enabled: bool = False


@attrs.frozen(kw_only=True)
class AigcLabelSettings:
    """The implicit label of GB 45438-2025; ``producer`` is a name or a unified social credit code."""

    enabled: bool = False
    producer: str = _setting("", _producer)


@attrs.frozen(kw_only=True)
class LogSettings:
    """``format`` auto: text on a terminal, JSON lines elsewhere."""

    level: str = _setting("info", _one_of("debug", "info", "warning", "error"))
    format: str = _setting("auto", _one_of("auto", "text", "json"))


@attrs.frozen(kw_only=True)
class ClusterSettings:
    """How nodes on one database know of each other."""

    heartbeat_seconds: float = _setting(limits.DEFAULT_BEAT_SECONDS, _within(0.1, 60))
    dead_after_seconds: float = _setting(60, _within(0.3, 3600))  # of silence; others take its tasks
    spool: str = _setting("database", _one_of("database"))  # for paid results until they are stored

    def __attrs_post_init__(self) -> None:
        least = MIN_SILENT_BEATS * self.heartbeat_seconds
        if self.dead_after_seconds < least:
            reason = SettingCode.TOO_FEW_BEATS(beats=MIN_SILENT_BEATS, seconds=f"{least:g}")
            raise SettingsError("dead_after_seconds", reason)


@attrs.frozen(kw_only=True)
class Settings:
    """All settings of one node."""

    data_dir: Path = Path("data")
    database: str | None = _setting(None, _database_url, repr=False)  # shared by nodes; None: a file here
    roles: tuple[str, ...] = _setting(ROLES, _roles)
    cluster: ClusterSettings = ClusterSettings()
    server: ServerSettings = ServerSettings()
    queue: QueueSettings = QueueSettings()
    shutdown_grace_seconds: float = _setting(limits.DEFAULT_SHUTDOWN_GRACE_SECONDS, _within(0))
    storage: StorageSettings = StorageSettings()
    default_provider: str = _setting(limits.DEFAULT_PROVIDER, _provider_name)
    providers: Mapping[str, ProviderConfig] = attrs.field(factory=dict)  # below what the API saves
    security: SecuritySettings = SecuritySettings()
    mcp: McpSettings = McpSettings()
    aigc_label: AigcLabelSettings = AigcLabelSettings()
    log: LogSettings = LogSettings()

    def __attrs_post_init__(self) -> None:
        storage, aigc, alone = self.storage, self.aigc_label, self.database is None
        local, is_nameless = storage.local, aigc.enabled and not aigc.producer.strip()
        rules = (
            (storage.oss and storage.s3, "storage.s3", SettingCode.ONE_ARCHIVE),
            (storage.archive and (storage.oss or storage.s3), "storage.archive", SettingCode.ONE_ARCHIVE),
            (not local and not storage.archive_name, "storage.local", SettingCode.NEEDS_ARCHIVE),
            (is_nameless, "aigc_label.producer", SettingCode.PRODUCER_REQUIRED),
            (storage.cache_mb and local, "storage.cache_mb", SettingCode.CACHE_NEEDS_NO_DISK),
            (local and not alone, "storage.local", SettingCode.NO_SHARED_DISK),
            (alone and set(self.roles) != set(ROLES), "roles", SettingCode.ROLES_NEED_DATABASE),
            (alone and self.cluster != ClusterSettings(), "cluster", SettingCode.CLUSTER_NEEDS_DATABASE),
        )
        for is_broken, key, code in rules:
            if is_broken:
                raise SettingsError(key, code())

    @property
    def place(self) -> str:
        if self.database is None:
            return str(self.data_dir)
        return f"{self.data_dir} on {masked_database_url(self.database)}"

    @property
    def serves_api(self) -> bool:
        """Whether this node answers more than health checks."""
        return API in self.roles

    @property
    def runs_tasks(self) -> bool:
        """Whether this node runs tasks and maintains the stores; if not, it sends nothing by itself."""
        return WORKER in self.roles


class EnvText(str):
    """The text of a variable; its key decides its type."""

    __slots__ = ()


# ---------------------------------------------------------------- as anybody may see them

_SECRET_NAMES = frozenset(
    {"auth_token", "access_key_id", "access_key_secret", "security_token", "session_token", "api_key"}
)


def masked(value: Any, name: str = "") -> Any:
    """Return plain numbers, texts, lists and mappings; ``name`` is the value's last key."""
    if name in _SECRET_NAMES and value is not None:
        return MASK
    if isinstance(value, ArchiveSettings):  # nobody knows which of its settings are secret
        return {"kind": value.kind, "settings": dict.fromkeys(map(str, value.settings), MASK)}
    if name == "database" and isinstance(value, str):
        return masked_database_url(value)
    if isinstance(value, ProviderConfig):
        fields = {key: getattr(value, key) for key in PROVIDER_FIELDS}
        fields["extra_config"] = masked_extra(value.extra_config)
        value = {key: field for key, field in fields.items() if field is not None}
    elif attrs.has(type(value)):
        value = {field.name: getattr(value, field.name) for field in attrs.fields(type(value))}
    if hasattr(value, "items"):
        return {str(k): masked(v, str(k)) for k, v in value.items()}
    if isinstance(value, (tuple, list)):
        return list(map(masked, value))
    return value if isinstance(value, (int, float, bool)) or value is None else str(value)


def secrets_of(section: Any) -> Iterator[tuple[str, str]]:
    """Yield every secret in the settings, by the last key of each."""
    for field in attrs.fields(type(section)):
        value = getattr(section, field.name)
        if attrs.has(type(value)):
            yield from secrets_of(value)
        elif value is not None and not field.repr:
            secrets = passwords(value) if field.name == "database" else (value,)
            if isinstance(value, Mapping):
                secrets = (text for text in value.values() if isinstance(text, str))
            yield from ((field.name, secret) for secret in secrets)
        elif isinstance(value, Mapping):
            keys = (config.api_key for config in value.values())
            yield from (("api_key", key.reveal()) for key in keys if key is not None)


class Origin(StrEnum):
    """Where a value was said; the later ones count more."""

    DEFAULT = "default"
    FILE = "file"
    ENVIRONMENT = "environment"
    DATABASE = "database"


Origins = Mapping[str, Origin]  # by dotted key; other keys have their default


@attrs.frozen
class EffectiveSetting:
    """A setting in effect; its value is plain, and masked if it is a secret."""

    key: str
    value: Any
    origin: Origin


def effective_settings(
    settings: Settings,
    origins: Origins,
    *,
    configured: Mapping[str, ProviderConfig],
    saved: Iterable[ProviderConfig],
) -> Iterator[EffectiveSetting]:
    """Yield the settings in the reference's order, then the providers'; ``saved`` fields take precedence."""
    yield from _leaves(settings, "", origins)
    saved_ones = {config.provider_name: config for config in saved}
    for name in sorted({*configured, *saved_ones}):
        layers = [config for config in (saved_ones.get(name), configured.get(name)) if config is not None]
        values = masked(combine(layers))
        for field in PROVIDER_FIELDS:
            key = f"providers.{name}.{field}"
            if values.get(field):
                of_database = bool(getattr(saved_ones.get(name), field, None))
                origin = Origin.DATABASE if of_database else _origin(key, origins)
                yield EffectiveSetting(key, values[field], origin)


def _leaves(section: Any, above: str, origins: Origins) -> Iterator[EffectiveSetting]:
    for field in attrs.fields(type(section)):
        value, key = getattr(section, field.name), f"{above}{field.name}"
        if key == "providers":
            continue
        if attrs.has(type(value)):
            yield from _leaves(value, f"{key}.", origins)
        else:
            yield EffectiveSetting(key, masked(value, field.name), _origin(key, origins))


def _origin(key: str, origins: Origins) -> Origin:
    """Return where a setting was set; of a section, the strongest origin in it."""
    order = list(Origin)
    own = [origin for name, origin in origins.items() if name == key or name.startswith(f"{key}.")]
    return max(own, key=order.index, default=Origin.DEFAULT)
