"""Read-only checks of an installation, whether or not its service runs."""

import asyncio
import hashlib
import itertools
import os
import stat
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing, suppress
from datetime import timedelta
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from imagegen_adapters.outbound.client import Outbound
from imagegen_adapters.plugins import (
    ARCHIVES,
    PROVIDERS,
    PluginBroken,
    PluginCode,
    installed,
    load,
    packages_of,
)
from imagegen_adapters.providers import compose_providers
from imagegen_adapters.secrets import CHECK_FILE, KEY_FILE, FernetSecretBox, KeyCode, MasterKeyRefused
from imagegen_adapters.stores import SchemaTooOld
from imagegen_adapters.stores.configs import SqlSealedRows
from imagegen_adapters.stores.directory import DATABASE_FILE, IMAGES_DIRECTORY, DataDirectory
from imagegen_adapters.stores.outbox import SqlOutbox
from imagegen_adapters.stores.rows import from_json, to_timestamp
from imagegen_adapters.stores.search import IndexState
from imagegen_adapters.stores.sql import PostgresqlSql, Sql, SqliteSql
from imagegen_adapters.stores.sqlite.database import Database, integrity_errors
from imagegen_adapters.stores.sqlite.engine import SqliteTooOld, check_sqlite, sqlite_name, sqlite_warning
from imagegen_adapters.stores.sqlite.search import index_state, sqlite_gallery
from imagegen_adapters.system import SystemClock, SystemDiskSpace, simplify
from imagegen_core.errors import ImagegenError, ProviderEnded, Refusal, StorageError
from imagegen_core.images import Image, StorageState
from imagegen_core.messages import Argument, Message, MessageCode, RefusalCode
from imagegen_core.ports.blobs import is_key
from imagegen_http.errors import user_name
from imagegen_http.offline import open_listing
from imagegen_http.running_server import SERVER_FILE, RunningServer
from imagegen_http.service import default_provider_warning, open_archive, require_cluster, require_mcp
from imagegen_http.settings.loader import MASTER_KEY
from imagegen_http.settings.schema import WORKER, Settings, SettingsError

if TYPE_CHECKING:
    from imagegen_adapters.stores.postgresql.installation import Activity, Inspection

Progress = Callable[[float], None]


