"""What the servers of both dialects want of a request, and what becomes of it there."""

from imagegen_core.messages import MessageCode


class StableDiffusionCode(MessageCode):
    """Rules and remarks of the Stable Diffusion adapter."""

    NOTHING_TO_REPLACE = "say what to replace, or send a mask", "请说明要替换什么，或给出蒙版"
    NO_REFERENCES = "model {model} takes no reference image", "模型 {model} 不接受参考图"
    PROMPT_NEEDED = (
        "upscale_mode {mode} needs a description of the image",
        "upscale_mode {mode} 需要对图片的描述",
    )
    IMAGES_WITH_REQUEST = "images come with the request", "图片随请求给出"
    MASK_WITH_REQUEST = "the mask comes with the request", "蒙版随请求给出"
    PROMPT_WITH_REQUEST = "the prompt comes with the request", "提示词随请求给出"
    NEW_IMAGES_ONLY = "the response holds new images only", "答复中只有新图片"
    USE_OTHER = "use {others}", "请使用 {others}"
    IMAGES_NEEDED = "the response must hold the images", "答复中必须有图片"
    KEPT_HERE = "images are kept here, not on the server", "图片保存在本服务，而不在该服务器上"
    RECOGNISES_CALL = "it is how a running call is recognised", "它用于识别正在运行的调用"
    OVERRIDES_OTHERS = "it would override the other parameters", "它会覆盖其他参数"
    LEAVES_SETTINGS = "a call leaves the server's settings alone", "调用不改变服务器的设置"
    NO_SCRIPTS = "scripts read files and make any number of images", "脚本会读取文件，并生成任意数量的图片"
    NOT_PLAIN = (
        "must be a string, a number, true, false or a list of them",
        "须为字符串、数字、true、false 或它们的列表",
    )
    NOT_ALLOWED = "is not among those allowed here: {allowed}", "不在此处允许之列：{allowed}"
    NOT_A_DIVISOR = "must divide num, which is {num}", "须能整除 num，即 {num}"
    NOT_AN_UPSCALER = "must be the name of an upscaler", "须为放大器的名称"
    NOT_SCRIPT_NAMES = "must be a list of script names", "须为脚本名称的列表"
    SERVER_INTERRUPTED = "the server was interrupted before it made an image", "服务器在生成图片之前被中断"
    STABILITY_FILTERED = "Stability's filter blurred the image", "Stability 的过滤器模糊了图片"
    NO_ROUTE = (
        "the server has no route {path}: it cannot do this (sd-server cannot upscale), or needs --api",
        "服务器没有路由 {path}：它不支持这一操作（如 sd-server 不能放大），或启动时须加 --api",
    )
    CHECKPOINTS = "{count} checkpoints, loaded: {loaded}", "{count} 个模型，已加载：{loaded}"
    NO_BALANCE = "the response names no balance", "答复中没有余额"
    CREDITS_LEFT = "{credits} credits left", "剩余 {credits} 点"
    TAKES_NO_SIZE = (
        "Stability takes no size: {size} became aspect ratio {ratio}",
        "Stability 不接受尺寸：{size} 改为宽高比 {ratio}",
    )
    NO_EFFECT = "{names} has no effect here", "{names} 在此处不起作用"
    NO_EFFECT_ON = "{name} has no effect on {route}", "{name} 对 {route} 不起作用"
    FOUR_TIMES = (
        "Stability's fast upscaler enlarges four times, not {factor}",
        "Stability 的快速放大固定为四倍，而不是 {factor}",
    )
    OWN_SIZE = (
        "{mode} upscaling chooses the size itself, not {factor}",
        "{mode} 放大自行选择尺寸，而不是 {factor}",
    )
    REPAINTED_AT = (
        "the image was repainted at {size}; give width and height for another size",
        "图片以 {size} 重绘；要其他尺寸请给出 width 和 height",
    )
    ONE_UPSCALED = "upscaling makes one image, whatever num says", "放大只生成一张图片，与 num 无关"
