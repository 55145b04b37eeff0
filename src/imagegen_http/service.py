"""The running service, and how it is put together; read `compose` from top to bottom."""

import asyncio
import importlib.metadata
import importlib.util
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Hashable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar, cast

import attrs
import structlog

from imagegen_adapters.compose import Options, Store
from imagegen_adapters.compose import compose as compose_imagegen
from imagegen_adapters.outbound.addresses import AddressGate
from imagegen_adapters.outbound.client import Outbound
from imagegen_adapters.outbound.transport import PoolLimits
from imagegen_adapters.plugins import ARCHIVES, PluginBroken, load
from imagegen_adapters.providers import compose_providers
from imagegen_adapters.secrets import MasterKeyRefused
from imagegen_adapters.stores import MoveUnfinished, SchemaTooNew, SchemaUnusable
from imagegen_adapters.stores.directory import DataDirectory, DataDirectoryInUse, DataDirectoryUnusable
from imagegen_adapters.stores.search import IndexState
from imagegen_adapters.stores.sqlite.engine import DatabaseUnusable, sqlite_warning
from imagegen_adapters.system import SystemClock, new_id, new_webhook_secret, release_dictionaries
from imagegen_core.config import ConfigSource, ProviderConfig
from imagegen_core.errors import (
    ProviderConfigNotFound,
    ProviderEnded,
    Refusal,
    StorageError,
    Unavailable,
    ValidationFailed,
)
from imagegen_core.imagegen import ImageGen, Limits
from imagegen_core.messages import Message, RefusalCode
from imagegen_core.models import ProviderProfile
from imagegen_core.ports.blobs import BlobArchive
from imagegen_core.ports.cluster import Cluster
from imagegen_core.ports.tasks import TaskRepository
from imagegen_core.ports.tools import Clock, Label
from imagegen_core.resolving import ProviderKinds, ProviderListing
from imagegen_core.secrets import Redactor, Secret
from imagegen_core.services.upkeep import Upkeep
from imagegen_core.services.webhooks import Webhooks
from imagegen_http.errors import ServiceCode
from imagegen_http.guard.access import ImageLinks, parse_origin
from imagegen_http.guard.delivery import unless
from imagegen_http.running_server import RunningServer
from imagegen_http.settings.schema import (
    Origins,
    S3Settings,
    SettingCode,
    Settings,
    SettingsError,
    secrets_of,
)

if TYPE_CHECKING:
    from imagegen_adapters.archives.bucket import BucketArchive
    from imagegen_adapters.archives.prefix import InstallationId

__all__ = ["UNRECOVERABLE_ERRORS", "DataDirectoryInUse", "Service", "compose", "new_id", "sqlite_warning"]

UNRECOVERABLE_ERRORS = (
    DataDirectoryUnusable,
    DatabaseUnusable,
    SchemaTooNew,
    SchemaUnusable,
    MoveUnfinished,
    MasterKeyRefused,
)
"""Errors that an operator must fix before the service can start."""

_MIB = 1024 * 1024
_CONNECTIONS_PER_WORKER = 4
"""Calls are limited for each provider; if several are busy, none may lack a connection."""
_log = structlog.get_logger("imagegen.composition")
T = TypeVar("T")


# ---------------------------------------------------------------- what the routes share


LOOK_SECONDS = 0.25
"""The longest delay of a change; several changes of a task within it are reported once."""


@attrs.define
class FeedWatch:
    """Wakes followers of the feed; while nobody waits, nothing is read."""

    tasks: TaskRepository
    clock: Clock
    _end: int = 0
    _waiting: int = 0
    _looking: asyncio.Task[None] | None = None

    async def moved(self, position: int) -> None:
        """Return once something has changed at the position or later."""
        self._waiting += 1
        try:
            while self._end <= position:
                if self._looking is None or self._looking.done():
                    self._looking = asyncio.create_task(self._look(), name="task feed")
                await asyncio.shield(self._looking)
        finally:
            self._waiting -= 1

    async def _look(self) -> None:
        await self.clock.sleep(LOOK_SECONDS)
        if self._waiting:
            with suppress(StorageError, Unavailable):  # the next look may succeed, and nothing is missed
                self._end = (await self.tasks.changes()).position


@attrs.define
class SearchIndex:
    """Allows one rebuild at a time; while one runs, ``progress`` is its image id and the last one."""

    rebuild: Callable[[Callable[[int, int], None]], Awaitable[int]]
    progress: tuple[int, int] | None = attrs.field(default=None, init=False)
    _lock: asyncio.Lock = attrs.field(factory=asyncio.Lock, init=False)

    async def reindex(self) -> int:
        """Rebuild the index, or resume a rebuild; return the last indexed image id."""
        if self._lock.locked():
            raise Unavailable(ServiceCode.REINDEXING())
        async with self._lock:
            try:
                return await self.rebuild(self._note)
            finally:
                self.progress = None

    def _note(self, reached: int, until: int) -> None:
        self.progress = reached, until


