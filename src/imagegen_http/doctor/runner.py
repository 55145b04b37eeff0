"""Read-only checks of an installation, whether or not its service runs."""

import asyncio
import hashlib
import itertools
import os
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path

from imagegen_adapters.secrets import CHECK_FILE, KEY_FILE, FernetSecretBox, KeyCode, MasterKeyRefused
from imagegen_adapters.stores.configs import SqlSealedRows
from imagegen_adapters.stores.directory import DATABASE_FILE, IMAGES_DIRECTORY, DataDirectory
from imagegen_adapters.stores.rows import to_timestamp
from imagegen_adapters.stores.sql import SchemaTooOld, SqliteSql
from imagegen_adapters.stores.sqlite.database import Database, integrity_errors
from imagegen_adapters.stores.sqlite.engine import SqliteTooOld, check_sqlite, sqlite_name, sqlite_warning
from imagegen_adapters.stores.sqlite.search import index_state, sqlite_gallery
from imagegen_adapters.system import SystemClock, simplify
from imagegen_core.errors import ImagegenError
from imagegen_core.images import Image, StorageState
from imagegen_core.messages import Message
from imagegen_core.ports.blobs import is_key
from imagegen_http.doctor.checks import (
    Check,
    CheckCode,
    Health,
    bucket,
    check_directory,
    disk,
    fail,
    ok,
    stores,
    tasks,
    warn,
)
from imagegen_http.offline import saved_configs
from imagegen_http.running_server import RunningServer
from imagegen_http.service import require_cluster
from imagegen_http.settings.schema import Settings

Progress = Callable[[float], None]


async def run_checks(
    settings: Settings, environ: Mapping[str, str], *, warning: Message | None, full: bool, progress: Progress
) -> tuple[Check, ...]:
    """Run all checks. ``full`` also hashes each local image; ``progress`` gets the fraction that is done."""
    configuration = ok("configuration", CheckCode.SETTINGS_VALID())
    if warning is not None:
        configuration = warn("configuration", warning)
    if settings.database is not None:
        return await _cluster_checks(settings, environ, configuration)
    sqlite, data_dir = _sqlite(), settings.data_dir
    checks = [configuration, sqlite]
    if not data_dir.is_dir():
        reason = CheckCode.NO_DATA_DIRECTORY(path=str(data_dir), hint=CheckCode.OTHER_DIRECTORY())
        return (*checks, fail("data directory", reason))
    running = RunningServer.find(data_dir)
    checks += await asyncio.to_thread(check_directory, data_dir, running)
    has_server = running is not None
    async with _database(data_dir, sqlite) as (database, check):
        checks.append(check)
        if database is not None:
            sql, index = SqliteSql(database), await index_state(database, simplify)
            checks += [
                await _master_key(database, data_dir, environ),
                *await tasks(sql, has_server=has_server),
                await _clock(database),
                await _images(database, data_dir, full=full, progress=progress),
                await _orphans(database, data_dir, has_server=has_server),
                *await stores(sql, saved_configs(database), index, settings),
            ]
    return (*checks, *await bucket(settings, _installation_id(data_dir)), disk(settings))


async def _cluster_checks(
    settings: Settings, environ: Mapping[str, str], configuration: Check
) -> tuple[Check, ...]:
    """Check a node of a cluster; its images are in the bucket."""
    require_cluster()  # says what is missing, before the import fails
    from imagegen_http.doctor import cluster

    checks, data_dir = [configuration], settings.data_dir
    if data_dir.is_dir():
        checks += await asyncio.to_thread(check_directory, data_dir, RunningServer.find(data_dir))
        checks.append(disk(settings))
    checks += await cluster.check_database(settings, environ)
    return (*checks, *await bucket(settings, await cluster.known_installation_id(settings)))


def _sqlite() -> Check:
    try:
        check_sqlite()
    except SqliteTooOld as error:
        return fail("sqlite", error.reason)
    warning = sqlite_warning()
    return ok("sqlite", sqlite_name()) if warning is None else warn("sqlite", warning)


def _installation_id(data_dir: Path) -> str | None:
    """Return the directory's id, empty if it has none; None if another check says why."""
    try:
        return DataDirectory.open(data_dir, lock=False).known_installation_id() or ""
    except ImagegenError:
        return None


@asynccontextmanager
async def _database(data_dir: Path, sqlite: Check) -> AsyncIterator[tuple[Database | None, Check]]:
    """Yield the database, opened read-only if possible, and its check."""
    path = data_dir / DATABASE_FILE
    if not path.exists() and any((data_dir / IMAGES_DIRECTORY).glob("*/*")):
        yield None, fail("database", CheckCode.DATABASE_LOST())
    elif not path.exists():
        yield None, warn("database", CheckCode.NO_DATABASE_YET(hint=CheckCode.OTHER_DIRECTORY()))
    elif sqlite.health is Health.FAIL:
        yield None, warn("database", CheckCode.DATABASE_NOT_READ())
    elif errors := await asyncio.to_thread(integrity_errors, path):
        yield None, fail("database", CheckCode.DATABASE_FAULTY(detail=errors[0]))
    else:
        try:
            database = await asyncio.to_thread(Database.open, path, read_only=True)
        except ImagegenError as error:
            yield None, (warn if isinstance(error, SchemaTooOld) else fail)("database", error.reason)
            return
        try:
            yield database, ok("database", CheckCode.DATABASE_WHOLE())
        finally:
            await database.close()


