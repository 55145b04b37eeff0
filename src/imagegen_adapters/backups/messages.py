"""Why a backup was not made or restored."""

from imagegen_core.messages import MessageCode


class BackupCode(MessageCode):
    """What is wrong with a backup, or with the place that it is to go to."""

    NOT_EMPTY = "the data directory is not empty (it holds {name})", "数据目录不是空的（其中有 {name}）"
    NO_ROOM = (
        "the disk has {free} MB free and the backup needs {needed} MB",
        "磁盘剩余 {free} MB，备份需要 {needed} MB",
    )
    BACKUP_DAMAGED = "the database in the backup is damaged: {detail}", "备份中的数据库已损坏：{detail}"
    BACKUP_UNUSABLE = (
        "the database in the backup cannot be used: {reason}",
        "备份中的数据库无法使用：{reason}",
    )
    NOT_A_BACKUP = "the file is not a backup of imagegen", "该文件不是 imagegen 的备份"
    BACKUP_CUT_OFF = "the backup is damaged or was cut off", "备份已损坏或不完整"
    BACKUP_NEWER = "the backup was made by a newer version of imagegen", "备份由更新版本的 imagegen 制作"
    BACKUP_OTHER = "the backup was made by another version of imagegen", "备份由其他版本的 imagegen 制作"
    NO_DATABASE = (
        "there is no database in the data directory, so nothing to back up",
        "数据目录中没有数据库，因此没有可备份的内容",
    )
    EMPTY_DATABASE = (
        "the database is empty, so there is nothing to back up",
        "数据库是空的，因此没有可备份的内容",
    )
    TARGET_EXISTS = "{name} exists; --force replaces it", "{name} 已存在；--force 会替换它"
    TARGET_IN_USE = "another backup is writing {name}", "另一个备份正在写入 {name}"
