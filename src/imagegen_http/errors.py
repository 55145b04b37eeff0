"""What the service says of errors: the table of them, and sentences about what the core does not see."""

import errno
import pwd
from collections.abc import Iterator, Mapping
from typing import Any

from imagegen_core.errors import FailureCode, Refusal, Row
from imagegen_core.messages import Language, Message, MessageCode, as_message
from imagegen_core.problems import Problem, ProblemCode


class RequestProblem(MessageCode):
    """Rules of the HTTP API; each sentence goes on after the field's name."""

    NOT_AN_HTTP_REQUEST = "is not a valid HTTP request", "不是有效的 HTTP 请求"
    ADDRESS_NOT_ENCODED = (
        "an address must be ASCII, the rest percent-encoded; curl does that with -G --data-urlencode",
        "地址中的非 ASCII 字符须用百分号编码；curl 可用 -G --data-urlencode",
    )
    TOO_MANY_HEADERS = "must have at most {maximum} headers", "请求头不能超过 {maximum} 个"
    CHUNKS_TOO_SMALL = "must come in larger chunks", "分块须更大"
    NESTED_TOO_DEEPLY = "is nested deeper than {maximum} levels", "嵌套超过 {maximum} 层"
    TOO_MANY_VALUES = "has more than {maximum} values", "含有超过 {maximum} 个值"
    TOO_MANY_QUOTES = "has more than {maximum} quotes", "含有超过 {maximum} 个引号"
    TOO_MUCH_TEXT = "has more than {maximum} bytes beside its images", "除图片外超过 {maximum} 字节"
    TWO_LENGTHS = (
        "has both a Content-Length and a Transfer-Encoding",
        "同时带有 Content-Length 和 Transfer-Encoding",
    )
    LENGTH_NOT_A_NUMBER = "Content-Length is not a number", "Content-Length 不是数字"
    BODY_TOO_SLOW = "was not complete after {seconds} seconds", "{seconds} 秒内未传完"

    NO_BOUNDARY = "its Content-Type names no boundary", "其 Content-Type 没有 boundary"
    NOT_A_FORM = "is not multipart/form-data, or has too many parts", "不是 multipart/form-data，或分段过多"
    STRAY_IMAGE = "has an image in a field that takes none", "在不接受图片的字段中带有图片"
    NOT_A_DATA_URL = (
        "must be a data:image/…;base64, URL or image:<id>",
        "须为 data:image/…;base64, 形式的 URL 或 image:<id>",
    )
    NOT_BASE64 = "is not base64", "不是有效的 base64"
    MASK_OF_SEVERAL = "goes with one image only", "只能与单张图片一起使用"

    NOT_AN_EVENT_ID = "must be a number that this stream gave", "须为本事件流给出的编号"


class ServiceCode(MessageCode):
    """Why the service does not do something, or not now."""

    CONNECTIONS_OF_AN_ADDRESS = (
        "this address has {limit} connections: see server.max_connections_per_address and .trusted_proxies",
        "该地址的连接已达 {limit} 个：见 server.max_connections_per_address 和 .trusted_proxies",
    )
    CONNECTIONS_IN_TOTAL = "there are {limit} connections already", "连接已达 {limit} 个"
    CALLER_LEFT = "nobody waits for it any more", "已无人等待结果"
    CANNOT_LISTEN = "cannot listen on {host} port {port}: {detail}", "无法监听 {host} 端口 {port}：{detail}"
    TASK_GOES_ON = "the task goes on; see {call}", "任务仍在进行，可用 {call} 查看"
    NO_VARIATIONS = (
        "{path} ended with DALL·E 2; use {replacement}",
        "{path} 已随 DALL·E 2 停用；请用 {replacement}",
    )
    WORKER_ONLY = (
        "this node only runs tasks and answers below /health: ask one with the role api",
        "本节点只运行任务，仅在 /health 下作答：请访问有 api 角色的节点",
    )
    REINDEXING = "the search index is being rebuilt already", "搜索索引已在重建"


class SystemCode(MessageCode):
    """The common errors; the system's own words are English wherever the locale is not installed."""

    NO_SUCH_FILE = "No such file or directory", "没有这个文件或目录"
    PERMISSION_DENIED = "Permission denied", "权限不足"
    IS_A_DIRECTORY = "Is a directory", "是目录"
    NOT_A_DIRECTORY = "Not a directory", "不是目录"
    FILE_EXISTS = "File exists", "文件已存在"
    READ_ONLY = "Read-only file system", "文件系统只读"
    NO_SPACE_LEFT = "No space left on device", "磁盘空间不足"
    QUOTA_EXCEEDED = "Disk quota exceeded", "超出磁盘配额"
    NAME_TOO_LONG = "File name too long", "文件名过长"
    ADDRESS_IN_USE = "Address already in use", "地址已被占用"
    ADDRESS_NOT_HERE = "Cannot assign requested address", "本机没有这个地址"
    IO_ERROR = "Input/output error", "读写错误"


