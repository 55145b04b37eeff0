"""What a check is, what it says, and the checks of a data directory, its disk and its archive."""

import os
import stat
from collections.abc import Iterator
from datetime import timedelta
from enum import StrEnum
from pathlib import Path

import attrs

from imagegen_adapters.archives.claim import PrefixTaken
from imagegen_adapters.outbound.client import Outbound
from imagegen_adapters.stores.rows import to_timestamp
from imagegen_adapters.stores.search import IndexState
from imagegen_adapters.stores.sql import Sql
from imagegen_adapters.system import SystemClock, SystemDiskSpace
from imagegen_core.errors import ImagegenError, Refusal, StorageError
from imagegen_core.messages import Argument, Message, MessageCode
from imagegen_core.ports.outbox import Outbox
from imagegen_core.ports.secrets import ProviderConfigs
from imagegen_core.problems import RefusalCode
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


@attrs.frozen
class Check:
    """What was checked, and a sentence about it that contains no key."""

    name: str
    health: Health
    message: Message


def ok(name: str, message: Message) -> Check:
    """Return a check that passed."""
    return Check(name, Health.OK, message)


def warn(name: str, message: Message) -> Check:
    """Return a check that an operator should look at."""
    return Check(name, Health.WARN, message)


def fail(name: str, message: Message) -> Check:
    """Return a check that found a loss, or what will lead to one."""
    return Check(name, Health.FAIL, message)


# ---------------------------------------------------------------- the data directory and its server

_GROUP_AND_OTHERS_BITS = 0o077
_MAX_LISTED_NAMES = 5


@attrs.define
class _Findings:
    """Counts the entries with one problem, and holds the names of the first few."""

    count: int = 0
    first: list[Message | str] = attrs.field(factory=list)

    def add(self, name: Message | str) -> None:
        self.count += 1
        if len(self.first) < _MAX_LISTED_NAMES:
            self.first.append(name)

    @property
    def names(self) -> Argument:
        """The first few, as the argument of a message."""
        if self.count <= _MAX_LISTED_NAMES:
            return tuple(self.first)
        return CheckCode.AND_MORE(entries=tuple(self.first), count=self.count - _MAX_LISTED_NAMES)


def check_directory(data_dir: Path) -> list[Check]:
    """Check the owner and the permissions of the directory and everything in it; blocks."""
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
    return [_ownership(data_dir, owner, foreign), _access(data_dir, closed), _exposure(data_dir, exposed)]


def server(data_dir: Path, running: RunningServer | None) -> Check:
    """Report the server that works in the directory, or one that was killed in it."""
    if running is not None:
        return ok("server", CheckCode.SERVER_RUNS(url=running.url))
    if (data_dir / SERVER_FILE).exists():
        return warn("server", CheckCode.SERVER_KILLED(file=SERVER_FILE))
    return ok("server", CheckCode.NO_SERVER())


def _ownership(data_dir: Path, owner: int, foreign: _Findings) -> Check:
    name = user_name(owner)
    if foreign.count:
        reason = CheckCode.FOREIGN_ENTRIES(entries=foreign.names, path=str(data_dir), owner=name)
        return fail("owner", reason)
    return ok("owner", CheckCode.OWNED(owner=name))


def _exposure(data_dir: Path, exposed: _Findings) -> Check:
    if exposed.count:
        reason = CheckCode.READABLE_BY_OTHERS(entries=exposed.names, path=str(data_dir))
        return warn("data directory", reason)
    return ok("data directory", CheckCode.FOR_OWNER_ONLY(path=str(data_dir)))


def _access(data_dir: Path, closed: _Findings) -> Check:
    if closed.count:
        return fail("modes", CheckCode.CLOSED_TO_OWNER(entries=closed.names, path=str(data_dir)))
    if os.statvfs(data_dir).f_flag & os.ST_RDONLY:
        return fail("modes", CheckCode.MOUNTED_READ_ONLY(path=str(data_dir)))
    return ok("modes", CheckCode.OPEN_TO_OWNER())


def _usable(path: Path, status: os.stat_result, data_dir: Path) -> bool:
    """Return whether the owner has the permissions: images are only read, database and keys also written."""
    needed = stat.S_IRUSR
    if stat.S_ISDIR(status.st_mode):
        needed = stat.S_IRWXU
    elif path.parent == data_dir:
        needed |= stat.S_IWUSR
    return stat.S_ISLNK(status.st_mode) or status.st_mode & needed == needed


