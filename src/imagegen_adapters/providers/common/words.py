"""What several providers say of a request before it is sent."""

from imagegen_core.messages import MessageCode


class InputCode(MessageCode):
    """Rules of providers about what comes with a request. Each sentence goes on after the field's name."""

    REQUEST_TOO_HEAVY = (
        "all images together have {size} bytes, at most {maximum} go into one request",
        "全部图片合计 {size} 字节，一次请求最多 {maximum} 字节",
    )
    WRONG_MIME_TYPE = (
        "is {mime_type}, but this model takes {types}",
        "是 {mime_type}，而该模型只接受 {types}",
    )
    IMAGE_TOO_HEAVY = (
        "has {size} bytes, but this model takes {maximum} at most",
        "有 {size} 字节，而该模型最多接受 {maximum} 字节",
    )
    TOO_FEW_PIXELS = (
        "has {pixels} pixels, but this model wants at least {minimum}",
        "有 {pixels} 像素，而该模型至少需要 {minimum} 像素",
    )
    TOO_MANY_PIXELS = (
        "has {pixels} pixels, but this model takes {maximum} at most",
        "有 {pixels} 像素，而该模型最多接受 {maximum} 像素",
    )
    SIDE_TOO_SHORT = (
        "is {size}, but this model wants sides of at least {minimum} pixels",
        "是 {size}，而该模型要求每边至少 {minimum} 像素",
    )
    SIDE_TOO_LONG = (
        "is {size}, but this model takes sides of {maximum} pixels at most",
        "是 {size}，而该模型每边最多接受 {maximum} 像素",
    )
    IMAGE_SHAPE = (
        "is {size}, but this model takes a width of {minimum} to {maximum} times the height",
        "是 {size}，而该模型要求宽为高的 {minimum} 到 {maximum} 倍",
    )
    MASK_SIZE = "is {actual}, but its image is {expected}", "是 {actual}，而图片是 {expected}"
    UNDECODABLE = "cannot be decoded", "无法解码"
    KEY_FORM = "must be {form}", "须为 {form} 的形式"


class ResponseCode(MessageCode):
    """What is wrong with a provider's response, or with the call that brought it."""

    RESPONSE_EMPTY = "the provider's response is empty", "服务商的答复为空"
    RESPONSE_NOT_JSON = "the provider's response is not JSON: {text}", "服务商的答复不是 JSON：{text}"
    RESPONSE_NOT_AN_OBJECT = "the provider's response is not a JSON object", "服务商的答复不是 JSON 对象"
    RESPONSE_TOO_DEEP = "the provider's response is nested too deeply", "服务商的答复嵌套过深"
    RESPONSE_VALUES = "the provider's response has too many values", "服务商的答复中的值过多"
    RESPONSE_TEXT_TOO_LONG = (
        "the provider's response holds a text that is too long",
        "服务商的答复中有过长的文字",
    )
    RESPONSE_JSON = (
        "the provider's response has too much JSON beside its images",
        "服务商的答复中，图片以外的 JSON 过多",
    )
    RESPONSE_TOO_LONG = (
        "the provider's response is longer than {maximum} bytes",
        "服务商的答复超过 {maximum} 字节",
    )
    STREAM_WITHOUT_IMAGE = (
        "the provider's stream of events ended without an image",
        "服务商的事件流结束时没有图片",
    )
    RESPONSE_UNREADABLE = "the provider's response cannot be read", "服务商的答复无法读取"
    NO_IMAGE_BECAUSE = (
        "the provider's response holds no image: {reason}",
        "服务商的答复中没有图片：{reason}",
    )
    NO_IMAGES_NAMED = "the provider's response has no list of images", "服务商的答复中没有图片列表"
    ITEM_WITHOUT_IMAGE = "an item of the provider's response holds no image", "服务商的答复中有一项没有图片"
    RESPONSE_IMAGE_EMPTY = "an image in the provider's response is empty", "服务商的答复中有一张图片为空"
    RESPONSE_IMAGE_NOT_BASE64 = (
        "an image in the provider's response is not base64",
        "服务商的答复中有一张图片不是 base64",
    )
    RESPONSE_IMAGE_TOO_LARGE = (
        "the provider sent more than {maximum} bytes",
        "服务商发来超过 {maximum} 字节",
    )
    IMAGE_HELD_BACK = "the provider held this image back", "服务商扣留了这张图片"
    ALL_IMAGES_HELD_BACK = "the provider held all images back", "服务商扣留了全部图片"
    RESPONSE_ADDRESS_MALFORMED = (
        "the provider's response has a malformed address",
        "服务商的答复中有一个地址格式不对",
    )
    RESPONSE_WITHOUT_ADDRESS = "the provider gave no address to go on with", "服务商没有给出下一步的地址"
    RESPONSE_STATUS = "the provider answered {status} without a reason", "服务商答复 {status}，没有说明原因"
    RESPONSE_CODE = "the provider answered {code}", "服务商答复 {code}"
    RESPONSE_REDIRECT = (
        "the provider answered with a redirect, which is not followed: api_base is wrong",
        "服务商答复重定向，不会跟随：api_base 有误",
    )
    INPUT_UNREADABLE = "an image of the request cannot be read", "请求中的一张图片无法读取"
    INPUT_CHANGED = (
        "an image of the request changed while it was sent",
        "请求中的一张图片在发送时发生了变化",
    )
    NO_JOB = "the provider's response names no job", "服务商的答复中没有任务编号"
    NOT_PROBED = (
        "this provider has no free call; address and key were not tried",
        "该服务商没有免费的调用；未检验地址和密钥",
    )
    NO_JOBS = "this provider keeps no jobs", "该服务商不保留任务"
    JOB_UNKNOWN = "the provider no longer knows the job that it accepted", "服务商已不认识它接受过的任务"
    JOB_CANCELLED = "the provider cancelled the job", "服务商取消了任务"
    JOB_TOO_SLOW = "the job was not done within {seconds} seconds", "任务在 {seconds} 秒内没有完成"
    AT_LAST = "{reason}; at last: {trouble}", "{reason}；最后一次：{trouble}"
    PAGE_INSTEAD = "a page came in the place of the job's result", "收到的是网页，而不是任务的结果"
    BLAMED_MODEL = "{warning}: {reason}", "{warning}：{reason}"
