"""What is wrong with a field, in Chinese. The core and msgspec say it in English."""

import re

_TRANSLATIONS: tuple[tuple[str, str], ...] = (
    # the core and the routes
    (r"is required", "为必填项"),
    (r"unknown field", "未知字段"),
    (r"is not JSON", "不是有效的 JSON"),
    (r"must not be empty", "不能为空"),
    (r"must be a string", "须为字符串"),
    (r"must be an object", "须为对象"),
    (r"must be an integer", "须为整数"),
    (r"must be a number", "须为数字"),
    (r"must be a finite number", "须为有限的数字"),
    (r"must be true or false", "须为 true 或 false"),
    (r"must be (?:one of|among) (.+)", r"须为以下之一：\1"),
    (r"must be at least (\S+)", r"不能小于 \1"),
    (r"must be at most (\S+)", r"不能大于 \1"),
    (r"must be at most (\S+) for (.+)", r"对 \2 不能大于 \1"),
    (r"must be at most (\d+) characters", r"不能超过 \1 个字符"),
    (r"must be at most (\d+) characters for (.+)", r"对 \2 不能超过 \1 个字符"),
    (r"must be at most (\d+) bytes", r"不能超过 \1 字节"),
    (r"must be a multiple of (\S+)", r"须为 \1 的倍数"),
    (r"must be (\d+) to (\d+)", r"须为 \1 到 \2"),
    (r"must be an integer from (\d+) to (\d+)", r"须为 \1 到 \2 的整数"),
    (r"sides must be (\d+) to (\d+) pixels", r"边长须为 \1 到 \2 像素"),
    (r"must be WIDTHxHEIGHT or auto", "须为 宽x高 或 auto"),
    (r"must be WIDTHxHEIGHT or one of (.+)", r"须为 宽x高，或以下之一：\1"),
    (r"differs from (\S+)", r"与 \1 不一致"),
    (r"differs from (\S+), which means the same", r"与含义相同的 \1 不一致"),
    (r"is needed beside (\S+)", r"与 \1 须同时给出"),
    (r"model (.+) takes no such parameter", r"模型 \1 没有这个参数"),
    (
        r"is no parameter; a key of your own goes into config\.api_key",
        "不是参数；自己的密钥请放在 config.api_key",
    ),
    (r"must not contain NUL", "不能含有 NUL 字符"),
    (r"must not contain half of a surrogate pair", "不能含有半个代理对字符"),
    (r"must be an ISO 8601 date or time", "须为 ISO 8601 日期或时间"),
    (r"is not a cursor of this API", "不是本接口给出的游标"),
    (r"belongs to another query", "属于另一个查询"),
    (r"must be 1 to 255 visible ASCII characters", "须为 1 到 255 个可见的 ASCII 字符"),
    (r"must be 1 to 64 of a-z 0-9 \. _ -", "须为 1 到 64 个 a-z 0-9 . _ - 字符"),
    (r"must be a number that this stream gave", "须为本事件流给出的编号"),
    (
        r"the task is (\w+); only a failed or cancelled one is retried",
        r"任务为 \1，只能重试失败或已取消的任务",
    ),
    (r"the task's input images are no longer kept", "任务的输入图片已不再保留"),
    (r"must be printable ASCII without line breaks", "须为可打印的 ASCII 字符，且不含换行"),
    (r"must start with http:// or https://", "须以 http:// 或 https:// 开头"),
    (r"must be an http:// or https:// address", "须为 http:// 或 https:// 地址"),
    (r"is not a URL", "不是有效的 URL"),
    (r"must name a host", "须包含主机名"),
    (r"must not contain credentials", "不能含有用户名或密码"),
    (r"must not contain a query or a fragment", "不能含有查询参数或片段"),
    (
        r"must not contain white space, a backslash or control characters",
        "不能含有空白、反斜杠或控制字符",
    ),
    (r"the value of '(.+)' must be printable ASCII", r"'\1' 的值须为可打印的 ASCII 字符"),
    (r"'(.+)' is not a header that may be set", r"不能设置请求头 '\1'"),
    (r"is named twice", "重复出现"),
    (r"only one model can be the default", "只能有一个默认模型"),
    (r"must be an object of strings", "须为值是字符串的对象"),
    (r"is nested deeper than (\d+) levels, or has too many brackets", r"嵌套超过 \1 层，或括号过多"),
    (r"was not complete after (\S+) seconds", r"\1 秒内未传完"),
    # uvicorn and the protocol
    (r"Invalid HTTP request received\.", "不是有效的 HTTP 请求"),
    (
        r"an address must be ASCII, the rest percent-encoded; curl does that with (.+)",
        r"地址中的非 ASCII 字符须用百分号编码；curl 可用 \1",
    ),
    # msgspec
    (r"Expected `([^`]+)`, got `([^`]+)`", r"须为 \1 类型，收到的是 \2"),
    (r"Expected `(?:str|array)(?: \| null)?` of length >= (\d+)", r"长度不能小于 \1"),
    (r"Expected `(?:str|array)(?: \| null)?` of length <= (\d+)", r"长度不能超过 \1"),
    (r"Expected `[^`]+` >= (\S+)", r"不能小于 \1"),
    (r"Expected `[^`]+` > (\S+)", r"须大于 \1"),
    (r"Expected `[^`]+` <= (\S+)", r"不能大于 \1"),
    (r"Expected `[^`]+` matching regex (.+)", r"须符合 \1"),
    (r"Invalid enum value (.+)", r"不接受的取值 \1"),
    (r"(?:Number|Integer value) out of range", "数字超出范围"),
)

_TABLE = tuple((re.compile(english, re.DOTALL), chinese) for english, chinese in _TRANSLATIONS)


def in_chinese(message: str) -> str:
    """Return the sentence in Chinese; one that is not in the table, such as a provider's rule, unchanged."""
    for pattern, chinese in _TABLE:
        if match := pattern.fullmatch(message):
            return match.expand(chinese)
    return message
