"""Runs all checks in order; read it from top to bottom."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from imagegen_adapters.databases.data_directory import DATABASE_FILE, IMAGES_DIRECTORY, DataDirectory
from imagegen_adapters.image_records.reindex import index_state
from imagegen_adapters.simplifiers.opencc import simplify
from imagegen_adapters.stores.outbox import SqlOutbox
from imagegen_adapters.stores.schema import SchemaTooOld
from imagegen_adapters.stores.sql import SqliteSql
from imagegen_adapters.stores.sqlite.database import Database, integrity_errors
from imagegen_adapters.stores.sqlite.engine import SqliteTooOld, check_sqlite, sqlite_name, sqlite_warning
from imagegen_core.errors import ImagegenError
from imagegen_core.messages import Message
from imagegen_http.composition.backends import cluster_module
from imagegen_http.composition.checkup import database, directory, orphan_files, stores
from imagegen_http.composition.checkup.checks import Check, Health, fail, ok, warn
from imagegen_http.composition.checkup.messages import CheckCode
from imagegen_http.composition.provider_listing import saved_configs
from imagegen_http.runtime.running_server import RunningServer
from imagegen_http.settings.schema import Settings

Progress = Callable[[float], None]


async def run_checks(
    settings: Settings, environ: Mapping[str, str], *, warning: Message | None, full: bool, progress: Progress
) -> tuple[Check, ...]:
    """Check everything and change nothing.

    Args:
        settings: the settings of the service, which are valid.
        environ: may contain the master key.
        warning: of the file of the settings.
        full: also read every local image and compare its SHA-256.
        progress: is called with the fraction of the images that was checked, 0.0 to 1.0.
    """
    if settings.database is not None:
        return await _cluster_checks(settings, environ, _configuration(warning))
    sqlite = _sqlite()
    checks = [_configuration(warning), sqlite]
    data_dir = settings.data_dir
    if not data_dir.is_dir():
        reason = CheckCode.NO_DATA_DIRECTORY(path=str(data_dir), hint=CheckCode.OTHER_DIRECTORY())
        return (*checks, fail("data directory", reason))
    running = RunningServer.find(data_dir)
    checks += await asyncio.to_thread(directory.check_directory, data_dir)
    checks.append(directory.server(data_dir, running))
    has_server = running is not None
    async with _database(data_dir, sqlite) as (open_database, check):
        checks.append(check)
        if open_database is not None:
            checks.append(await database.master_key(open_database, data_dir, environ))
            checks += await database.tasks(open_database, has_server=has_server)
            checks.append(await database.clock(open_database))
            checks.append(await stores.images(open_database, data_dir, full=full, progress=progress))
            checks.append(await orphan_files.orphans(open_database, data_dir, has_server=has_server))
            checks.append(database.search_index(await index_state(open_database, simplify)))
            checks += await stores.outbox(SqlOutbox(SqliteSql(open_database)), settings)
            checks += await database.providers(saved_configs(open_database), settings)
    checks += await stores.bucket(settings, _installation_id(data_dir))
    checks.append(stores.disk(settings))
    return tuple(checks)


def _configuration(warning: Message | None) -> Check:
    name = "configuration"
    return ok(name, CheckCode.SETTINGS_VALID()) if warning is None else warn(name, warning)


async def _cluster_checks(
    settings: Settings, environ: Mapping[str, str], configuration: Check
) -> tuple[Check, ...]:
    """Check a node of a cluster; its images are in the bucket, whatever is on its disk."""
    cluster_module()  # says what is missing, before it is imported here
    from imagegen_http.composition.checkup import cluster

    checks = [configuration]
    data_dir = settings.data_dir
    if data_dir.is_dir():
        checks += await asyncio.to_thread(directory.check_directory, data_dir)
        checks.append(directory.server(data_dir, RunningServer.find(data_dir)))
        checks.append(stores.disk(settings))
    checks += await cluster.check_database(settings, environ)
    checks += await stores.bucket(settings, await cluster.known_installation_id(settings))
    return tuple(checks)


def _sqlite() -> Check:
    try:
        check_sqlite()
    except SqliteTooOld as error:
        return fail("sqlite", error.reason)
    warning = sqlite_warning()
    return ok("sqlite", sqlite_name()) if warning is None else warn("sqlite", warning)


def _installation_id(data_dir: Path) -> str | None:
    """Return the id of the directory, empty if it has none; None if another check says why."""
    try:
        return DataDirectory.open(data_dir, lock=False).known_installation_id() or ""
    except ImagegenError:
        return None


def _without_database(data_dir: Path) -> Check:
    if any((data_dir / IMAGES_DIRECTORY).glob("*/*")):
        return fail("database", CheckCode.DATABASE_LOST())
    return warn("database", CheckCode.NO_DATABASE_YET(hint=CheckCode.OTHER_DIRECTORY()))


@asynccontextmanager
async def _database(data_dir: Path, sqlite: Check) -> AsyncIterator[tuple[Database | None, Check]]:
    """Yield the database opened for reading, if it can be, and the check of it."""
    path = data_dir / DATABASE_FILE
    if not path.exists():
        yield None, _without_database(data_dir)
    elif sqlite.health is Health.FAIL:
        yield None, warn("database", CheckCode.DATABASE_NOT_READ())
    elif errors := await asyncio.to_thread(integrity_errors, path):
        yield None, fail("database", CheckCode.DATABASE_FAULTY(detail=errors[0]))
    else:
        async with _open_database(path) as opened:
            yield opened


@asynccontextmanager
async def _open_database(path: Path) -> AsyncIterator[tuple[Database | None, Check]]:
    """Yield the database and its check; None if it has another schema, or cannot be read."""
    try:
        open_database = await asyncio.to_thread(Database.open, path, read_only=True)
    except SchemaTooOld as error:
        yield None, warn("database", error.reason)
        return
    except ImagegenError as error:
        yield None, fail("database", error.reason)
        return
    try:
        yield open_database, ok("database", CheckCode.DATABASE_WHOLE())
    finally:
        await open_database.close()
