"""What can be wrong: with a field, a request, a store, a task; each a sentence in both languages."""

import attrs

from imagegen_core.messages import Language, Message, MessageCode


@attrs.frozen(kw_only=True)
class Problem:
    """One thing that is wrong with a request: the field's dotted path, and what is wrong with it."""

    field: str
    reason: Message

    @property
    def message(self) -> str:
        """The sentence in English; `Message.text` of ``reason`` has the others."""
        return self.reason.text(Language.EN)


class JsonType(MessageCode):
    """What a value must be."""

    STRING = "a string", "字符串"
    INTEGER = "an integer", "整数"
    NUMBER = "a number", "数字"
    BOOLEAN = "true or false", "布尔值 true 或 false"
    OBJECT = "an object", "对象"
    ARRAY = "an array", "数组"
    NULL = "null", "null"


class ProblemCode(MessageCode):
    """What can be wrong with a field. Each sentence goes on after the field's name."""

    # shape
    REQUIRED = "is required", "为必填项"
    REPEATED = "has several values", "有多个不同的值"
    UNKNOWN_FIELD = "unknown field", "未知字段"
    UNKNOWN_KEY = "unknown key", "未知的键"
    MISSPELT_KEY = "unknown key; did you mean {suggestion}?", "未知的键；是否想写 {suggestion}？"
    NOT_JSON = "is not JSON", "不是有效的 JSON"
    WRONG_TYPE = "must be {types:or}", "须为{types:or}"
    NOT_STRINGS = "must be an object of strings", "须为值是字符串的对象"
    INVALID = "is not valid", "无效"
    TOO_DEEP = "is nested too deeply", "嵌套过深"

    # numbers
    NOT_FINITE = "must be a finite number", "须为有限的数字"
    NOT_REPRESENTABLE = "is a number out of range", "数字超出范围"
    TOO_SMALL = "must be at least {minimum}", "不能小于 {minimum}"
    TOO_LARGE = "must be at most {maximum}", "不能大于 {maximum}"
    NOT_ABOVE = "must be greater than {limit}", "须大于 {limit}"
    NOT_BELOW = "must be less than {limit}", "须小于 {limit}"
    NOT_A_MULTIPLE = "must be a multiple of {factor}", "须为 {factor} 的倍数"
    TOO_LARGE_FOR_MODEL = "must be at most {maximum} for {model}", "对 {model} 不能大于 {maximum}"

    # text
    EMPTY = "must not be empty", "不能为空"
    TOO_SHORT = "must be at least {minimum} characters", "不能少于 {minimum} 个字符"
    TOO_LONG = "must be at most {maximum} characters", "不能超过 {maximum} 个字符"
    TOO_LONG_FOR_MODEL = (
        "must be at most {maximum} characters for {model}",
        "对 {model} 不能超过 {maximum} 个字符",
    )
    TOO_MANY_BYTES = "must be at most {maximum} bytes", "不能超过 {maximum} 字节"
    TOO_FEW_ITEMS = "must have at least {minimum} items", "不能少于 {minimum} 项"
    TOO_MANY_ITEMS = "must have at most {maximum} items", "不能超过 {maximum} 项"
    NOT_ONE_OF = "must be one of {choices}", "须为以下之一：{choices}"
    MAKES_SVG = (
        "makes {model} draw SVG, which is not stored yet",
        "会让 {model} 生成 SVG，而 SVG 尚不能保存",
    )
    MAKES_ONLY_SVG = (
        "is {model}, which makes SVG alone, and that is not stored yet",
        "为 {model}，它只生成 SVG，而 SVG 尚不能保存",
    )
    NOT_MATCHING = "must match {pattern}", "须符合 {pattern}"
    NOT_UTF8 = "is not UTF-8", "不是 UTF-8"
    HAS_NUL = "must not contain NUL", "不能含有 NUL 字符"
    HAS_CONTROLS = "must not contain control characters or line breaks", "不能含有控制字符或换行"
    HAS_INVISIBLES = "must not contain invisible characters", "不能含有不可见的字符"
    HALF_SURROGATE = "must not contain half of a surrogate pair", "不能含有不成对的代理字符"
    NOT_PRINTABLE_ASCII = (
        "must be printable ASCII without line breaks",
        "须为可打印的 ASCII 字符，且不含换行",
    )
    NOT_A_KEY = "must be 1 to {maximum} visible ASCII characters", "须为 1 到 {maximum} 个可见的 ASCII 字符"
    NOT_A_NAME = "must be 1 to {maximum} of a-z 0-9 . _ -", "须为 1 到 {maximum} 个 a-z 0-9 . _ - 字符"
    NOT_A_DATE = "must be a date such as 2026-11-26", "须为 2026-11-26 这样的日期"
    NOT_A_CURRENCY = "must be a currency such as USD", "须为 USD 这样的货币代码"
    NOT_A_TIME = "must be an ISO 8601 date or time", "须为 ISO 8601 日期或时间"
    NOT_A_TIME_ZONE = (
        "must be a time zone such as Asia/Shanghai or +08:00",
        "须为 Asia/Shanghai 或 +08:00 这样的时区",
    )

    # addresses
    NOT_A_URL = "is not a URL", "不是有效的 URL"
    NOT_HTTP = "must start with http:// or https://", "须以 http:// 或 https:// 开头"
    URL_WITH_SPACE = (
        "must not contain white space, a backslash or control characters",
        "不能含有空白、反斜杠或控制字符",
    )
    URL_WITH_CREDENTIALS = "must not contain credentials", "不能含有用户名或密码"
    URL_WITHOUT_HOST = "must name a host", "须包含主机名"
    URL_WITH_QUERY = "must not contain a query or a fragment", "不能含有查询参数或片段"
    HEADER_NOT_SETTABLE = "{name!r} is not a header that may be set", "不能设置请求头 {name!r}"
    HEADER_NOT_PRINTABLE = (
        "the value of {name!r} must be printable ASCII",
        "{name!r} 的值须为可打印的 ASCII 字符",
    )
    PROXY_PASSWORD_NEEDED = "needs its password again at another address", "换了地址，须重新给出密码"

    # parameters
    CONFLICT = "differs from {other}, which means the same", "与含义相同的 {other} 不一致"
    DIFFERS = "differs from {other}", "与 {other} 不一致"
    NEEDS_OTHER = "is needed beside {other}", "与 {other} 须同时给出"
    KEY_AS_PARAMETER = (
        "is not a parameter; a key of your own goes into config.api_key",
        "不是参数；自己的密钥请放在 config.api_key",
    )
    NOT_A_PARAMETER = "model {model} takes no such parameter", "模型 {model} 没有这个参数"
    SIDES_OUT_OF_RANGE = (
        "sides must be {minimum} to {maximum} pixels",
        "边长须为 {minimum} 到 {maximum} 像素",
    )
    SIZE_NOT_STORED = (
        "would make an image of {width}x{height}, but only up to {maximum} megapixels can be stored",
        "会生成 {width}x{height} 的图片，而最多只能保存 {maximum}00 万像素",
    )
    UPSCALE_NOT_STORED = (
        "{factor} times as large is {width}x{height}, but only up to {maximum} megapixels can be stored",
        "放大 {factor} 倍后为 {width}x{height}，而最多只能保存 {maximum}00 万像素",
    )
    NOT_A_SIZE = "must be WIDTHxHEIGHT or one of {choices}", "须为 WIDTHxHEIGHT，或以下之一：{choices}"
    NOT_SIZE_OF_IMAGE = "must be {width}x{height} like the image", "须与图片同为 {width}x{height}"
    NOT_AN_INPUT = "must be the bytes of an image or a KeptImage", "须为图片的字节或 KeptImage"
    NOT_WITH_ACTION = "does not go with {action}", "不能与 {action} 同用"
    OTHER_OPERATION = "belongs to {operations}", "只用于 {operations}"
    OTHER_QUERY = "belongs to another query", "属于另一个查询"
    NOT_A_CURSOR = "is not a cursor of this API", "不是本接口给出的游标"

    # models and tasks
    MODEL_WITHOUT_ID = "must have an id", "须有 id"
    DUPLICATE = "is named twice", "重复出现"
    SECOND_DEFAULT = "only one model can be the default", "只能有一个默认模型"
    NOT_RETRYABLE = (
        "the task is {status}; only a failed or cancelled one is retried",
        "任务为 {status}，只能重试失败或已取消的任务",
    )
    INPUTS_GONE = (
        "the task's input images are no longer kept, or were deleted",
        "任务的输入图片已不再保留，或已被删除",
    )
    NO_ARCHIVE = "is not configured, so local files are never removed", "尚未配置，因此不会删除本地文件"


