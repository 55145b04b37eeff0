"""What can be wrong with a request before the core sees it, and what only HTTP knows."""

from imagegen_core.messages import MessageCode


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
