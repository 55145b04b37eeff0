"""What Google's services want of a configuration, and what becomes of requests there."""

from imagegen_core.messages import MessageCode


class GeminiCode(MessageCode):
    """Rules and remarks of the Gemini adapter."""

    INLINE_IMAGES_TOO_HEAVY = (
        "all images have {size} bytes, at most {maximum} go into one request (extra_config.max_inline_mb)",
        "全部图片合计 {size} 字节，一次请求最多 {maximum} 字节（extra_config.max_inline_mb）",
    )
    VERTEX_ONLY = "belongs to backend: vertex", "只用于 backend: vertex"
    PROJECT_WITHOUT_LOCATION = (
        "is needed: project and location go together",
        "须给出：project 与 location 须同时给出",
    )
    IMPOSSIBLE_CHARACTERS = "has characters that cannot be in it", "含有不允许的字符"
    NOT_MEGABYTES = "must be a number of megabytes, at most {maximum}", "须为不超过 {maximum} 的兆字节数"
    SDK_OTHER_ORIGIN = "the SDK wanted to send the key to another origin", "SDK 试图把密钥发往另一个来源"
    NOTHING_SENT = "nothing could be sent within {seconds} seconds", "{seconds} 秒内没能发出任何内容"
    NOTHING_SENT_BUSY = "nothing could be sent: this machine is too busy", "没能发出任何内容：本机过于繁忙"
    CREDENTIALS_NOT_REFRESHED = (
        "Google's credentials could not be refreshed: no connection",
        "Google 凭据未能刷新：无法连接",
    )
    CREDENTIALS_REFUSED = "Google's credentials were refused", "Google 凭据被拒绝"
    CREDENTIALS_UNUSABLE = "{source} cannot be used", "无法使用 {source}"
    DEFAULT_CREDENTIALS = "application default credentials", "应用默认凭据"
    SDK_REQUEST_NOT_BUILT = "the request cannot be built: {detail}", "无法构造请求：{detail}"
    GEMINI_REDIRECT = (
        "the address answers with a redirect, which is not followed with a key; correct api_base",
        "该地址答复重定向，带有密钥时不会跟随；请更正 api_base",
    )
    TOKEN_LIMIT = (
        "the response was cut off at the model's limit of tokens",
        "答复在模型的 token 上限处被截断",
    )
    PROMPT_BLOCKED = "the prompt was blocked: {reason}", "提示词被拦截：{reason}"
    IMAGE_BLOCKED = "the image was blocked: {reason}", "图片被拦截：{reason}"
    NO_CANDIDATES = "the response has no candidates", "答复中没有候选结果"
    ANSWERED_IN_WORDS = "the model answered in words: {text}", "模型以文字答复：{text}"
    NO_IMAGE_REASON = "the response has no image ({reason})", "答复中没有图片（{reason}）"
    NO_REASON_GIVEN = "no reason given", "没有说明原因"
    PROBE_TOO_SLOW = "no answer within {seconds} seconds", "{seconds} 秒内没有答复"
    MODEL_NOT_SERVED = "model {model} is not served by this key", "该密钥不提供模型 {model}"
    MODELS_SERVED = "{count} models are served by this key", "该密钥提供 {count} 个模型"
    SIZE_ROUNDED = (
        "{requested} was asked for; the model draws at {drawn}, so the size may differ",
        "要求的是 {requested}；模型以 {drawn} 绘制，尺寸可能不同",
    )
    ANY_WIDTH = "any width", "任意宽度"
    ANY_HEIGHT = "any height", "任意高度"
    DIMENSIONS = "{width}x{height}", "{width}x{height}"
    MODELS_OWN_SIZE = "the model's own size", "模型自己的尺寸"
    MAX_TIER = (
        "{factor} would be {pixels} pixels on the longer side; {tier} is the model's largest",
        "{factor} 的长边为 {pixels} 像素；模型最大为 {tier}",
    )
    MASK_AS_ADVICE = (
        "the mask went along as a second image; the model takes it as advice and may change more",
        "蒙版作为第二张图片发送；模型只作参考，可能改动更多",
    )
    REDRAWN = (
        "the image was drawn again at a larger size, so details may differ from the original",
        "图片以更大的尺寸重新绘制，细节可能与原图不同",
    )
    NO_WATERMARK = (
        "add_watermark was switched off, since Imagen takes a seed only without its watermark",
        "已关闭 add_watermark，因为 Imagen 只在没有水印时接受 seed",
    )
    PARAMETERS_NOT_TAKEN = (
        "{names}: {operation} takes no such parameter",
        "{names}：{operation} 没有这个参数",
    )
