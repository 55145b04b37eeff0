"""What a task says of itself: why it or one of its calls failed, and what it warns of."""

from imagegen_core.messages import MessageCode


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
