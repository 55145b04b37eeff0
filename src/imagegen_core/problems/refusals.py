"""Why a request is turned down, as its `Refusal` says it."""

from imagegen_core.messages import MessageCode


class RefusalCode(MessageCode):
    """Why a request was turned down, or cannot be served now."""

    PROBLEMS = "{problems:;}", "{problems:;}"
    PROBLEM = "{field}: {reason}", "{field}：{reason}"
    PROVIDER_UNUSABLE = (
        "provider {provider!r} cannot be used: {reason}",
        "服务商 {provider!r} 无法使用：{reason}",
    )
    NO_CONFIGURATION = "it has no configuration", "没有配置"
    DID_YOU_MEAN = "did you mean {name!r}?", "您是想写 {name!r} 吗？"
    LIKE_ANOTHER = (
        "did you mean {name!r}? The name decides which API is used; with another, set extra_config.preset",
        "您是想写 {name!r} 吗？名称决定使用哪个 API；用别的名称时，请设置 extra_config.preset",
    )
    NOTHING_SAVED = "no configuration is saved for it", "没有保存过配置"
    KIND_NOT_INSTALLED = "its kind {kind!r} is not installed", "未安装类型 {kind!r}"
    NO_API_BASE = "api_base is missing", "缺少 api_base"
    NO_API_KEY = "api_key is missing", "缺少 api_key"
    PROVIDER_DISABLED = "provider {provider!r} is switched off", "服务商 {provider!r} 已停用"
    MODEL_NOT_AVAILABLE = "model {model!r} is not among {models}", "模型 {model!r} 不在其中：{models}"
    UNSUPPORTED_OPERATION = (
        "operation {operation!r} is not among {supported}",
        "操作 {operation!r} 不在其中：{supported}",
    )
    REFERENCE_COUNT = (
        "{count} references given, 1 to {maximum} are possible",
        "给出了 {count} 张参考图，须为 1 到 {maximum} 张",
    )
    STRAY_SECRET = (
        "provider {provider!r}: {secret} would go to {target}; {remedy}",
        "服务商 {provider!r}：{secret}会到达 {target}；{remedy}",
    )
    SAVED_KEY = "the saved key", "已保存的密钥"
    SECRET_HEADERS = "saved headers that are secrets", "已保存的机密请求头"
    PROXY_PASSWORD = "what opens the saved proxy", "已保存的代理密码"
    MACHINE_CREDENTIALS = (
        "credentials of this machine, which config.yaml alone may lend,",
        "只有 config.yaml 可以借出的本机凭据",
    )
    SEND_API_KEY = "send api_key with it", "请同时给出 api_key"
    SEND_HEADERS = "send their values with it, or leave them out", "请同时给出它们的值，或去掉它们"
    SEND_PROXY = (
        "send extra_config.proxy with its password, or as null",
        "请给出带密码的 extra_config.proxy，或设为 null",
    )
    OWN_ADDRESS = "an address of its own", "其自己的地址"
    CONFIGURATION_NAMING = "a saved configuration that names {setting}", "含有 {setting} 的已保存配置"
    KEY_REUSED = (
        "this Idempotency-Key was used for another request body",
        "该 Idempotency-Key 已用于另一个请求体",
    )
    QUEUE_FULL = "{count} tasks are waiting", "有 {count} 个任务在排队"
    DISK_FULL = (
        "too little disk space is left to keep the result of a paid call",
        "磁盘剩余空间不足以保存付费调用的结果",
    )
    NO_TASK = "no task {task_id!r}", "没有任务 {task_id!r}"
    NO_IMAGE = "no image {image_id!r}", "没有图片 {image_id!r}"
    NO_COLLECTION = "no collection {collection!r}", "没有收藏夹 {collection!r}"
    COLLECTION_EXISTS = (
        "there is a collection {name!r} already: {collection}",
        "已有收藏夹 {name!r}：{collection}",
    )
    TOO_MANY_COLLECTIONS = (
        "there are {maximum} collections already",
        "收藏夹已达 {maximum} 个",
    )
    TOO_MANY_TAGS = (
        "images {images} would have more than {maximum} tags",
        "图片 {images} 的标签会超过 {maximum} 个",
    )
    NO_INPUT = (
        "task {task_id!r} has no input image {index}, or it is no longer kept",
        "任务 {task_id!r} 没有第 {index} 张输入图片，或该图片已不再保留",
    )
    NO_KEPT_RESPONSE = (
        "task {task_id!r} has no kept answer {index}, or it was removed after a week",
        "任务 {task_id!r} 没有保留第 {index} 份答复，或已在一周后删除",
    )
    NO_SAVED_PROVIDER = (
        "no saved configuration for provider {provider!r}",
        "服务商 {provider!r} 没有已保存的配置",
    )
    KEYS_LOCKED = (
        "saved keys are locked: the master key is missing or wrong",
        "已保存的密钥无法打开：主密钥缺失或有误",
    )
    SHUTTING_DOWN = "the service is shutting down", "服务正在停止"
    IMAGE_NOT_CHECKED = "{field} could not be checked now: {reason}", "{field} 现在无法检查：{reason}"
