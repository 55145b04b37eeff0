"""What can be wrong with a declarative document, and what a call that it describes can end in."""

from imagegen_core.messages import Message, MessageCode


class DocumentCode(MessageCode):
    """Rules of documents. Each sentence goes on after the field's path."""

    # documents as a whole
    PRESET_AND_SPEC = "takes either preset or spec, not both", "preset 和 spec 只能给出其一"
    PRESET_ENDED = (
        "{preset} was switched off by its provider on {date}; use preset {successor} with a key of its own",
        "{preset} 已由其提供方于 {date} 停用；请改用预设 {successor} 及其密钥",
    )
    PRESET_IS_A_KIND = (
        "is a kind of its own by now: set kind: {kind}, and leave out preset and vars",
        "已成为独立的类型：请设置 kind: {kind}，并去掉 preset 和 vars",
    )
    NOT_A_VARIABLE = "is not a variable of this document; it has {known}", "不是该文档的变量；它有：{known}"
    NOT_A_DOCUMENT_FIELD = "is not a field of the document", "不是文档的字段"
    MISSPELT_DOCUMENT_FIELD = (
        "is not a field of the document; did you mean {suggestion}?",
        "不是文档的字段；是否想写 {suggestion}？",
    )
    WRONG_SHAPE = "has the wrong type", "类型不对"
    SERVICE_DECIDES = "is decided by the service, never by a document", "由本服务决定，不由文档决定"
    NOT_AVAILABLE = "is not available; use {replacement} instead", "不可用；请改用 {replacement}"
    NO_PREPARATION = "is not available; send images within the request", "不可用；请在请求中直接带上图片"
    ONLY_SECRET = (
        "is not available; the configuration's api_key is the only secret",
        "不可用；配置中的 api_key 是唯一的机密",
    )
    NOT_A_RETRY_RULE = (
        "must be header:Name, or an object with jmespath and regex",
        "须为 header:名称，或带有 jmespath 和 regex 的对象",
    )

    # how its parts fit together
    NO_OPERATIONS = "must name at least one operation", "须至少有一个操作"
    NAME_IS_NOT_AN_OPERATION = (
        "is required, since the name is not an operation",
        "为必填项，因为该名称不是操作",
    )
    TASK_WITHOUT_POLL = "is required: task and poll belong together", "为必填项：task 与 poll 须同时给出"
    ONE_OF_TWO = "needs either {first} or {second}", "须给出 {first} 或 {second} 之一"
    NEEDS_ANY = "needs {fields:or}", "须给出 {fields:or}"
    NO_STATES = "must name at least one state", "须至少有一个状态"
    SECONDS_OUT_OF_RANGE = "must be {minimum} to {maximum} seconds", "须为 {minimum} 到 {maximum} 秒"
    NOT_ENCRYPTED = (
        "must start with https://, but for an address of this machine",
        "须以 https:// 开头，本机地址除外",
    )
    NOT_A_PATH = "must start with /", "须以 / 开头"
    URL_BEFORE_SUBMIT = (
        "is for poll, result and cancel only; use path",
        "只用于 poll、result 和 cancel；请用 path",
    )
    TASK_BEFORE_SUBMIT = (
        "mentions task, which exists only after the submit",
        "提到了 task，而它在提交之后才有",
    )
    PROMPT_AFTER_SUBMIT = (
        "must not mention a prompt: a job that was paid for could not be asked for if that does not fit",
        "不能提到提示词：若其不合适，已付费的任务就无法查询",
    )
    STREAM_OF_A_JOB = (
        "does not go with task: a job is asked for, and streams nothing",
        "不能与 task 同时给出：任务靠轮询，没有事件流",
    )
    NOT_A_PARAMETER_NAME = "must be the name of a parameter", "须为参数名"
    NO_SUCH_OPERATION = "there is no operation {name!r}", "没有操作 {name!r}"
    NOT_IMPLEMENTED = "no operation implements {operation}", "没有实现 {operation} 的操作"
    REQUIRED_FOR = "is required for {kind}", "{kind} 须给出此项"
    REPLACES_ITSELF = "leads back to {model} itself", "最终又指回 {model} 自身"
    NOT_REFUSABLE = ("is not one of the parameters that requests have by themselves", "不是请求自带的参数")
    NOT_IN_A_FORM = (
        "no model of this document takes {name!r}; whatever sets a size is one field, size",
        "该文档的模型都没有 {name!r}；设置尺寸的参数合为一项 size",
    )
    TWICE_IN_A_FORM = "names {name!r} a second time", "重复给出了 {name!r}"
    NOT_A_STATUS = (
        "{status!r} is neither a status such as 429 nor 5xx",
        "{status!r} 既不是 429 这样的状态码，也不是 5xx",
    )
    UNDECLARED_VARIABLE = (
        "there is no variable {name!r}: the document declares it nowhere",
        "没有变量 {name!r}：文档没有声明它",
    )

    # templates
    UNFINISHED_PLACEHOLDER = "has a ${{ that does not end", "有未结束的 ${{"
    NOT_A_VARIABLE_PATH = (
        "{name!r} is not a path such as params.quality or refs[0].base64",
        "{name!r} 不是 params.quality 或 refs[0].base64 这样的路径",
    )
    NO_SUCH_VARIABLE = "there is no variable {name!r}", "没有变量 {name!r}"
    NO_SUCH_IMAGE_FIELD = (
        "{name!r}: an image has no {field!r}; it has {known}",
        "{name!r}：图片没有 {field!r}；它有：{known}",
    )
    MUST_STAND_ALONE = (
        "{name!r} must stand alone, without text around it",
        "{name!r} 须单独出现，前后不能有文字",
    )
    NOT_A_DIRECTIVE = "is not a directive", "不是指令"
    NOT_AN_OPTION = "does not belong to {directive}", "不属于 {directive}"
    ITEM_OR_FILE = "$each needs either $item or $file", "$each 须有 $item 或 $file 之一"
    NOT_A_SPREAD = "must have exactly $each, $key and $value", "须恰好有 $each、$key 和 $value"
    NOT_A_NAME_OF_A_LIST = "must be a path such as refs", "须为 refs 这样的路径"

    # expressions and patterns
    NOT_JMESPATH = "is not a JMESPath expression: {detail}", "不是 JMESPath 表达式：{detail}"
    NO_SUCH_FUNCTION = "calls {name}(), which JMESPath does not have", "调用了 {name}()，而 JMESPath 没有它"
    SLICE_WITHOUT_STEP = "has a slice whose step is 0", "含有步长为 0 的切片"
    TOO_COSTLY = "takes too much work or memory", "耗费的计算或内存过多"
    NOT_A_PATTERN = "is not a regular expression: {detail}", "不是正则表达式：{detail}"
    PATTERN_WITHOUT_GROUP = "needs a group around the number", "须用一个分组括住数字"
    PATTERN_REFERS_BACK = "must not refer back to a group", "不能反向引用分组"
    PATTERN_NESTED = "must not have a repeat or a choice within a repeat", "重复之内不能再有重复或选择"
    PATTERN_REPEATS = "must not have more than {maximum} repeats", "重复不能超过 {maximum} 处"
    PATTERN_CHOICES = (
        "must not have more than {maximum} repeats and choices",
        "重复和选择合计不能超过 {maximum} 处",
    )

    # requests of callers
    NO_OPERATION_FOR = "the document has no operation for {operation}", "文档没有用于 {operation} 的操作"
    NO_MASK = "model {model} takes no mask", "模型 {model} 不接受蒙版"
    NO_SUCH_SIZE = (
        "{size!r} is not a size of this model; it has {known}",
        "{size!r} 不是该模型的尺寸；它有：{known}",
    )
    SIZE_IN_PIXELS = (
        "{size!r} is not a size of this model; give width and height",
        "{size!r} 不是该模型的尺寸；请给出 width 和 height",
    )
    SIZE_SIDES = (
        "{size}: sides must be {minimum} to {maximum} pixels",
        "{size}：边长须为 {minimum} 到 {maximum} 像素",
    )
    SIZE_PIXELS = (
        "{size}: must have {minimum} to {maximum} pixels",
        "{size}：总像素须为 {minimum} 到 {maximum}",
    )
    SIZE_SHAPE = (
        "{size}: width to height must be {minimum:g} to {maximum:g}",
        "{size}：宽高比须为 {minimum:g} 到 {maximum:g}",
    )

    # calls
    EXPRESSION_FAILED = (
        "the document's expression {expression!r} cannot read this response: {detail}",
        "文档中的表达式 {expression!r} 无法读取该响应：{detail}",
    )
    EXPRESSION_SKIPPED = (
        "the document's expression {expression!r} failed on the response or found too much, and was skipped",
        "已略过文档中的表达式 {expression!r}：它无法读取响应，或结果过大",
    )
    DOCUMENT_OPERATION_GONE = "model {model} cannot do {operation}", "模型 {model} 不能执行 {operation}"
    DOCUMENT_JOBS_GONE = "this provider's document no longer has jobs", "该服务商的文档不再有任务"
    DOCUMENT_ADDRESS_UNUSABLE = (
        "the request's address is not a URL that can be used",
        "请求的地址不是可用的 URL",
    )
    DOCUMENT_PATH_INCOMPLETE = (
        "the request's path is incomplete; nothing was sent",
        "请求的路径不完整；未发送任何内容",
    )
    DOCUMENT_PATH_OF_DOTS = (
        "the request's path would have a segment . or .., which leads elsewhere; nothing was sent",
        "请求的路径会含有 . 或 .. 段，将指向别处；未发送任何内容",
    )
    DOCUMENT_REQUEST_TOO_LARGE = (
        "the document's templates make too large a request of this one; nothing was sent",
        "文档的模板由此生成的请求过大；未发送任何内容",
    )
    DOCUMENT_URL_TOO_LONG = (
        "the request's URL would be longer than {maximum} characters; nothing was sent",
        "请求的 URL 会超过 {maximum} 个字符；未发送任何内容",
    )
    DOCUMENT_BODY_UNWRITABLE = (
        "the document's template gives a body that cannot be written as {kind}; nothing was sent",
        "文档的模板生成的请求体无法写成 {kind}；未发送任何内容",
    )
    DOCUMENT_STRAY_IMAGE = "a request without images has one", "不带图片的请求中有图片"
    DOCUMENT_SENT_ELSEWHERE = (
        "the provider sent us on to {host}, where this key does not belong",
        "服务商要求转到 {host}，该密钥不能用于那里",
    )
    DOCUMENT_NO_ADDRESS = "no address", "空地址"
    DOCUMENT_HOST_NOT_LISTED = (
        "{host} is not among the document's download_hosts",
        "{host} 不在文档的 download_hosts 之中",
    )
    DOCUMENT_RESIZED = "size {requested} was sent as {size}", "尺寸 {requested} 以 {size} 发送"
    DOCUMENT_NEAREST_SIZE = (
        "size {requested} was sent as {size}, the nearest that this model has",
        "尺寸 {requested} 以 {size} 发送，这是该模型最接近的尺寸",
    )
    DOCUMENT_MASK_BESIDE = (
        "this model takes no mask; it was sent along as one more image",
        "该模型不接受蒙版；蒙版作为另一张图片一并发送",
    )
    DOCUMENT_LOGIN_FAILED = "no access token: {reason}", "未取得访问令牌：{reason}"
    DOCUMENT_NO_TOKEN = "the answer of token_url has none", "token_url 的响应中没有令牌"
    DOCUMENT_TOKEN_REFUSED = (
        "the access token was refused before its end; the next call gets a new one",
        "访问令牌在到期前被拒绝；下一次调用会取得新的令牌",
    )
    DOCUMENT_PROBED = "address and key are good", "地址和密钥可用"
    DOCUMENT_PROBE_STATUS = "{status}: {reason}", "{status}：{reason}"


class Malformed(ValueError):
    """A part of a document is not what it must be; ``reason`` says why."""

    def __init__(self, reason: Message) -> None:
        super().__init__(str(reason))
        self.reason = reason
