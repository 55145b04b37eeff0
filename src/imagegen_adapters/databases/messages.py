"""Why the database cannot answer a query now."""

from imagegen_core.messages import MessageCode


class DatabaseCode(MessageCode):
    """Why a query was aborted."""

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
