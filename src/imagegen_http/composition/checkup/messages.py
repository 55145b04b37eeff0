"""What `imagegen doctor` says of each thing that it checks; the name of the check stands before it."""

from imagegen_core.messages import MessageCode


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
