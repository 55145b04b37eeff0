"""Composes the service; read it from top to bottom."""

import importlib.metadata
import importlib.util
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial
from types import MappingProxyType
from typing import Any

import attrs
import structlog

from imagegen_adapters.compose import (
    Backend,
    compose_parts,
    compose_upkeep,
    join_archive,
    on_disk,
    on_postgresql,
    read_cache,
)
from imagegen_adapters.images.inspector import SubprocessInspector
from imagegen_adapters.kinds import compose_providers
from imagegen_adapters.outbound.client import Outbound
from imagegen_adapters.outbound.transport import PoolLimits
from imagegen_adapters.simplify import release_dictionaries
from imagegen_adapters.stores.directory import CACHE_DIRECTORY, DataDirectory
from imagegen_adapters.stores.search import IndexState
from imagegen_adapters.system import SystemClock, SystemDiskSpace, new_id
from imagegen_core.config import ConfigSource, ProviderConfig
from imagegen_core.imagegen import ImageGen, Limits
from imagegen_core.ports.blobs import RunningChecksum
from imagegen_core.ports.outbox import Outbox
from imagegen_core.ports.tools import Clock, Label
from imagegen_core.redaction import Redactor
from imagegen_core.resolving import ProviderKinds
from imagegen_core.services.upkeep import Upkeep
from imagegen_http.composition.archives import CHECKPOINTS, archive_secrets, open_archive
from imagegen_http.composition.presets import describe_presets
from imagegen_http.composition.providers import check_file_providers
from imagegen_http.guard.asgi import optional_text
from imagegen_http.health import ArchiveHealth, ClusterHealth, NodeHealth, ProviderCalls
from imagegen_http.runtime.feed_watch import FeedWatch
from imagegen_http.runtime.health_report import HealthReport
from imagegen_http.runtime.search_index import SearchIndex
from imagegen_http.runtime.service import Service
from imagegen_http.settings.schema import Settings, SettingsError, passwords
from imagegen_http.settings.shown import Origins
from imagegen_http.settings.words import SettingCode