class Health(StrEnum):
    """``fail``: images or keys are or will be lost; ``warn``: an operator should look at it."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


class CheckCode(MessageCode, words="imagegen_http"):
    """What was found, and what an operator can do about it."""


@attrs.frozen
class Check:
    """What was checked, and a sentence about it that contains no secret."""

    name: str
    message: Message
    health: Health


ok, warn, fail = (partial(Check, health=health) for health in Health)


async def run_checks(
    settings: Settings, environ: Mapping[str, str], *, warning: Message | None, full: bool, progress: Progress
) -> tuple[Check, ...]:
    """Run all checks. ``full`` also hashes each local image; ``progress`` gets the fraction that is done."""
    checks = [ok("configuration", CheckCode.SETTINGS_VALID())]
    if warning is not None:
        checks = [warn("configuration", warning)]
    checks += [*await _adapters(settings), *_pillow()]
    data_dir = settings.data_dir
    running = RunningServer.find(data_dir)
    if settings.mcp.enabled:
        require_mcp()
    if settings.database is not None:
        require_cluster()  # says what is missing, before an import fails
        if data_dir.is_dir():
            checks += [*await asyncio.to_thread(_directory, data_dir, running), _disk(settings)]
        shared, installation_id = await _shared_database(settings, environ)
        return (*checks, *shared, *await _bucket(settings, installation_id))
    checks.append(sqlite := _sqlite())
    if not data_dir.is_dir():
        reason = CheckCode.NO_DATA_DIRECTORY(path=str(data_dir), hint=CheckCode.OTHER_DIRECTORY())
        return (*checks, fail("data directory", reason))
    checks += await asyncio.to_thread(_directory, data_dir, running)
    has_server = running is not None
    database, check = await _open_database(data_dir, sqlite)
    checks.append(check)
    if database is not None:
        try:
            sql, index = SqliteSql(database), await index_state(database, simplify)
            checks += [
                await _master_key(sql, partial(_local_box, data_dir, environ)),
                *await _tasks(sql, has_server=has_server),
                await _clock(sql),
                await _images(database, data_dir, full=full, progress=progress),
                await _orphans(database, data_dir, has_server=has_server),
                *await _stores(sql, index, settings),
            ]
        finally:
            await database.close()
    return (*checks, *await _bucket(settings, _installation_id(data_dir)), _disk(settings))


def _pillow() -> list[Check]:
    """Say which images cannot be read here; nothing if all can."""
    from PIL import features  # not at the top: all commands would load it

    return [] if features.check("avif") else [warn("pillow", CheckCode.PILLOW_LACKS_AVIF())]


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


async def _open_database(data_dir: Path, sqlite: Check) -> tuple[Database | None, Check]:
    """Return the database, opened read-only if possible, and its check."""
    path = data_dir / DATABASE_FILE
    if not path.exists() and any((data_dir / IMAGES_DIRECTORY).glob("*/*")):
        return None, fail("database", CheckCode.DATABASE_LOST())
    if not path.exists():
        return None, warn("database", CheckCode.NO_DATABASE_YET(hint=CheckCode.OTHER_DIRECTORY()))
    if sqlite.health is Health.FAIL:
        return None, warn("database", CheckCode.DATABASE_NOT_READ())
    if errors := await asyncio.to_thread(integrity_errors, path):
        return None, fail("database", CheckCode.DATABASE_FAULTY(detail=errors[0]))
    try:
        database = await asyncio.to_thread(Database.open, path, read_only=True)
    except ImagegenError as error:
        return None, (warn if isinstance(error, SchemaTooOld) else fail)("database", error.reason)
    return database, ok("database", CheckCode.DATABASE_WHOLE())


# ---------------------------------------------------------------- the data directory and its server

_GROUP_AND_OTHERS_BITS = 0o077
_MAX_LISTED_NAMES = 5


@attrs.define
class _Findings:
    """Counts the entries with one problem, and keeps the names of the first few."""

    count: int = 0
    first: list[Message | str] = attrs.field(factory=list)

    def add(self, name: Message | str) -> None:
        self.count += 1
        if len(self.first) < _MAX_LISTED_NAMES:
            self.first.append(name)

    @property
    def names(self) -> Argument:
        if self.count <= _MAX_LISTED_NAMES:
            return tuple(self.first)
        return CheckCode.AND_MORE(entries=tuple(self.first), count=self.count - _MAX_LISTED_NAMES)


def _directory(data_dir: Path, running: RunningServer | None) -> list[Check]:
    """Check owner and permissions, and whether a server works or was killed there; blocks."""
    server = ok("server", CheckCode.NO_SERVER())
    if running is not None:
        server = ok("server", CheckCode.SERVER_RUNS(url=running.url))
    elif (data_dir / SERVER_FILE).exists():
        server = warn("server", CheckCode.SERVER_KILLED(file=SERVER_FILE))
    return [*_permissions(data_dir), server]


def _permissions(data_dir: Path) -> list[Check]:
    owner = data_dir.stat().st_uid
    if not os.access(data_dir, os.R_OK | os.W_OK | os.X_OK):
        user = user_name(os.geteuid())
        reason = CheckCode.NOT_ACCESSIBLE(path=str(data_dir), user=user, owner=user_name(owner))
        return [fail("data directory", reason)]
    foreign, exposed, closed = _Findings(), _Findings(), _Findings()
    for path, status in _entries(data_dir):
        label = str(path.relative_to(data_dir)) if path != data_dir else CheckCode.DIRECTORY_ITSELF()
        if status.st_uid != owner:
            foreign.add(CheckCode.ENTRY_OF(entry=label, user=user_name(status.st_uid)))
        elif not _usable(path, status, data_dir):
            closed.add(label)
        if stat.S_IMODE(status.st_mode) & _GROUP_AND_OTHERS_BITS and not stat.S_ISLNK(status.st_mode):
            exposed.add(label)
    name, folder = user_name(owner), str(data_dir)
    checks = [ok("owner", CheckCode.OWNED(owner=name))]
    if foreign.count:
        reason = CheckCode.FOREIGN_ENTRIES(entries=foreign.names, path=folder, owner=name)
        checks = [fail("owner", reason)]
    if closed.count:
        checks.append(fail("modes", CheckCode.CLOSED_TO_OWNER(entries=closed.names, path=folder)))
    elif os.statvfs(data_dir).f_flag & os.ST_RDONLY:
        checks.append(fail("modes", CheckCode.MOUNTED_READ_ONLY(path=folder)))
    else:
        checks.append(ok("modes", CheckCode.OPEN_TO_OWNER()))
    if exposed.count:
        reason = CheckCode.READABLE_BY_OTHERS(entries=exposed.names, path=folder)
        return [*checks, warn("data directory", reason)]
    return [*checks, ok("data directory", CheckCode.FOR_OWNER_ONLY(path=folder))]


def _usable(path: Path, status: os.stat_result, data_dir: Path) -> bool:
    """Return whether the owner can use it: images are only read, database and keys also written."""
    needed = stat.S_IRUSR
    if stat.S_ISDIR(status.st_mode):
        needed = stat.S_IRWXU
    elif path.parent == data_dir:
        needed |= stat.S_IWUSR
    return stat.S_ISLNK(status.st_mode) or status.st_mode & needed == needed


def _entries(data_dir: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Yield the directory and everything below it; files may vanish meanwhile, as SQLite's do."""
    yield data_dir, data_dir.stat()
    for folder, folders, files in os.walk(data_dir):
        for name in (*folders, *files):
            path = Path(folder, name)
            with suppress(FileNotFoundError):
                yield path, path.lstat()