class SharedReads:
    """Single flight: equal reads that wait share one that begins after all of them, so none is stale.

    A hundred callers of one page cost little more than two. If the read fails, all who waited fail with it.
    Fifty callers of a list get twice as many answers a second by it, of a search a third more.
    """

    def __init__(self) -> None:
        self._running: dict[Hashable, asyncio.Task[Any]] = {}
        self._next: dict[Hashable, asyncio.Task[Any]] = {}

    async def run(self, key: Hashable, read: Callable[[], Awaitable[T]]) -> T:
        """Return the result of a ``read`` begun after this call; a cancelled caller does not stop it."""
        task: asyncio.Task[T] | None = self._next.get(key)
        if task is None:
            task = asyncio.create_task(self._run(key, read, self._running.get(key)))
            self._next[key] = task
        return await asyncio.shield(task)

    async def _run(
        self, key: Hashable, read: Callable[[], Awaitable[T]], earlier: "asyncio.Task[Any] | None"
    ) -> T:
        if earlier is not None:
            await asyncio.wait((earlier,))
        task = self._next.pop(key)
        if earlier is not None and not earlier.cancelled() and (error := earlier.exception()) is not None:
            raise error
        self._running[key] = task
        try:
            return await read()
        finally:
            if self._running[key] is task:
                del self._running[key]


@attrs.define
class Service:
    """One running service.

    ``stopping`` is set at shutdown: reads go on, new tasks are refused, streams end. ``listens_on`` takes our
    own address, to which nothing may ever be sent. ``origins`` say where the settings were set.
    ``maintenance`` and ``search_index`` can be started by hand. ``running_server`` is found by commands.
    """

    imagegen: ImageGen
    settings: Settings
    version: str
    started_at: float
    store: Store
    free_bytes: Callable[[], int]
    listens_on: Callable[[tuple[str, int]], None]
    maintenance: Upkeep
    search_index: SearchIndex
    feed_watch: FeedWatch
    links: ImageLinks
    webhooks: Webhooks
    origins: Origins = attrs.field(factory=dict)
    cluster: Cluster | None = None
    shared_reads: SharedReads = attrs.field(factory=SharedReads)
    stopping: asyncio.Event = attrs.field(factory=asyncio.Event)
    running_server: RunningServer | None = None

    def check_running(self) -> None:
        if self.stopping.is_set():
            raise Unavailable(RefusalCode.SHUTTING_DOWN())

    def base_url(self, own_url: str | None = None) -> str:
        """Return where our absolute addresses begin: ``public_url``, else ``own_url``, which a caller used.

        Without a caller it is the address that the server listens on.
        """
        server = self.settings.server
        if server.public_url is not None:
            return parse_origin(server.public_url)
        if own_url is not None:
            return own_url.rstrip("/")
        running = self.running_server
        return f"http://{server.host}:{server.port}" if running is None else running.url

    async def unless_stopping(self, work: Coroutine[Any, Any, T]) -> T | None:
        """Return the result of ``work``; None if the service stops first, which cancels it."""
        return await unless(self.stopping.wait(), work)


# ---------------------------------------------------------------- how it is put together