_MIB = 1024 * 1024
_CONNECTIONS_PER_WORKER = 4
"""Calls are limited for each provider; if several are busy, none must fail for lack of a connection."""
_log = structlog.get_logger("imagegen.composition")


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
    """Build the service on its data directory, run it, and tear it down in reverse order.

    Every secret in use is registered with ``redactor``. Unless ``run_background``, nothing happens by itself:
    no task is claimed, resumed or sent, no image uploaded or expired. Unless ``create``, the database has to
    exist, and a missing master key is not generated. ``origins`` say where the settings were set.

    Raises:
        DataDirectoryInUse: another process works in the data directory.
        DataDirectoryMissing: there is no database, and none may be created.
        StorageError: the data directory or its database cannot be used.
        MasterKeyRefused: the master key cannot be used.
        SettingsError: a setting is not valid.
    """
    redactor = redactor or Redactor()
    for secret in _secrets(settings, environ):
        redactor.register(secret)
    async with AsyncExitStack() as stack:
        clock, version = SystemClock(), importlib.metadata.version("imagegen-service")
        outbound = _outbound(settings, version)
        stack.push_async_callback(outbound.aclose)
        providers = compose_providers(clock, outbound, redactor)
        for reason in check_file_providers(ProviderKinds(adapters=providers), settings.providers):
            _log.warning("a key of the configuration cannot be right", reason=str(reason))
        create_directory = create or settings.database is not None  # where it is this node's scratch space
        directory = DataDirectory.open(settings.data_dir, create=create_directory)
        stack.callback(directory.close)

        async def installation_id() -> str:
            return await backend.installation_id()  # which is opened below, before the first request

        archive = open_archive(
            settings, outbound.gate, checkpoints=directory.path / CHECKPOINTS, owner=installation_id
        )
        if archive is not None:
            stack.push_async_callback(archive.aclose)
        backend = await stack.enter_async_context(
            open_backend(
                settings,
                directory,
                environ=environ,
                version=version,
                clock=clock,
                checksum=None if archive is None else archive.new_checksum,
                create=create,
            )
        )
        if (state := await backend.index_state()) is not IndexState.CURRENT:
            _log.warning("the search index is not up to date: run `imagegen reindex`", state=str(state))
        release_dictionaries()  # an idle service needs only the version of the index, which is computed once
        inspector = SubprocessInspector()
        stack.push_async_callback(inspector.aclose)
        min_free_bytes = settings.storage.min_free_mb * _MIB
        disk = SystemDiskSpace(directory.path, min_free_bytes=min_free_bytes, clock=clock)
        max_cached_bytes, cache = settings.storage.cache_mb * _MIB, directory.path / CACHE_DIRECTORY
        local = settings.storage.local
        tiers = join_archive(backend.blobs, archive, archive_first=local is None)
        blobs = await stack.enter_async_context(
            read_cache(tiers, cache, max_bytes=max_cached_bytes, has_room=disk.has_room)
        )
        parts = compose_parts(
            backend,
            blobs=blobs,
            inspector=inspector,
            outbound=outbound,
            has_room=disk.has_room,
            clock=clock,
            providers=providers,
            redactor=redactor,
            label=_label(settings),
        )
        owner, runs_tasks = new_id(), run_background and settings.runs_tasks
        maintenance = compose_upkeep(
            backend,
            archive,
            clock,
            node=owner,
            sweep_seconds=settings.storage.sweep_minutes * 60,
            retention_days=0 if local is None else local.retention_days,
            keep_inputs=settings.storage.keep_inputs,
        )
        imagegen = ImageGen(
            parts,
            limits=_limits(settings),
            file_configs=file_configs(settings),
            owner=owner,
            beat_seconds=settings.cluster.heartbeat_seconds,
            on_change=maintenance.wake if runs_tasks else backend.tell_removal,
            runs_tasks=runs_tasks,
            keep_inputs=settings.storage.keep_inputs,
        )
        backend.hear_cancellations(imagegen.node.look_for_cancellation)
        backend.hear_removals(lambda _: maintenance.wake())
        service = Service(
            imagegen=imagegen,
            settings=settings,
            origins=origins,
            version=version,
            presets=lambda: describe_presets(providers, clock.now().date()),
            health=HealthReport(
                database_healthy=backend.is_healthy,
                has_room=disk.has_room,
                free_bytes=disk.free_bytes,
                box_locked=lambda: backend.box.locked,
                clock=clock,
                archive=None if archive is None else lambda: _archive_report(backend.outbox, maintenance),
                cluster=None
                if backend.activity is None
                else partial(_cluster_health, settings, backend.activity),
            ),
            listens_on=lambda address: outbound.listens_on([address]),
            maintenance=maintenance,
            feed_watch=FeedWatch(backend.tasks, clock),
            search_index=SearchIndex(read_state=backend.index_state, rebuild=backend.reindex),
            writes=backend.writes,
            peers=backend.peers,
        )
        if runs_tasks:
            await backend.prepare()
            await backend.nodes.join(owner)  # who has joined may hold the turn
            await stack.enter_async_context(maintenance)
        await stack.enter_async_context(imagegen)
        yield service


def open_backend(
    settings: Settings,
    directory: DataDirectory,
    *,
    environ: Mapping[str, str],
    version: str,
    clock: Clock,
    checksum: Callable[[], RunningChecksum] | None = None,
    create: bool = True,
) -> AbstractAsyncContextManager[Backend]:
    """Open what the settings name: the data directory of one box, or a database that several nodes share.

    Raises:
        StorageError: it cannot be used.
        MasterKeyRefused: the master key cannot be used.
        SettingsError: a package that it needs is not installed.
    """
    if settings.database is None:
        return on_disk(
            directory,
            environ=environ,
            clock=clock,
            checksum=checksum,
            create=create,
            keep_inputs=settings.storage.keep_inputs,
        )
    require_cluster()
    if directory.database.exists():
        _log.warning(
            "the data directory has a database that is not used here: `imagegen migrate` moves it",
            path=str(directory.database),
        )
    return on_postgresql(
        settings.database,
        directory,
        environ=environ,
        version=version,
        clock=clock,
        checksum=checksum,
        roles=settings.roles,
        runs_tasks=settings.runs_tasks,
        dead_after_seconds=settings.cluster.dead_after_seconds,
    )