# ---------------------------------------------------------------- the archive, the disk

_BUCKET_SECONDS = 10.0
_MIB = 1024 * 1024


async def _bucket(settings: Settings, installation_id: str | None) -> list[Check]:
    """Check that the archive responds, and that its prefix is free or ours; without an id only the former."""
    from imagegen_adapters.archives.prefix import PrefixTaken

    name = settings.storage.archive_name
    if name is None:
        return []
    try:
        async with aclosing(Outbound(allow_private=settings.security.allow_private_upstreams)) as outbound:
            archive = open_archive(settings, outbound.gate, idle_seconds=_BUCKET_SECONDS)
            if archive is not None:
                async with aclosing(archive):
                    await archive.stat("probe")
                    if installation_id is not None and settings.storage.archive is None:
                        await archive.prefix.check(installation_id)
    except (SettingsError, PrefixTaken) as error:
        return [fail(name, error.reason)]
    except ImagegenError as error:
        return [warn(name, error.reason)]
    return [ok(name, CheckCode.ARCHIVE_ANSWERS())]


async def _adapters(settings: Settings) -> list[Check]:
    """Load the adapters of other packages, and say which cannot be used."""
    checks = []
    async with aclosing(Outbound(allow_private=settings.security.allow_private_upstreams)) as outbound:
        providers = compose_providers(SystemClock(), outbound)
        for group, own in ((PROVIDERS, {*providers.data}), (ARCHIVES, {"oss", "s3"})):
            for kind in installed(group):
                name, packages = f"{group.rpartition('.')[2][:-1]} {kind}", packages_of(group, kind)
                try:
                    if kind in own:
                        raise PluginBroken(PluginCode.OWN_KIND(kind=kind))
                    if group == PROVIDERS:
                        providers[kind].extra_keys  # noqa: B018 - it tells what is wrong
                    else:
                        load(group, kind, lambda factory: factory, object)
                except (PluginBroken, ProviderEnded) as error:
                    reason = CheckCode.ADAPTER_UNUSABLE(packages=packages, reason=error.reason)
                    checks.append(warn(name, reason))
                else:
                    checks.append(ok(name, CheckCode.ADAPTER_OF(packages=packages)))
    return checks