def _entries(data_dir: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Yield the directory and everything below it, except files that vanish meanwhile, as SQLite's do."""
    yield data_dir, data_dir.stat()
    for folder, folders, files in os.walk(data_dir):
        for name in (*folders, *files):
            path = Path(folder, name)
            try:
                yield path, path.lstat()
            except FileNotFoundError:
                continue


# ---------------------------------------------------------------- the outbox, the archive, the disk

_BUCKET_SECONDS = 10.0
_MIB = 1024 * 1024


async def outbox(entries: Outbox, settings: Settings) -> list[Check]:
    """Report the pending uploads and removals, and why they fail."""
    counts = await entries.counts()
    waiting = CheckCode.OUTBOX_WAITING(uploads=counts.uploads, removals=counts.removals)
    if counts.last_error is not None:
        reason = CheckCode.OUTBOX_FAILING(waiting=waiting, count=counts.failing, reason=counts.last_error)
        return [warn("outbox", reason)]
    return [ok("outbox", waiting)] if settings.storage.archive_name else []


async def bucket(settings: Settings, installation_id: str | None) -> list[Check]:
    """Check whether the archive responds, and whether its prefix is this installation's or nobody's.

    An empty ``installation_id`` is that of one which has never used a bucket. Without one, whose the prefix
    is remains unchecked.
    """
    name = settings.storage.archive_name
    if name is None:
        return []
    outbound = Outbound(allow_private=settings.security.allow_private_upstreams)
    try:
        archive = open_archive(settings, outbound.gate, idle_seconds=_BUCKET_SECONDS)
        if archive is not None:
            try:
                await archive.stat("probe")
                if installation_id is not None:
                    await archive.prefix.check(installation_id)
            finally:
                await archive.aclose()
    except (SettingsError, PrefixTaken) as error:
        return [fail(name, error.reason)]
    except ImagegenError as error:
        return [warn(name, error.reason)]
    finally:
        await outbound.aclose()
    return [ok(name, CheckCode.ARCHIVE_ANSWERS())]


def disk(settings: Settings) -> Check:
    """Check the free disk space."""
    min_free_bytes = settings.storage.min_free_mb * _MIB
    space = SystemDiskSpace(settings.data_dir, min_free_bytes=min_free_bytes, clock=SystemClock())
    try:
        free = space.free_bytes() // _MIB
    except StorageError as error:
        return warn("disk", error.reason)
    if space.has_room():
        return ok("disk", CheckCode.DISK_FREE(free=free))
    return warn("disk", CheckCode.DISK_LOW(free=free, minimum=settings.storage.min_free_mb))


# ---------------------------------------------------------------- what they say


class CheckCode(MessageCode):
    """What was found, and what an operator can do about it."""

    SETTINGS_VALID = "valid", "有效"

    # data directory
    NO_DATA_DIRECTORY = "{path} is not there: {hint}", "{path} 不存在：{hint}"
    OTHER_DIRECTORY = (
        "IMAGEGEN_CONFIG or data_dir may mean another one",
        "IMAGEGEN_CONFIG 或 data_dir 指的可能是另一个目录",
    )
    NOT_ACCESSIBLE = (
        "{path} cannot be read and written by {user}: it belongs to {owner}",
        "{user} 无法读写 {path}：它属于 {owner}",
    )
    DIRECTORY_ITSELF = "the directory itself", "目录本身"
    ENTRY_OF = "{entry} ({user})", "{entry}（{user}）"
    AND_MORE = "{entries} and {count} more", "{entries} 以及另外 {count} 个"
    READABLE_BY_OTHERS = (
        "others may read {entries} in {path}: run chmod -R go= on it",
        "他人可读取 {path} 中的 {entries}：请对它运行 chmod -R go=",
    )
    FOR_OWNER_ONLY = "{path}, for its owner only", "{path}，仅其所有者可用"
    FOREIGN_ENTRIES = (
        (
            "{entries} in {path} belong to others than {owner}, whose service cannot use them: "
            "run chown -R --reference={path} {path}"
        ),
        "{path} 中的 {entries} 不属于 {owner}，其服务无法使用：请运行 chown -R --reference={path} {path}",
    )
    OWNED = "everything belongs to {owner}", "全部属于 {owner}"
    CLOSED_TO_OWNER = (
        "{entries} in {path} cannot be used by the owner: run chmod -R u+rwX on it",
        "所有者无法使用 {path} 中的 {entries}：请对它运行 chmod -R u+rwX",
    )
    MOUNTED_READ_ONLY = (
        "the file system of {path} is mounted read-only",
        "{path} 所在的文件系统以只读方式挂载",
    )
    OPEN_TO_OWNER = "the owner can read and write everything", "所有者可以读写全部内容"
    SERVER_RUNS = "runs at {url}", "运行于 {url}"
    SERVER_KILLED = (
        "none runs; {file} was left by one that was killed, and the next start replaces it",
        "没有在运行；{file} 是被杀掉的服务留下的，下次启动会替换它",
    )
    NO_SERVER = "none runs", "没有在运行"

    # database
    DATABASE_NOT_READ = "not looked at: this SQLite cannot read it", "未检查：此 SQLite 无法读取它"
    DATABASE_FAULTY = "damaged: {detail}", "已损坏：{detail}"
    DATABASE_LOST = "missing, although there are images: restore a backup", "缺失，但图片还在：请恢复备份"
    NO_DATABASE_YET = (
        "is not there yet; the first start makes it ({hint})",
        "尚不存在；首次启动时创建（{hint}）",
    )
    DATABASE_WHOLE = "whole, and of this version's schema", "完整，且结构与此版本一致"
    NO_KEY_YET = (
        "is not there yet, and nothing is sealed; the next start makes it",
        "尚不存在，也没有加密的内容；下次启动时创建",
    )
    SECRETS_LOCKED = (
        "{reason}; {count} saved secret(s) cannot be read",
        "{reason}；有 {count} 个已保存的秘密无法读取",
    )
    SECRETS_OPEN = "opens all {count} saved secret(s)", "能打开全部 {count} 个已保存的秘密"
    TASK_COUNTS = "{pending} waiting, {processing} running", "{pending} 个在等待，{processing} 个在运行"
    TASKS_WITHOUT_SERVER = (
        (
            "{counts}, although no server runs: the next start resumes them, or says "
            "that nobody knows their outcome"
        ),
        "{counts}，但没有服务在运行：下次启动会继续它们，或注明结果未知",
    )
    TASKS_STUCK = (
        (
            "{counts}, {stuck} of them for more than a day: "
            "`imagegen tasks show` and the log say what they wait for"
        ),
        "{counts}，其中 {stuck} 个已超过一天：`imagegen tasks show` 和日志会说明它们在等什么",
    )
    OUTCOMES_UNKNOWN = (
        (
            "{count} task(s) of the last 7 days ended as outcome_unknown and may have been charged: "
            "compare `imagegen tasks list --status failed` with the bill"
        ),
        (
            "最近 7 天有 {count} 个任务以 outcome_unknown 结束，可能已计费："
            "请用 `imagegen tasks list --status failed` 与账单核对"
        ),
    )
    CLOCK_BEHIND = (
        "it says {now}, and the newest task is of {newest}: set the clock",
        "现在显示 {now}，而最新的任务是 {newest} 的：请校准时钟",
    )
    CLOCK_RIGHT = "{now}, after the newest task", "{now}，晚于最新的任务"
    INDEX_CURRENT = "up to date", "已是最新"
    INDEX_STALE = "stale: run `imagegen reindex`", "已过时：请运行 `imagegen reindex`"
    INDEX_MISSING = "missing: run `imagegen reindex`", "缺失：请运行 `imagegen reindex`"
    PROVIDERS_ENABLED = (
        "{count} enabled, no retired model among theirs",
        "已启用 {count} 个，其中没有停用的模型",
    )

    # cluster
    SERVER_OF = "PostgreSQL {version}, with this version's schema", "PostgreSQL {version}，结构与此版本一致"
    COMMITS_LOST = (
        "synchronous_commit is {value}: a crash of the server loses tasks that were accepted; set it to on",
        "synchronous_commit 为 {value}：服务器崩溃会丢失已受理的任务；请设为 on",
    )
    DISK_NOT_SYNCED = (
        "fsync or full_page_writes is off: a power cut can damage the database; switch both on",
        "fsync 或 full_page_writes 已关闭：断电可能损坏数据库；请都打开",
    )
    COMMITS_KEPT = "synchronous_commit is {value}", "synchronous_commit 为 {value}"
    SETTINGS_DROPPED = (
        "a pooler between here and the server drops the time-outs of a session; connect to the server itself",
        "到服务器之间的连接池丢弃了会话的超时设置；请直接连接服务器",
    )
    TOO_FEW_CONNECTIONS = (
        "{nodes} node(s) may open {needed}, the server allows {maximum}: raise max_connections",
        "{nodes} 个节点可能打开 {needed} 个连接，服务器允许 {maximum} 个：请调高 max_connections",
    )
    ENOUGH_CONNECTIONS = (
        "{nodes} node(s) open at most {needed} of {maximum}",
        "{nodes} 个节点最多打开 {maximum} 个中的 {needed} 个",
    )
    CLOCKS_DIFFER = (
        "this machine's is {seconds} s from the database's: set the clock",
        "本机与数据库相差 {seconds} 秒：请校准时钟",
    )
    CLOCKS_AGREE = "as that of the database", "与数据库的一致"
    NODES_ALIVE = "{count} alive: {nodes}", "{count} 个在运行：{nodes}"
    NODES_SILENT = (
        "{count} alive; not heard any more: {nodes}",
        "{count} 个在运行；已没有消息的：{nodes}",
    )
    NO_NODE = "none runs", "没有在运行的节点"
    NO_WORKER = (
        "{count} alive, none of which has the role worker: nothing runs the tasks",
        "{count} 个在运行，但都没有 worker 角色：没有节点运行任务",
    )

    # stores
    FILES_DAMAGED = (
        "{count} of {total} local files missing or damaged (image {ids}): run `imagegen storage verify`",
        "{total} 个本地文件中有 {count} 个缺失或损坏（图片 {ids}）：请运行 `imagegen storage verify`",
    )
    FILES_INTACT = "{total} local files as recorded", "{total} 个本地文件与记录一致"
    BYTES_INTACT = "{total} local files, every byte as recorded", "{total} 个本地文件，每个字节都与记录一致"
    OUTBOX_WAITING = (
        "{uploads} upload(s) and {removals} removal(s) wait",
        "有 {uploads} 个上传和 {removals} 个删除在等待",
    )
    OUTBOX_FAILING = "{waiting}, {count} of them failed: {reason}", "{waiting}，其中 {count} 个失败：{reason}"
    ARCHIVE_ANSWERS = "answers", "有答复"
    DISK_FREE = "{free} MB free", "剩余 {free} MB"
    DISK_LOW = (
        "{free} MB free, less than storage.min_free_mb ({minimum})",
        "剩余 {free} MB，低于 storage.min_free_mb（{minimum}）",
    )
    NO_ORPHANS = "every file has a record", "每个文件都有记录"
    DATABASE_REPLACED = (
        (
            "the database is empty, although there are {count} image files beside it in {path}: "
            "it was replaced; restore a backup"
        ),
        "数据库是空的，但在 {path} 中有 {count} 个图片文件：它已被替换；请恢复备份",
    )
    ORPHANS = (
        (
            "{count} files without a record, such as {path}: `imagegen storage verify` lists them; "
            "before one is deleted, look for tasks that ended as storage_failed, which may have paid for it"
        ),
        (
            "有 {count} 个文件没有记录，例如 {path}：`imagegen storage verify` 会列出它们；"
            "删除之前，请查看以 storage_failed 结束的任务，它们可能已为此付费"
        ),
    )


async def tasks(sql: Sql, *, has_server: bool) -> list[Check]:
    """Count the tasks that have not ended, those that are stuck, and unclear outcomes."""
    now = SystemClock().now()
    ((pending, processing, stuck),) = await sql.rows(
        _OPEN_TASKS, stuck_since=to_timestamp(now - _STUCK_AFTER)
    )
    ((unclear,),) = await sql.rows(_UNKNOWN_OUTCOMES, recent=to_timestamp(now - _RECENT))
    summary = CheckCode.TASK_COUNTS(pending=pending, processing=processing)
    checks = [ok("tasks", summary)]
    if processing and not has_server:
        checks = [warn("tasks", CheckCode.TASKS_WITHOUT_SERVER(counts=summary))]
    elif stuck:
        checks = [warn("tasks", CheckCode.TASKS_STUCK(counts=summary, stuck=stuck))]
    if unclear:
        checks.append(warn("unknown outcomes", CheckCode.OUTCOMES_UNKNOWN(count=unclear)))
    return checks


def search_index(state: IndexState) -> Check:
    """Check whether the search index is up to date."""
    if state is IndexState.CURRENT:
        return ok("search index", CheckCode.INDEX_CURRENT())
    is_missing = state is IndexState.MISSING
    return warn("search index", CheckCode.INDEX_MISSING() if is_missing else CheckCode.INDEX_STALE())


async def providers(configs: ProviderConfigs, settings: Settings) -> list[Check]:
    """Check the configurations, those of the file and the saved ones, for errors and retired models."""
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