def require_cluster() -> None:
    """Check that what a cluster needs is installed; few services load it.

    Raises:
        SettingsError: a package is not installed.
    """
    if importlib.util.find_spec("asyncpg") is None:
        raise SettingsError("database", SettingCode.EXTRA_MISSING(extra="cluster"))


async def _archive_report(outbox: Outbox, maintenance: Upkeep) -> ArchiveHealth:
    """Return the report of ``/health`` about the archive, without sending a request."""
    counts = await outbox.counts()
    return ArchiveHealth(
        status="failing" if counts.failing or maintenance.expiry_error else "ok",
        uploads=counts.uploads,
        removals=counts.removals,
        failing=counts.failing,
        last_error=optional_text(counts.last_error or maintenance.expiry_error),
    )


async def _cluster_health(
    settings: Settings, read_activity: Callable[[], Awaitable[Any]], node: str
) -> ClusterHealth:
    activity = await read_activity()
    return ClusterHealth(
        node=node,
        nodes=[
            NodeHealth(
                name=other.name,
                roles=[*other.roles],
                version=other.version,
                silent_seconds=round(other.silent_seconds, 3),
                alive=other.silent_seconds < settings.cluster.dead_after_seconds,
            )
            for other in activity.nodes
        ],
        turn=activity.turn,
        calls=[ProviderCalls(provider=name, calls=calls) for name, calls in activity.calls.items()],
        oldest_pending_seconds=activity.oldest_pending_seconds,
    )


def _secrets(settings: Settings, environ: Mapping[str, str]) -> list[str]:
    """Return every secret in the settings, so that no log ever shows one."""
    secrets = [settings.server.auth_token, environ.get("IMAGEGEN_MASTER_KEY")]
    if settings.database is not None:
        secrets += [*passwords(settings.database), environ.get("PGPASSWORD")]
    secrets += archive_secrets(settings)
    secrets += [c.api_key.reveal() for c in settings.providers.values() if c.api_key is not None]
    return [secret for secret in secrets if secret]


def _outbound(settings: Settings, version: str) -> Outbound:
    return Outbound(
        allow_private=settings.security.allow_private_upstreams,
        limits=PoolLimits(connections=_CONNECTIONS_PER_WORKER * settings.queue.workers),
        user_agent=f"imagegen/{version.partition('+')[0]}",
    )


def _label(settings: Settings) -> Label | None:
    """Return the label for images if it is enabled."""
    label = settings.aigc_label
    if not label.enabled:
        return None
    from imagegen_adapters.images.label import AigcImageLabel  # with a parser of XML

    return AigcImageLabel(producer=label.producer.strip())


def _limits(settings: Settings) -> Limits:
    return Limits(
        queue_size=settings.queue.size,
        workers=settings.queue.workers,
        shutdown_grace_seconds=settings.shutdown_grace_seconds,
        default_provider=settings.default_provider,
    )


def file_configs(settings: Settings) -> dict[str, ProviderConfig]:
    """Return the file's layer, with the built-in demo below it unless the file disables that."""
    demo = ProviderConfig(
        provider_name="demo", kind="demo", display_name="演示 Demo", source=ConfigSource.FILE
    )
    configs = {"demo": demo, **settings.providers}
    named = configs["demo"]
    configs["demo"] = attrs.evolve(named, kind=named.kind or demo.kind)
    if not configs["demo"].is_enabled:
        del configs["demo"]
    return configs