def _disk(settings: Settings) -> Check:
    space = SystemDiskSpace(settings.data_dir, settings.storage.min_free_mb * _MIB)
    try:
        free = space.free_bytes() // _MIB
    except StorageError as error:
        return warn("disk", error.reason)
    if space.has_room():
        return ok("disk", CheckCode.DISK_FREE(free=free))
    return warn("disk", CheckCode.DISK_LOW(free=free, minimum=settings.storage.min_free_mb))


# ---------------------------------------------------------------- any database

_STUCK_AFTER = timedelta(days=1)
_RECENT = timedelta(days=7)

_OPEN_TASKS = """
SELECT
    count(*) FILTER (WHERE status = 'pending'),
    count(*) FILTER (WHERE status = 'processing'),
    count(*) FILTER (WHERE created_at < :stuck_since)
FROM tasks WHERE status IN ('pending', 'processing')
"""
_UNKNOWN_OUTCOMES = """
SELECT count(*) FROM tasks
WHERE status = 'failed' AND completed_at > :recent AND failure ->> 'code' = 'outcome_unknown'
"""


async def _tasks(sql: Sql, *, has_server: bool) -> list[Check]:
    """Count open tasks, stuck ones, and recent unknown outcomes."""
    now = SystemClock().now()
    stuck_since, recent = to_timestamp(now - _STUCK_AFTER), to_timestamp(now - _RECENT)
    ((pending, processing, stuck),) = await sql.rows(_OPEN_TASKS, stuck_since=stuck_since)
    ((unclear,),) = await sql.rows(_UNKNOWN_OUTCOMES, recent=recent)
    summary = CheckCode.TASK_COUNTS(pending=pending, processing=processing)
    checks = [ok("tasks", summary)]
    if processing and not has_server:
        checks = [warn("tasks", CheckCode.TASKS_WITHOUT_SERVER(counts=summary))]
    elif stuck:
        checks = [warn("tasks", CheckCode.TASKS_STUCK(counts=summary, stuck=stuck))]
    if unclear:
        checks.append(warn("unknown outcomes", CheckCode.OUTCOMES_UNKNOWN(count=unclear)))
    return checks


_WEBHOOKS_OFF = "SELECT id, disabled_reason FROM webhooks WHERE disabled_reason IS NOT NULL ORDER BY id"


async def _stores(sql: Sql, index: IndexState, settings: Settings) -> list[Check]:
    """Check search index, outbox, webhooks and provider configurations."""
    checks = [ok("search index", CheckCode.INDEX_CURRENT())]
    if index is not IndexState.CURRENT:
        code = CheckCode.INDEX_MISSING if index is IndexState.MISSING else CheckCode.INDEX_STALE
        checks = [warn("search index", code())]
    counts = await SqlOutbox(sql).counts()
    waiting = CheckCode.OUTBOX_WAITING(uploads=counts.uploads, removals=counts.removals)
    if counts.last_error is not None:
        reason = CheckCode.OUTBOX_FAILING(waiting=waiting, count=counts.failing, reason=counts.last_error)
        checks.append(warn("outbox", reason))
    elif settings.storage.archive_name:
        checks.append(ok("outbox", waiting))
    for row in await sql.rows(_WEBHOOKS_OFF):
        reason = CheckCode.WEBHOOK_OFF(webhook=row["id"], reason=from_json(row["disabled_reason"], Message))
        checks.append(warn("webhooks", reason))
    return [*checks, *await _providers(sql, settings)]


