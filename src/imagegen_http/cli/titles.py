"""The titles of tables' columns."""

from imagegen_core.messages import MessageCode


class TitleCode(MessageCode):
    """What a column of a table is called on a terminal."""

    TITLE_ADAPTER = "kind", "类型"
    TITLE_CREATED = "created", "创建时间"
    TITLE_DAY = "day", "日期"
    TITLE_ENDS = "ends", "停用日期"
    TITLE_ERROR = "error", "错误"
    TITLE_ESTIMATED = "estimated", "估算"
    TITLE_FACTS_READ = "facts read", "资料日期"
    TITLE_ID = "id", "ID"
    TITLE_IMAGES = "images", "图片"
    TITLE_KEY = "key", "密钥"
    TITLE_KNOWN = "known", "已知"
    TITLE_MODEL = "model", "模型"
    TITLE_MODELS = "models", "模型"
    TITLE_NAME = "name", "名称"
    TITLE_POSSIBLE = "possible", "可能"
    TITLE_PROMPT = "prompt", "提示词"
    TITLE_PROVIDER = "provider", "服务商"
    TITLE_SIZE = "size", "尺寸"
    TITLE_SOURCE = "source", "来源"
    TITLE_STATUS = "status", "状态"
    TITLE_TAG = "tag", "标签"
    TITLE_TASK = "task", "任务"
    TITLE_TASKS = "tasks", "任务数"
    TITLE_UNKNOWN = "unknown", "不明"
    TITLE_USE_INSTEAD = "use instead", "改用"
