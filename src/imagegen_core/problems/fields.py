"""What can be wrong with a field of a request, a setting or a document."""

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
