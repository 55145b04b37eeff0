"""What is wrong with the database or the data directory, and the errors that refuse one."""

from imagegen_core.errors import StorageBroken, StorageError
from imagegen_core.messages import MessageCode


class DatabaseCode(MessageCode):
    """Why they cannot be used, or not now."""

    DATABASE_TOO_SLOW = "the database took too long to answer", "数据库用时过长"
    DATABASE_TOO_BUSY = "the database is too busy to answer", "数据库繁忙"
    SEARCH_INDEX_MISSING = (
        "the search index is missing; rebuild it with `imagegen reindex`",
        "缺少搜索索引；请用 `imagegen reindex` 重建",
    )
    SEARCH_TOO_SLOW = (
        "the search took longer than {seconds} seconds; ask for something rarer",
        "搜索用时超过 {seconds} 秒；请使用更少见的词",
    )
    DATABASE_CLOSED = "the database is closed", "数据库已关闭"
    DATABASE_STOPPED = "the database writer stopped unexpectedly", "数据库的写入线程意外停止"
    DATABASE_READ_ONLY = "the database was opened for reading only", "数据库以只读方式打开"
    DATABASE_FILE_UNUSABLE = "the database file cannot be used: {detail}", "无法使用数据库文件：{detail}"
    DATABASE_FILE_NOT_MADE = "the database file cannot be made: {detail}", "无法创建数据库文件：{detail}"
    SCHEMA_TOO_NEW = (
        "the database was made by a newer version of imagegen (unknown: {names})",
        "数据库由更新版本的 imagegen 制作（未知：{names}）",
    )
    SCHEMA_TOO_OLD = (
        "the database is of an older version of imagegen; start the service once to bring it up to date",
        "数据库属于旧版本的 imagegen；请启动一次服务以更新它",
    )
    SCHEMA_OUTDATED = (
        "the database was made by a version of imagegen that is too old for this one (before {oldest})",
        "数据库由对本版本而言过旧的 imagegen 制作（早于 {oldest}）",
    )
    SQLITE_TOO_OLD = (
        (
            "SQLite {version} is too old, {minimum} or later is needed: "
            "install the package pysqlite3 or sqlean.py beside imagegen, or a newer Python"
        ),
        "SQLite {version} 过旧，需要 {minimum} 或更新：请安装 pysqlite3 或 sqlean.py，或更新的 Python",
    )
    SQLITE_OWN = "{version}, Python's own", "{version}，Python 自带"
    SQLITE_PACKAGED = "{version}, from the package {package}", "{version}，来自软件包 {package}"
    SQLITE_WAL_RESET = (
        (
            "SQLite {version} has the WAL-reset bug: let no other program write to the database; "
            "3.51.3, 3.50.7 and 3.44.6 are without it, and so is the package pysqlite3"
        ),
        (
            "SQLite {version} 有 WAL-reset 缺陷：请勿让其他程序写入数据库；"
            "3.51.3、3.50.7 和 3.44.6 没有这个缺陷，软件包 pysqlite3 也没有"
        ),
    )
    DIRECTORY_IN_USE = (
        "another imagegen process is using this data directory",
        "另一个 imagegen 进程正在使用该数据目录",
    )
    DIRECTORY_UNUSABLE = "the data directory cannot be used: {detail}", "无法使用数据目录：{detail}"
    DIRECTORY_MISSING = (
        (
            "no imagegen data is there; `imagegen serve` begins it, "
            "or IMAGEGEN_CONFIG names the settings that have another data_dir"
        ),
        "没有 imagegen 的数据；`imagegen serve` 会创建它，或用 IMAGEGEN_CONFIG 指定另一个 data_dir 的配置",
    )
    DISK_OF_DATABASE_FULL = "the disk that holds the database is full", "存放数据库的磁盘已满"
    DATABASE_LOCKED = "another process holds the database's write lock", "另一个进程持有数据库的写锁"
    DATABASE_NOT_WRITABLE = "the database cannot be written to", "无法写入数据库"
    DATABASE_IO_ERROR = (
        "the disk that holds the database reports an input/output error, or is full",
        "存放数据库的磁盘报告读写错误，或已满",
    )
    DATABASE_DAMAGED = "the database is damaged", "数据库已损坏"
    COPY_DAMAGED = "the copy of the database is damaged: {detail}", "数据库的副本已损坏：{detail}"
    COPY_PATH_NOT_UTF8 = "SQLite writes only to a path that is UTF-8", "SQLite 只能写入 UTF-8 的路径"
    NOT_A_DATABASE = "the database file is not a database", "数据库文件不是数据库"
    DATABASE_NOT_OPENED = "the database file cannot be opened", "无法打开数据库文件"
    DATABASE_REFUSED = "the database refused: {detail}", "数据库拒绝：{detail}"
    SERVER_UNREACHABLE = "the database server does not answer", "数据库服务器没有应答"
    SERVER_WITHOUT_TLS = (
        "the database server does not speak TLS, which sslmode of its URL demands",
        "数据库服务器不使用 TLS，而其 URL 的 sslmode 要求使用",
    )
    SERVER_TLS_FAILED = (
        "no TLS with the database server ({detail}): look at its certificate, and at sslrootcert of its URL",
        "无法与数据库服务器建立 TLS（{detail}）：请检查其证书，以及 URL 中的 sslrootcert",
    )
    SERVER_READ_ONLY = (
        "the database server is a standby or read-only; connect to the primary",
        "数据库服务器是备库或只读；请连接主库",
    )
    SERVER_DENIES_ACCESS = (
        "the database server denies access ({detail}): look at the user, its rights and the database's name",
        "数据库服务器拒绝访问（{detail}）：请检查用户、权限和数据库名",
    )
    SERVER_DENIES_SCHEMA = (
        "the user of the database may not create tables; grant it CREATE on the schema",
        "数据库用户不能创建表；请授予它该 schema 的 CREATE 权限",
    )
    SERVER_TOO_OLD = (
        "PostgreSQL {version} is too old, {minimum} or later is needed",
        "PostgreSQL {version} 过旧，需要 {minimum} 或更新",
    )
    DRIVER_FAILED = "the driver of the database failed: {detail}", "数据库驱动程序出错：{detail}"
    SERVER_FAILED = "the database server failed: {detail}", "数据库服务器出错：{detail}"
    ENCODING_NOT_UTF8 = (
        "the database has the encoding {encoding}; create it with ENCODING 'UTF8'",
        "数据库的编码是 {encoding}；请用 ENCODING 'UTF8' 创建",
    )
    WRITES_LOST = (
        "the database server lost a part of what was written, as after a failover",
        "数据库服务器丢失了部分已写入的内容，例如在故障切换之后",
    )
    TRANSACTION_CONFLICT = (
        "another transaction was in the way; the same may succeed later",
        "与另一个事务冲突；稍后重试可能成功",
    )
    MOVE_UNFINISHED = (
        "the move of a data directory into this database has not finished; run `imagegen migrate` again",
        "数据目录到该数据库的迁移尚未完成；请再次运行 `imagegen migrate`",
    )