async def _master_key(
    sql: Sql, open_box: Callable[[Sequence[str]], Awaitable[FernetSecretBox | None]]
) -> Check:
    """Check whether the master key opens all sealed secrets."""
    tokens = [row.token async for row in SqlSealedRows(sql).all()]
    try:
        box = await open_box(tokens)
    except MasterKeyRefused as error:
        return fail("master key", error.reason)
    if box is None:
        return ok("master key", CheckCode.NO_KEY_YET())
    reason = box.lock_reason
    if reason is None and not all(map(box.opens, tokens)):
        reason = KeyCode.OTHER_MASTER_KEY()
    if reason is not None:
        return fail("master key", CheckCode.SECRETS_LOCKED(reason=reason, count=len(tokens)))
    return ok("master key", CheckCode.SECRETS_OPEN(count=len(tokens)))


async def _providers(sql: Sql, settings: Settings) -> list[Check]:
    """Check saved and file configurations for errors and retired models."""
    try:
        async with open_listing(settings, sql) as listing:
            configured = await listing.configured()
            default_warning = await default_provider_warning(listing)
    except Refusal as error:
        return [warn("providers", error.reason)]
    today = SystemClock().now().date()
    enabled = [provider for provider in configured if provider.config.is_enabled]
    warnings = [
        warn("providers", RefusalCode.PROBLEM(field=provider.config.provider_name, reason=warning))
        for provider in enabled
        for warning in (*provider.name_warnings, *provider.endings_on(today))
    ]
    if default_warning is not None:
        warnings.append(warn("default provider", default_warning))
    return warnings or [ok("providers", CheckCode.PROVIDERS_ENABLED(count=len(enabled)))]


# ---------------------------------------------------------------- a data directory's database and images

_CLOCK_TOLERANCE = timedelta(minutes=5)
_NEWEST_TASK = "SELECT created_at FROM tasks ORDER BY seq DESC LIMIT 1"


async def _local_box(
    data_dir: Path, environ: Mapping[str, str], tokens: Sequence[str]
) -> FernetSecretBox | None:
    variable = environ.get(MASTER_KEY)
    if not (variable or tokens or (data_dir / KEY_FILE).exists() or (data_dir / CHECK_FILE).exists()):
        return None
    return FernetSecretBox.for_inspection(data_dir, environment_keys=variable, tokens=tokens)


async def _clock(sql: Sql) -> Check:
    """Check whether the clock was set back since the newest task."""
    now = SystemClock().now()
    for (newest,) in await sql.rows(_NEWEST_TASK):
        if newest > to_timestamp(now + _CLOCK_TOLERANCE):
            return warn("clock", CheckCode.CLOCK_BEHIND(now=to_timestamp(now), newest=newest))
    return ok("clock", CheckCode.CLOCK_RIGHT(now=to_timestamp(now)))


# ---------------------------------------------------------------- the files of images

_BATCH_SIZE = 1000
_MAX_LISTED = 3


async def _images(database: Database, data_dir: Path, *, full: bool, progress: Progress) -> Check:
    """Check that local images are on this disk, by size or, if ``full``, by checksum."""
    gallery, root = sqlite_gallery(database), data_dir / IMAGES_DIRECTORY
    local_count, last, damaged_ids, read_count = 0, 0, [], 0
    ((total,),) = await SqliteSql(database).rows("SELECT value FROM counters WHERE name = 'images'")
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
    return ok("pictures", (CheckCode.BYTES_INTACT if full else CheckCode.FILES_INTACT)(total=local_count))


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
    ((never_used,),) = await SqliteSql(database).rows(_NEVER_USED)
    if never_used:
        return fail("orphans", CheckCode.DATABASE_REPLACED(count=count, path=str(data_dir)))
    return warn("orphans", CheckCode.ORPHANS(count=count, path=f"{IMAGES_DIRECTORY}/{first}"))


def _files(root: Path, before: float) -> Iterator[str]:
    for folder, _, names in os.walk(root):
        for path in (Path(folder, name) for name in names):
            key = path.relative_to(root).as_posix()
            with suppress(FileNotFoundError):
                if is_key(key) and path.lstat().st_mtime < before:
                    yield key


