"""Commands without a service: check settings, list providers, back up, restore, rotate keys."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from imagegen_adapters.backup import BackupReport, Progress, RestoreReport, restore_backup, write_backup
from imagegen_adapters.outbound.client import Outbound
from imagegen_adapters.providers import compose_providers
from imagegen_adapters.secrets import (
    FernetSecretBox,
    KeyCode,
    MasterKeyRefused,
    parse_keys,
    read_keys,
    reseal,
    rotate_master_key,
    write_witness,
)
from imagegen_adapters.stores.configs import SqlProviderConfigs, SqlSealedRows
from imagegen_adapters.stores.directory import DATABASE_FILE, DataDirectory
from imagegen_adapters.stores.sql import Sql, SqliteSql
from imagegen_adapters.stores.sqlite.database import Database
from imagegen_adapters.system import SystemClock
from imagegen_core.errors import ImagegenError, Unavailable
from imagegen_core.messages import Message
from imagegen_core.resolving import ProviderKinds, ProviderListing, ResolveProvider
from imagegen_core.secrets import Redactor
from imagegen_http.api.providers import ProviderConfig
from imagegen_http.service import (
    check_file_providers,
    default_provider_warning,
    file_configs,
    open_archive,
    require_cluster,
    require_mcp,
)
from imagegen_http.settings.schema import SettingCode, Settings, SettingsError

if TYPE_CHECKING:
    from imagegen_adapters.move import MoveReport


async def check_settings(settings: Settings) -> list[Message]:
    """Check what only the adapters can judge, and return warnings; nothing is created, no request sent."""
    async with aclosing(Outbound(allow_private=settings.security.allow_private_upstreams)) as outbound:
        kinds = ProviderKinds(adapters=compose_providers(SystemClock(), outbound))
        warnings = check_file_providers(kinds, settings.providers)
        if settings.database is not None:
            require_cluster()
        if settings.mcp.enabled:
            require_mcp()
        archive = open_archive(settings, outbound.gate)
        if archive is not None:
            await archive.aclose()
        warning = await check_default_provider(settings)
        return warnings if warning is None else [*warnings, warning]


def backup(settings: Settings, target: Path, *, force: bool, progress: Progress) -> BackupReport:
    """Write database, images and spooled inputs to one file; a service may be running."""
    _check_one_box(settings)
    return write_backup(settings.data_dir, target, now=SystemClock().now(), force=force, progress=progress)


def restore(settings: Settings, file: BinaryIO, *, progress: Progress) -> RestoreReport:
    """Fill an empty data directory from a backup file that is open for reading."""
    _check_one_box(settings)
    return restore_backup(file, settings.data_dir, now=SystemClock().now(), progress=progress)


async def move(
    settings: Settings,
    environ: Mapping[str, str],
    *,
    dsn: str,
    dry_run: bool,
    accept_missing: bool,
    progress: Callable[[str, int, int], None],
) -> "MoveReport":
    """Move the data directory to the database at ``dsn`` and the bucket, or only check whether that works."""
    from imagegen_adapters import move as moves  # an extra

    async with aclosing(Outbound(allow_private=settings.security.allow_private_upstreams)) as outbound:
        keys, archive = environ.get("IMAGEGEN_MASTER_KEY"), partial(open_archive, settings, outbound.gate)
        async with moves.opened(settings.data_dir, keys, archive) as origin:
            if dry_run:
                return await moves.rehearse(origin, dsn)
            return await moves.move(origin, dsn, accept_missing=accept_missing, progress=progress)


def _check_one_box(settings: Settings) -> None:
    if settings.database is not None:
        raise SettingsError("database", SettingCode.NOT_IN_DATA_DIRECTORY())


async def rotate_keys(settings: Settings, environ: Mapping[str, str]) -> int:
    """Rotate to a new master key, or the variable's first; return how many secrets were sealed again."""
    variable = environ.get("IMAGEGEN_MASTER_KEY")
    async with AsyncExitStack() as stack:
        if settings.database is not None:
            from imagegen_adapters.stores.postgresql import database as postgresql  # an extra
            from imagegen_adapters.stores.postgresql.installation import PostgresqlMasterKey

            shared = await postgresql.Database.open(settings.database)
            stack.push_async_callback(shared.close)  # nodes that have both keys may keep running
            return await PostgresqlMasterKey(shared, environment_keys=variable).rotate()
        if not variable and read_keys(settings.data_dir) is None:
            raise MasterKeyRefused(KeyCode.NO_MASTER_KEY_FILE())
        directory = stack.enter_context(closing(DataDirectory.open(settings.data_dir, create=False)))
        database = Database.open(directory.database)
        stack.push_async_callback(database.close)
        rows = SqlSealedRows(SqliteSql(database))
        if not variable:
            return await rotate_master_key(directory.path, rows)
        if len(parse_keys(variable)) == 1:
            raise MasterKeyRefused(KeyCode.ONE_KEY_ONLY())
        tokens = [row.token async for row in rows.all()]
        box = FernetSecretBox.for_inspection(directory.path, environment_keys=variable, tokens=tokens)
        if box.lock_reason is not None:
            raise Unavailable(KeyCode.SAVED_KEYS_LOCKED(reason=box.lock_reason))
        count = await reseal(box, rows)
        write_witness(directory.path, box.new_witness())
        return count


# ---------------------------------------------------------------- the providers


@asynccontextmanager
async def open_listing(settings: Settings, sql: Sql | None = None) -> AsyncIterator[ProviderListing]:
    """Yield the listing of the file's providers and those saved in a database; it needs no master key."""
    sql = SqliteSql(Database.in_memory()) if sql is None else sql
    async with aclosing(Outbound(allow_private=settings.security.allow_private_upstreams)) as outbound:
        yield ProviderListing(
            resolve=ResolveProvider(
                configs=SqlProviderConfigs(sql, FernetSecretBox(())),
                file_configs=file_configs(settings),
                default_provider=settings.default_provider,
                kinds=ProviderKinds(adapters=compose_providers(SystemClock(), outbound)),
                redactor=Redactor(),
                clock=SystemClock(),
            )
        )


async def check_default_provider(settings: Settings) -> Message | None:
    """Check with the local database, if readable; a database server is for `doctor` and each start."""
    if settings.database is not None:
        return None
    async with AsyncExitStack() as stack:
        sql = None
        try:
            path = settings.data_dir / DATABASE_FILE
            if path.exists():
                database = Database.open(path, read_only=True)
                stack.push_async_callback(database.close)
                sql = SqliteSql(database)
        except (ImagegenError, OSError):
            return None  # the database's own check reports it
        providers = await stack.enter_async_context(open_listing(settings, sql))
        return await default_provider_warning(providers)


async def configured_without_data(settings: Settings) -> list[ProviderConfig] | None:
    """Return what the API would list; None if a database may add to it. Nothing is opened or created."""
    if settings.database is not None:
        return None
    try:
        (settings.data_dir / DATABASE_FILE).stat()
    except FileNotFoundError:
        async with open_listing(settings) as providers:
            check_file_providers(providers.resolve.kinds, settings.providers)
            today = SystemClock().now().date()
            return [ProviderConfig.from_resolved(p, today) for p in await providers.configured()]
    except OSError:  # opening the database reports it
        return None
    return None