@asynccontextmanager
async def compose(
    settings: Settings,
    *,
    environ: Mapping[str, str],
    origins: Origins = MappingProxyType({}),
    redactor: Redactor | None = None,
    run_background: bool = True,
    create: bool = True,
) -> AsyncIterator[Service]:
    """Build the service, run it, and tear it down in reverse order; ``redactor`` gets every secret in use.

    Unless ``run_background``, no task is claimed, resumed or sent, and no image uploaded or expired.
    Unless ``create``, the database must exist, and a missing master key is not generated.
    """
    redactor = redactor or Redactor()
    for secret in filter(None, _secrets(settings, environ)):
        redactor.register(secret)
    async with AsyncExitStack() as stack:
        clock, version = SystemClock(), importlib.metadata.version("imagegen-service")
        outbound = Outbound(
            allow_private=settings.security.allow_private_upstreams,
            limits=PoolLimits(connections=_CONNECTIONS_PER_WORKER * settings.queue.workers),
            user_agent=f"imagegen/{version.partition('+')[0]}",
        )
        stack.push_async_callback(outbound.aclose)
        providers = compose_providers(clock, outbound, redactor)
        for reason in check_file_providers(ProviderKinds(adapters=providers), settings.providers):
            _log.warning("a key of the configuration cannot be right", reason=str(reason))
        create_directory = create or settings.database is not None  # then it is scratch space
        directory = DataDirectory.open(settings.data_dir, create=create_directory)
        stack.callback(directory.close)
        if settings.mcp.enabled:
            require_mcp()
        if settings.database is not None:
            require_cluster()
            if directory.database.exists():
                _log.warning(
                    "the data directory has a database that is not used here: `imagegen migrate` moves it",
                    path=str(directory.database),
                )

        def archive_of(owner: "InstallationId") -> BlobArchive | None:
            archive = open_archive(
                settings, outbound.gate, checkpoints=directory.path / "uploads", owner=owner
            )
            if archive is not None:
                stack.push_async_callback(archive.aclose)
            return archive

        local = settings.storage.local
        composed = await stack.enter_async_context(
            compose_imagegen(
                Options(
                    directory=directory,
                    database=settings.database,
                    environ=environ,
                    outbound=outbound,
                    allow_webhooks=settings.security.allow_webhooks,
                    providers=providers,
                    file_configs=file_configs(settings),
                    redactor=redactor,
                    clock=clock,
                    open_archive=archive_of,
                    archive_first=local is None,
                    retention_days=0 if local is None else local.retention_days,
                    sweep_seconds=settings.storage.sweep_minutes * 60,
                    cache_bytes=settings.storage.cache_mb * _MIB,
                    min_free_bytes=settings.storage.min_free_mb * _MIB,
                    keep_inputs=settings.storage.keep_inputs,
                    trash_days=settings.storage.trash_days,
                    label=_label(settings),
                    limits=Limits(
                        queue_size=settings.queue.size,
                        workers=settings.queue.workers,
                        shutdown_grace_seconds=settings.shutdown_grace_seconds,
                        default_provider=settings.default_provider,
                    ),
                    roles=settings.roles,
                    version=version,
                    dead_after_seconds=settings.cluster.dead_after_seconds,
                    beat_seconds=settings.cluster.heartbeat_seconds,
                    batch_poll_seconds=settings.queue.batch_poll_seconds,
                    runs_tasks=settings.runs_tasks and run_background,
                    create=create,
                )
            )
        )
        imagegen, store, parts = composed.imagegen, composed.store, composed.imagegen.parts
        if (state := await store.index_state()) is not IndexState.CURRENT:
            _log.warning("the search index is not up to date: run `imagegen reindex`", state=str(state))
        release_dictionaries()  # an idle service needs only the index's version
        yield Service(
            imagegen=imagegen,
            settings=settings,
            origins=origins,
            version=version,
            started_at=clock.monotonic(),
            listens_on=lambda address: outbound.listens_on([address]),
            store=store,
            free_bytes=composed.disk.free_bytes,
            maintenance=composed.upkeep,
            feed_watch=FeedWatch(parts.tasks, clock),
            webhooks=Webhooks(
                parts=parts,
                post=composed.webhook_client.post,
                new_secret=new_webhook_secret,
                random=random.random,
            ),
            links=ImageLinks(box=parts.box, clock=clock, needs_token=bool(settings.server.auth_token)),
            search_index=SearchIndex(store.reindex),
            cluster=None if settings.database is None else parts.cluster,
        )


def require_cluster() -> None:
    """Require the packages of a cluster; few services load them."""
    if importlib.util.find_spec("asyncpg") is None:
        raise SettingsError("database", SettingCode.EXTRA_MISSING(extra="cluster"))


def require_mcp(key: str = "mcp.enabled") -> None:
    """Require the packages of MCP for what ``key`` names."""
    if importlib.util.find_spec("mcp") is None:
        raise SettingsError(key, SettingCode.EXTRA_MISSING(extra="mcp"))


def _secrets(settings: Settings, environ: Mapping[str, str]) -> Iterator[str]:
    """Yield every secret in the settings, those of many providers last, so that no log shows one."""
    yield environ.get("IMAGEGEN_MASTER_KEY", "")
    if settings.database is not None:
        yield environ.get("PGPASSWORD", "")
    yield from (secret for _, secret in secrets_of(settings))


def _label(settings: Settings) -> Label | None:
    label = settings.aigc_label
    if not label.enabled:
        return None
    from imagegen_adapters.images.label import AigcImageLabel  # loads an XML parser

    return AigcImageLabel(producer=label.producer.strip())


def file_configs(settings: Settings) -> dict[str, ProviderConfig]:
    """Return the file's providers, with the built-in demo unless the file disables it."""
    demo = ProviderConfig(
        provider_name="demo", kind="demo", display_name="演示 Demo", source=ConfigSource.FILE
    )
    configs = {"demo": demo, **settings.providers}
    named = configs["demo"]
    configs["demo"] = attrs.evolve(named, kind=named.kind or demo.kind)
    if not configs["demo"].is_enabled:
        del configs["demo"]
    return configs