# ---------------------------------------------------------------- a database that nodes share

_MAX_CLOCK_DIFFERENCE = timedelta(seconds=5)
_DURABLE = frozenset({"on", "local", "remote_write", "remote_apply"})


async def _shared_database(settings: Settings, environ: Mapping[str, str]) -> tuple[list[Check], str | None]:
    """Check the server and, if the schema is this version's, the contents; return the nodes' common id, too.

    The id is None if the database cannot be read.
    """
    from imagegen_adapters.stores.postgresql import database as postgresql
    from imagegen_adapters.stores.postgresql import installation, search

    dsn, common_id = settings.database or "", None
    try:
        inspection = await installation.inspect(dsn, SystemClock())
        database = await postgresql.Database.open(dsn, migrating=False)
        try:
            common_id = await postgresql.installation_id(database)
            sql, activity = PostgresqlSql(database), await installation.read_activity(database)
            limit = settings.cluster.dead_after_seconds
            alive = tuple(node.name for node in activity.nodes if node.silent_seconds < limit)
            keys = installation.PostgresqlMasterKey(database, environment_keys=environ.get(MASTER_KEY))
            index = await search.index_state(database, simplify)
            needed = postgresql.DEFAULT_POLICY.max_connections + installation.CONNECTIONS_BESIDE_POOL
            checks = [
                ok("database", CheckCode.SERVER_OF(version=inspection.version)),
                _durability(inspection),
                _connections(inspection, nodes=max(1, len(alive)), needed_by_each=needed),
                _clock_difference(inspection.clock_difference),
                _nodes(activity, alive),
                await _master_key(sql, lambda _: keys.open_box(create=False)),
                *await _tasks(sql, has_server=bool(alive)),
                *await _stores(sql, index, settings),
            ]
        finally:
            await database.close()
    except ImagegenError as error:
        checks = [(warn if isinstance(error, SchemaTooOld) else fail)("database", error.reason)]
    return checks, common_id


def _durability(inspection: "Inspection") -> Check:
    value = inspection.synchronous_commit
    if not inspection.keeps_commits:
        return fail("durability", CheckCode.DISK_NOT_SYNCED())
    if value not in _DURABLE:
        return fail("durability", CheckCode.COMMITS_LOST(value=value))
    return ok("durability", CheckCode.COMMITS_KEPT(value=value))


def _connections(inspection: "Inspection", *, nodes: int, needed_by_each: int) -> Check:
    if not inspection.keeps_settings:
        return warn("connections", CheckCode.SETTINGS_DROPPED())
    needed, maximum = nodes * needed_by_each, inspection.max_connections
    if needed > maximum:
        return warn("connections", CheckCode.TOO_FEW_CONNECTIONS(nodes=nodes, needed=needed, maximum=maximum))
    return ok("connections", CheckCode.ENOUGH_CONNECTIONS(nodes=nodes, needed=needed, maximum=maximum))


def _clock_difference(difference: timedelta) -> Check:
    if abs(difference) > _MAX_CLOCK_DIFFERENCE:
        return warn("clock", CheckCode.CLOCKS_DIFFER(seconds=f"{difference.total_seconds():+.1f}"))
    return ok("clock", CheckCode.CLOCKS_AGREE())


def _nodes(activity: "Activity", alive: tuple[str, ...]) -> Check:
    described = {
        node.name: f"{node.name} ({node.host} {', '.join(node.roles)} {node.version})"
        for node in activity.nodes
    }
    if silent := tuple(text for name, text in described.items() if name not in alive):
        return warn("nodes", CheckCode.NODES_SILENT(count=len(alive), nodes=silent))
    if not alive:
        return ok("nodes", CheckCode.NO_NODE())
    if not any(WORKER in node.roles for node in activity.nodes):
        return warn("nodes", CheckCode.NO_WORKER(count=len(alive)))
    return ok("nodes", CheckCode.NODES_ALIVE(count=len(alive), nodes=tuple(described.values())))