def range_problem(
    number: float, *, minimum: float | None = None, maximum: float | None = None
) -> Message | None:
    """Return what is wrong with a number that has bounds, which are inclusive; None if it is within them."""
    if minimum is not None and not number >= minimum:  # so that NaN is refused, too
        return ProblemCode.TOO_SMALL(minimum=minimum)
    if maximum is not None and number > maximum:
        return ProblemCode.TOO_LARGE(maximum=maximum)
    return None


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


class StorageCode(MessageCode):
    """Why a store could not keep or give bytes, or the state of a task."""

    NO_BLOB = "no blob {key!r}", "没有文件 {key!r}"
    NOT_A_BLOB_KEY = "{key!r} cannot be a blob's key", "{key!r} 不能是文件的键"
    BLOB_OF_OTHER_SIZE = (
        "blob {key!r} has {size} bytes, not {expected}",
        "文件 {key!r} 有 {size} 字节，而不是 {expected}",
    )
    BLOB_SHORTER = "blob {key!r} is shorter than {size} bytes", "文件 {key!r} 不足 {size} 字节"
    BLOB_LONGER = "blob {key!r} is longer than {size} bytes", "文件 {key!r} 超过 {size} 字节"
    BLOB_FAILED = "blob {key!r}: {detail}", "文件 {key!r}：{detail}"
    FILE_SYSTEM_SILENT = "the file system does not answer: {detail}", "文件系统没有答复：{detail}"
    ARCHIVE_UNREACHABLE = "the archive does not answer", "归档存储没有答复"
    ARCHIVE_DIFFERS = (
        "the archive does not hold what was sent of image {image_id}",
        "归档存储中的图片 {image_id} 与发送的不同",
    )
    IN_NO_STORE = "the bytes of image {image_id} are in no store", "图片 {image_id} 的内容已不在任何存储中"
    NOT_READABLE = "image {image_id} cannot be read now", "图片 {image_id} 现在无法读取"
    ZIP_LACKS = (
        "Images that were asked for and are not in this file, or not whole:",
        "本文件缺少的图片，或不完整的图片：",
    )
    LOCAL_FILE_CHANGED = (
        "the local file of image {image_id} is not what was stored",
        "图片 {image_id} 的本地文件与当初保存的不同",
    )
    LOCAL_FILE_DAMAGED = (
        "the local file of image {image_id} is damaged; verify mends it",
        "图片 {image_id} 的本地文件已损坏；verify 可以修复",
    )
    NO_THUMBNAIL = (
        "no thumbnail can be made of image {image_id}: {reason}",
        "无法为图片 {image_id} 制作缩略图：{reason}",
    )
    ILLEGAL_TRANSITION = (
        "{noun} is {state} and cannot become {target}",
        "{noun} 为 {state}，不能变为 {target}",
    )
    STALE_TASK = "task {task_id} was changed by somebody else", "任务 {task_id} 已被别处更改"