class KeyCode(MessageCode):
    """What is wrong with the master key, or with a sealed token."""

    SAVED_KEYS_LOCKED = "saved keys are locked: {reason}", "已保存的密钥无法打开：{reason}"
    MASTER_KEY_MISSING = "the master key is missing", "缺少主密钥"
    SHARED_KEY_MISSING = (
        "IMAGEGEN_MASTER_KEY is not set: nodes on one database need the same master key, and none makes it",
        "未设置 IMAGEGEN_MASTER_KEY：同一数据库上的各节点需要同一把主密钥，节点不会自行生成",
    )
    MASTER_KEY_MALFORMED = (
        "the master key is not 44 characters of URL-safe base64",
        "主密钥不是 44 个字符的 URL-safe base64",
    )
    OTHER_MASTER_KEY = (
        "the master key is not the one that the saved keys were sealed with",
        "主密钥不是当初封存这些密钥的那一个",
    )
    WRONG_MASTER_KEY = (
        "a saved key cannot be opened: the master key is wrong",
        "已保存的密钥无法打开：主密钥有误",
    )
    UNKNOWN_KEY_FORM = (
        "a saved key has a form that this version does not know",
        "已保存的密钥的格式不为本版本所知",
    )
    OTHER_KEY_CONTEXT = (
        "a saved key was sealed for another provider or address",
        "已保存的密钥属于另一个服务商或地址",
    )
    MASTER_KEY_OPEN = (
        (
            "{file} may be read by others (mode {mode}): chmod 600 it, "
            "and change the providers' keys if somebody did"
        ),
        "{file} 可被他人读取（权限 {mode}）：请执行 chmod 600；若已被人读过，请更换各服务商的密钥",
    )
    MASTER_KEYS_DIFFER = (
        (
            "the master key in the environment is not the one in {file}: "
            "remove the one that is wrong; neither was changed"
        ),
        "环境变量中的主密钥与 {file} 中的不同：请去掉有误的一个；两者都未改动",
    )
    NO_USABLE_MASTER_KEY = "there is no usable master.key to rotate", "没有可轮换的 master.key"
    NO_MASTER_KEY_FILE = "there is no master.key in the data directory", "数据目录中没有 master.key"
    ONE_KEY_ONLY = (
        "IMAGEGEN_MASTER_KEY holds one key only: put the new one before it, IMAGEGEN_MASTER_KEY=NEW,OLD",
        "IMAGEGEN_MASTER_KEY 只有一个密钥：请把新的写在它前面，IMAGEGEN_MASTER_KEY=NEW,OLD",
    )


class SchemaTooNew(StorageError):
    """The database is from a newer version of imagegen; this version must not touch it."""

    def __init__(self, unknown: frozenset[str]) -> None:
        super().__init__(DatabaseCode.SCHEMA_TOO_NEW(names=tuple(sorted(unknown))))


class SchemaTooOld(StorageError):
    """The database was opened read-only, and migrations are pending."""

    def __init__(self) -> None:
        super().__init__(DatabaseCode.SCHEMA_TOO_OLD())


class SchemaUnusable(StorageBroken):
    """The database cannot hold the schema; nothing was written."""


class MoveUnfinished(StorageBroken):
    """The database holds a part of a data directory; a node that worked on it would do harm."""

    def __init__(self) -> None:
        super().__init__(DatabaseCode.MOVE_UNFINISHED())