# ---------------------------------------------------------------- the archive


def open_archive(
    settings: Settings,
    gate: AddressGate,
    *,
    checkpoints: Path | None = None,
    owner: "InstallationId | None" = None,
    idle_seconds: float = 30.0,
) -> "BucketArchive | None":
    """Open the archive of the settings, if there is one; no request is sent yet.

    ``checkpoints`` is where OSS remembers interrupted uploads. ``owner`` returns the installation's id, for
    which the first request claims the prefix. ``idle_seconds`` is how long a response may stand still.
    """
    foreign, bucket = settings.storage.archive, settings.storage.oss or settings.storage.s3
    if foreign is not None:
        options = dict(foreign.settings)
        try:
            archive = load(ARCHIVES, foreign.kind, lambda factory: factory(options), BlobArchive, "aclose")
            return cast("BucketArchive", archive)
        except PluginBroken as error:  # images may be there alone, so nothing starts without it
            raise SettingsError("storage.archive.kind", error.reason) from error
    if bucket is None:
        return None
    values = attrs.asdict(bucket)
    token = values.pop("session_token" if isinstance(bucket, S3Settings) else "security_token")
    values |= {
        "access_key_secret": Secret(bucket.access_key_secret),
        "session_token": None if token is None else Secret(token),
        "idle_timeout": idle_seconds,
    }
    try:  # imported only when used: each takes megabytes
        if isinstance(bucket, S3Settings):
            from imagegen_adapters.archives import s3

            values["is_virtual_hosted"] = values.pop("virtual_host")
            return s3.S3BlobArchive(s3.S3Settings(**values), gate=gate, owner=owner)
        from imagegen_adapters.archives import oss

        return oss.OssBlobArchive(oss.OssSettings(**values), gate=gate, checkpoints=checkpoints, owner=owner)
    except ValidationFailed as error:
        raise SettingsError.from_problem(error.problems[0]) from error


# ---------------------------------------------------------------- the providers of the settings

_PROTOCOL_KEYS = frozenset({"preset", "spec", "dialect", "backend", "workflow", "inputs"})
"""With one of these, the file decides its provider's protocol; else a saved row may."""


def check_file_providers(kinds: ProviderKinds, configs: Mapping[str, ProviderConfig]) -> list[Message]:
    """Check the file's providers; raise for wrong kinds, presets, documents, dialects, backends and keys.

    Return warnings: likely typos, API keys of another form (a saved row may correct them), ended providers.
    """
    warnings = []
    for name, config in configs.items():
        try:
            profile = _profile(kinds, config)
        except ProviderEnded as error:
            warnings += [
                RefusalCode.PROBLEM(field=f"providers.{name}.{p.field}", reason=p.reason)
                for p in error.problems
            ]
            continue
        except ValidationFailed as error:
            raise SettingsError.from_problem(error.problems[0], f"providers.{name}") from error
        misspelt = kinds.misspelt_name(kinds.combine([config]))
        if misspelt is not None:
            reason = RefusalCode.LIKE_ANOTHER(name=misspelt)
            warnings.append(RefusalCode.PROBLEM(field=f"providers.{name}", reason=reason))
        if profile is not None and profile.key_problem is not None:
            field = f"providers.{name}.api_key"
            warnings.append(RefusalCode.PROBLEM(field=field, reason=profile.key_problem))
    return warnings


def _profile(kinds: ProviderKinds, config: ProviderConfig) -> ProviderProfile | None:
    """Return the file's profile; None where a saved row may name another kind."""
    kind = kinds.combine([config]).kind
    has_protocol = not _PROTOCOL_KEYS.isdisjoint(config.extra_config)
    kinds.check(kind if has_protocol else config.kind, config.extra_config)
    try:
        return kinds.adapters[kind or ""].describe(config)
    except ProviderEnded:
        raise
    except ValidationFailed:
        if has_protocol:
            raise
        return None


async def default_provider_warning(providers: ProviderListing) -> Message | None:
    """Return why a task without a provider would be refused; None if it would be accepted."""
    hint, name = None, await providers.resolve.default_name()
    try:
        provider = await providers.get(name)
    except ProviderConfigNotFound as error:
        hint = error.hint
        reason = SettingCode.DEFAULT_UNKNOWN(provider=name)
    except (Refusal, StorageError) as error:
        reason = error.reason
    else:
        if provider.config.is_enabled:
            return None
        reason = RefusalCode.PROVIDER_DISABLED(provider=name)
    sentences = (SettingCode.DEFAULT_UNUSABLE(reason=reason), *(() if hint is None else (hint,)))
    return RefusalCode.PROBLEM(field="default_provider", reason=RefusalCode.PROBLEMS(problems=sentences))