class FailureReason(MessageCode):
    """Why a task or one of its calls failed, where this service says so and not a provider."""

    CANCELLED_BY_CALLER = "cancelled by the caller", "已由调用者取消"
    CANCELLED_UNSENT = "cancelled before anything was sent", "发送之前已取消"
    STOPPED_MIDWAY = (
        "the service stopped while the provider had the request",
        "请求已在服务商处时，本服务停止了",
    )
    DISK_FAILED = "the disk failed again and again", "磁盘一再出错"
    DEFECT = "a defect of this service", "本服务自身的缺陷"
    CRASHED_OVER_RESPONSE = (
        "the provider's response stopped this service three times",
        "服务商的答复三次使本服务中止",
    )
    RESPONSE_TOO_LARGE = "the response is larger than {maximum} bytes", "答复超过 {maximum} 字节"
    RESPONSE_NOT_KEPT = "the response could not be kept on disk", "答复未能保存到磁盘"
    RESPONSE_GONE = "the provider's response is no longer on disk", "服务商的答复已不在磁盘上"
    NO_IMAGE_IN_RESPONSE = "the provider's response holds no image", "服务商的答复中没有图片"
    TOO_SLOW = "the provider took longer than {seconds} seconds", "服务商用时超过 {seconds} 秒"
    NOT_AN_IMAGE = "the provider's bytes are not PNG, JPEG or WebP", "服务商发来的不是 PNG、JPEG 或 WebP"
    TYPE_UNCLEAR = "the image's type is unclear", "图片类型不明确"
    IMAGE_REFUSED = "the provider's image is refused: {reason}", "服务商的图片不被接受：{reason}"
    IMAGE_TOO_LARGE = (
        "the provider's image is larger than {maximum} bytes",
        "服务商的图片超过 {maximum} 字节",
    )
    ANSWER_KEPT = (
        "{reason}; what the provider sent is kept until {until}: imagegen tasks response {task_id}",
        "{reason}；服务商发来的内容保留到 {until}：imagegen tasks response {task_id}",
    )
    IMAGE_NOT_STORED = "the image could not be stored", "图片未能保存"
    IMAGE_NOT_READ = "reading it again failed", "重新读取失败"
    STORED_IMAGE_NOT_CHECKED = (
        "the image could not be checked ({reason}); it is kept as {key}",
        "图片未能检查（{reason}），已保留为 {key}",
    )


class WarningCode(MessageCode):
    """What a caller should know of a task or a configuration that is none the worse for it."""

    MODEL_ENDS = "model {model} is {status}", "模型 {model} {status}"
    MODEL_REPLACED = (
        "model {model} is {status}; use {replacement} instead",
        "模型 {model} {status}；请改用 {replacement}",
    )
    STATUS_SINCE = "{status} ({date})", "{status}（{date}）"
    DEPRECATED = "deprecated", "即将停用"
    RETIRED = "retired", "已停用"
    ENDING = "at its end", "停用"
    OTHER_SIZE = "size {requested} was asked for, {size} came", "所要的尺寸是 {requested}，得到的是 {size}"
    METADATA_DROPPED = (
        "{names} of what the provider said beside its images is too long, and was dropped",
        "服务商随图片返回的 {names} 过长，已丢弃",
    )
    IMAGE_MISSING = "one image is missing: {failure}: {reason}", "缺少一张图片：{failure}：{reason}"