_CODES = {
    errno.ENOENT: SystemCode.NO_SUCH_FILE,
    errno.EACCES: SystemCode.PERMISSION_DENIED,
    errno.EPERM: SystemCode.PERMISSION_DENIED,
    errno.EISDIR: SystemCode.IS_A_DIRECTORY,
    errno.ENOTDIR: SystemCode.NOT_A_DIRECTORY,
    errno.EEXIST: SystemCode.FILE_EXISTS,
    errno.EROFS: SystemCode.READ_ONLY,
    errno.ENOSPC: SystemCode.NO_SPACE_LEFT,
    errno.EDQUOT: SystemCode.QUOTA_EXCEEDED,
    errno.ENAMETOOLONG: SystemCode.NAME_TOO_LONG,
    errno.EADDRINUSE: SystemCode.ADDRESS_IN_USE,
    errno.EADDRNOTAVAIL: SystemCode.ADDRESS_NOT_HERE,
    errno.EIO: SystemCode.IO_ERROR,
}


def system_reason(error: OSError) -> Message:
    """Return why the operating system refuses; a rare reason is in its own words."""
    code = _CODES.get(error.errno or 0)
    return as_message(error.strerror or type(error).__name__) if code is None else code()


def user_name(uid: int) -> str:
    """Return a user's name, or ``user <uid>`` if it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def read_problem(error: OSError | ValueError) -> Message:
    return system_reason(error) if isinstance(error, OSError) else ProblemCode.NOT_UTF8()


_OWN_ROWS: Mapping[str, Row] = {
    "unauthorized": Row(
        40101,
        "缺少或错误的访问令牌",
        "the token is missing or wrong",
        "请使用 Authorization: Bearer <令牌>",
        "send Authorization: Bearer <token>",
    ),
    "forbidden_origin": Row(
        40301,
        "拒绝该请求：Host 不在允许之列，或来自其他网站",
        "refused: the Host is not allowed, or the request comes from another site",
        "其他主机名请加入 server.allowed_hosts；其他网站的网页请带上令牌，或加入 security.allowed_origins",
        "list further host names in server.allowed_hosts; pages of others send the token, or stand in "
        "security.allowed_origins",
    ),
    "not_found": Row(40400, "没有这个地址", "no such route", "接口文档见 /docs", "see /docs"),
    "method_not_allowed": Row(
        40500,
        "该地址不支持此方法",
        "the method is not allowed here",
        "可用的方法见响应头 Allow",
        "the Allow header names those that are",
    ),
    "body_too_large": Row(
        41300,
        "请求体过大",
        "the body is too large",
        "请缩小到 max_bytes 字节以内",
        "send at most max_bytes bytes",
    ),
    "unsupported_media_type": Row(
        41500,
        "请求体的类型或编码不被接受",
        "the type or the coding of the body is not accepted",
        "请用 accepted 之一作为 Content-Type，且不要压缩（不带 Content-Encoding）",
        "send one of accepted as Content-Type, uncompressed and without Content-Encoding",
    ),
    "internal": Row(
        50000, "服务内部错误", "internal error", "请附上 request_id 反馈", "report it with its request_id"
    ),
}
"""Of what only HTTP refuses."""


def _refusals(kind: type[Refusal]) -> Iterator[tuple[str, Row]]:
    if "row" in vars(kind):
        yield kind.slug, kind.row
    for each in kind.__subclasses__():
        yield from _refusals(each)


TABLE: Mapping[str, Row] = dict(
    sorted({**_OWN_ROWS, **dict(_refusals(Refusal))}.items(), key=lambda row: row[1].code)
)
"""The table of errors: one row a slug, in the order of their codes."""

_WHOLE_REASONS = frozenset(
    {
        "provider_unusable",
        "provider_disabled",
        "preset_ended",
        "image_not_stored",
        "image_refused",
        "image_too_large",
        "response_unreadable",
    }
)
"""Reasons that say by themselves what the code of the failure means."""


def failure_sentence(code: FailureCode, reason: Message, language: Language) -> str:
    """Return what the code of a failed task means, and why it came to that, saying nothing twice."""
    text = reason.text(language)
    cause = reason.args["reason"] if str(reason.code) == "answer_kept" else reason
    if str(cause.code) in _WHOLE_REASONS:
        return text
    meaning, colon = (code.en, ": ") if language is Language.EN else (code.zh, "：")
    return f"{meaning}{colon}{text}" if text else meaning


def envelope(
    slug: str, data: dict[str, Any], *, language: Language, request_id: str
) -> tuple[int, dict[str, Any]]:
    """Return the HTTP status and the body of an error; messages and problems in ``data`` become text."""
    row = TABLE[slug]
    message, hint = (row.en, row.hint_en) if language is Language.EN else (row.zh, row.hint_zh)
    body: dict[str, Any] = {"error": slug, "request_id": request_id}
    if hint:
        body["hint"] = hint
    body |= {name: _shown(value, language) for name, value in data.items()}
    return row.code // 100, {"code": row.code, "message": message, "data": body}


def _shown(value: Any, language: Language) -> Any:
    match value:
        case Message():
            return value.text(language)
        case Problem(field=field, reason=reason):
            return {"field": field, "code": str(reason.code), "message": reason.text(language)}
        case tuple():
            return [_shown(item, language) for item in value]
        case _:
            return value