_CLOCK_TOLERANCE = timedelta(minutes=5)
_NEWEST_TASK = "SELECT created_at FROM tasks ORDER BY seq DESC LIMIT 1"


async def _master_key(database: Database, data_dir: Path, environ: Mapping[str, str]) -> Check:
    """Check whether the master key opens all sealed secrets."""
    tokens = [row.token async for row in SqlSealedRows(SqliteSql(database)).all()]
    variable = environ.get("IMAGEGEN_MASTER_KEY")
    if not (variable or tokens or (data_dir / KEY_FILE).exists() or (data_dir / CHECK_FILE).exists()):
        return ok("master key", CheckCode.NO_KEY_YET())
    try:
        box = FernetSecretBox.for_inspection(data_dir, environment_keys=variable, tokens=tokens)
    except MasterKeyRefused as error:
        return fail("master key", error.reason)
    if box.locked:
        reason = box.lock_reason or KeyCode.MASTER_KEY_MISSING()
        return fail("master key", CheckCode.SECRETS_LOCKED(reason=reason, count=len(tokens)))
    return ok("master key", CheckCode.SECRETS_OPEN(count=len(tokens)))


async def _clock(database: Database) -> Check:
    """Check whether the clock was set back since the newest task."""
    now = SystemClock().now()
    newest = await database.read(lambda c: c.execute(_NEWEST_TASK).fetchone())
    if newest is not None and newest[0] > to_timestamp(now + _CLOCK_TOLERANCE):
        return warn("clock", CheckCode.CLOCK_BEHIND(now=to_timestamp(now), newest=newest[0]))
    return ok("clock", CheckCode.CLOCK_RIGHT(now=to_timestamp(now)))


# ---------------------------------------------------------------- the files of images

_BATCH_SIZE = 1000
_MAX_LISTED = 3


async def _images(database: Database, data_dir: Path, *, full: bool, progress: Progress) -> Check:
    """Check that local images are on this disk, by size or, if ``full``, by checksum."""
    gallery, root = sqlite_gallery(database), data_dir / IMAGES_DIRECTORY
    local_count, last, damaged_ids, read_count = 0, 0, [], 0
    total = await database.read(
        lambda c: c.execute("SELECT value FROM counters WHERE name = 'images'").fetchone()[0]
    )
    while batch := await gallery.stored(after=last, limit=_BATCH_SIZE):
        local = _local(batch)
        damaged = await asyncio.to_thread(_damaged, root, local, full)
        for image in damaged:  # it may be deleted or expired by now
            current = _local(await gallery.stored(after=image.id - 1, limit=1))
            if await asyncio.to_thread(_damaged, root, [i for i in current if i.id == image.id], full):
                damaged_ids.append(image.id)
        last, local_count, read_count = batch[-1].id, local_count + len(local), read_count + len(batch)
        progress(read_count / max(total, 1))
    if damaged_ids:
        ids = tuple(map(str, damaged_ids[:_MAX_LISTED])) + ("…",) * (len(damaged_ids) > _MAX_LISTED)
        return fail("pictures", CheckCode.FILES_DAMAGED(count=len(damaged_ids), total=local_count, ids=ids))
    intact = CheckCode.BYTES_INTACT if full else CheckCode.FILES_INTACT
    return ok("pictures", intact(total=local_count))


def _local(images: Sequence[Image]) -> list[Image]:
    return [image for image in images if image.storage is not StorageState.ARCHIVE]


def _damaged(root: Path, images: Sequence[Image], full: bool) -> list[Image]:  # noqa: FBT001 - called through a thread
    def is_intact(image: Image) -> bool:
        path = root / image.blob_key
        try:
            is_complete = path.lstat().st_size == image.size_bytes
            if not (full and is_complete):
                return is_complete
            with path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest() == image.sha256
        except OSError:
            return False

    return [image for image in images if not is_intact(image)]


_KEY_BATCH_SIZE = 100_000
_MIN_ORPHAN_AGE_SECONDS = 3600  # a running server may still be about to record a younger file
_NEVER_USED = "SELECT sum(value) = 0 FROM counters WHERE name IN ('images', 'images_deleted')"


async def _orphans(database: Database, data_dir: Path, *, has_server: bool) -> Check:
    """Find image files without a record: of an aborted deletion, another database or ``storage_failed``."""
    inventory = sqlite_gallery(database)
    before = SystemClock().now().timestamp() - _MIN_ORPHAN_AGE_SECONDS if has_server else float("inf")
    files = _files(data_dir / IMAGES_DIRECTORY, before)
    count, first = 0, ""
    while keys := await asyncio.to_thread(lambda: list(itertools.islice(files, _KEY_BATCH_SIZE))):
        unknown = await inventory.unknown(keys)
        first = first or min(unknown, default="")
        count += len(unknown)
    if not count:
        return ok("orphans", CheckCode.NO_ORPHANS())
    if await database.read(lambda c: c.execute(_NEVER_USED).fetchone()[0]):
        return fail("orphans", CheckCode.DATABASE_REPLACED(count=count, path=str(data_dir)))
    return warn("orphans", CheckCode.ORPHANS(count=count, path=f"{IMAGES_DIRECTORY}/{first}"))


def _files(root: Path, before: float) -> Iterator[str]:
    for folder, _, names in os.walk(root):
        for path in (Path(folder, name) for name in names):
            key = path.relative_to(root).as_posix()
            with suppress(FileNotFoundError):
                if is_key(key) and path.lstat().st_mtime < before:
                    yield key
