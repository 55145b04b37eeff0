"""What a check is, and the checks of a data directory, its archive, its disk and its database."""

import os
import stat
from collections.abc import Iterator
from contextlib import aclosing, suppress
from datetime import timedelta
from enum import StrEnum
from functools import partial
from pathlib import Path

import attrs

from imagegen_adapters.archives.claim import PrefixTaken
from imagegen_adapters.outbound.client import Outbound
from imagegen_adapters.stores.outbox import SqlOutbox
from imagegen_adapters.stores.rows import to_timestamp
from imagegen_adapters.stores.search import IndexState
from imagegen_adapters.stores.sql import Sql
from imagegen_adapters.system import SystemClock, SystemDiskSpace
from imagegen_core.errors import ImagegenError, Refusal, StorageError
from imagegen_core.messages import Argument, Message, MessageCode, RefusalCode
from imagegen_core.ports.secrets import ProviderConfigs
from imagegen_http.errors import user_name
from imagegen_http.offline import open_listing
from imagegen_http.running_server import SERVER_FILE, RunningServer
from imagegen_http.service import default_provider_warning, open_archive
from imagegen_http.settings.schema import Settings, SettingsError


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


def check_directory(data_dir: Path, running: RunningServer | None) -> list[Check]:
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


# ---------------------------------------------------------------- the outbox, the archive, the disk

_BUCKET_SECONDS = 10.0
_MIB = 1024 * 1024


async def _outbox(sql: Sql, settings: Settings) -> list[Check]:
    counts = await SqlOutbox(sql).counts()
    waiting = CheckCode.OUTBOX_WAITING(uploads=counts.uploads, removals=counts.removals)
    if counts.last_error is not None:
        reason = CheckCode.OUTBOX_FAILING(waiting=waiting, count=counts.failing, reason=counts.last_error)
        return [warn("outbox", reason)]
    return [ok("outbox", waiting)] if settings.storage.archive_name else []


async def bucket(settings: Settings, installation_id: str | None) -> list[Check]:
    """Check that the archive responds, and that its prefix is free or ours; without an id only the former."""
    name = settings.storage.archive_name
    if name is None:
        return []
    try:
        async with aclosing(Outbound(allow_private=settings.security.allow_private_upstreams)) as outbound:
            archive = open_archive(settings, outbound.gate, idle_seconds=_BUCKET_SECONDS)
            if archive is not None:
                async with aclosing(archive):
                    await archive.stat("probe")
                    if installation_id is not None:
                        await archive.prefix.check(installation_id)
    except (SettingsError, PrefixTaken) as error:
        return [fail(name, error.reason)]
    except ImagegenError as error:
        return [warn(name, error.reason)]
    return [ok(name, CheckCode.ARCHIVE_ANSWERS())]


def disk(settings: Settings) -> Check:
    space = SystemDiskSpace(settings.data_dir, settings.storage.min_free_mb * _MIB)
    try:
        free = space.free_bytes() // _MIB
    except StorageError as error:
        return warn("disk", error.reason)
    if space.has_room():
        return ok("disk", CheckCode.DISK_FREE(free=free))
    return warn("disk", CheckCode.DISK_LOW(free=free, minimum=settings.storage.min_free_mb))


# ---------------------------------------------------------------- the database

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


async def tasks(sql: Sql, *, has_server: bool) -> list[Check]:
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


async def stores(sql: Sql, configs: ProviderConfigs, index: IndexState, settings: Settings) -> list[Check]:
    """Check search index, outbox and provider configurations."""
    outbox, providers = await _outbox(sql, settings), await _providers(configs, settings)
    return [_search_index(index), *outbox, *providers]


def _search_index(state: IndexState) -> Check:
    if state is IndexState.CURRENT:
        return ok("search index", CheckCode.INDEX_CURRENT())
    code = CheckCode.INDEX_MISSING if state is IndexState.MISSING else CheckCode.INDEX_STALE
    return warn("search index", code())


async def _providers(configs: ProviderConfigs, settings: Settings) -> list[Check]:
    """Check saved and file configurations for errors and retired models."""
    try:
        async with open_listing(settings, configs) as listing:
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
