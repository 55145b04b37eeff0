"""Why a data directory was not moved."""

from imagegen_core.messages import MessageCode


class MoveCode(MessageCode):
    """What is in the way of a move, or what it found at its end."""

    NO_BUCKET = (
        "the settings name no bucket: nodes share no disk, so add storage.oss or storage.s3 first",
        "配置中没有存储桶：各节点不共享磁盘，请先加上 storage.oss 或 storage.s3",
    )
    TARGET_NOT_EMPTY = (
        "the database to move to holds data already; a move needs an empty one",
        "目标数据库中已有数据；迁移需要一个空的数据库",
    )
    NODES_ON_TARGET = (
        "nodes have worked on the database to move to; stop them, and take an empty one",
        "已有节点使用过目标数据库；请停掉它们，并换一个空的数据库",
    )
    TARGET_OF_ANOTHER = (
        (
            "the database to move to holds the move of another data directory, or this one has been used "
            "since it began: begin again with an empty database"
        ),
        "目标数据库中是另一个数据目录的迁移，或者本目录在迁移开始后又被使用过：请换一个空的数据库重新开始",
    )
    ROW_UNUSABLE = (
        "{table}, {key}: the column {column} holds a value that PostgreSQL does not take",
        "{table}，{key}：列 {column} 的值 PostgreSQL 不接受",
    )
    ROWS_DIFFER = (
        "{table}: the rows that were copied differ from the source; begin again with an empty database",
        "{table}：复制后的行与来源不同；请换一个空的数据库重新开始",
    )
    SPOOL_DIFFERS = (
        "spool/{key}: the copy in the database differs from the file; run this again",
        "spool/{key}：数据库中的副本与文件不同；请再次运行",
    )
