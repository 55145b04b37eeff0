"""What the demo provider does not draw."""

from imagegen_core.messages import MessageCode


class DemoCode(MessageCode):
    """Rules and failures of the demo provider."""

    UPSCALED_TOO_LARGE = (
        "x{factor} would give {width}x{height}; sides are at most {maximum} pixels",
        "x{factor} 会得到 {width}x{height}；边长不能超过 {maximum} 像素",
    )
    DEMO_NO_JOB = "no job {job!r}", "没有任务 {job!r}"
    DEMO_TOO_SLOW = "no answer within {seconds} s", "{seconds} 秒内没有答复"
    DEMO_CANCELLED = "the drawing was cancelled", "绘制已取消"
    DEMO_ORDERED = "demo was asked to end like this", "按请求的要求这样结束"
    DEMO_FILE_GONE = "{name} is no longer there", "{name} 已不存在"
    DEMO_DRAWS_HERE = (
        "demo draws on this machine; there is nothing to connect to",
        "demo 在本机绘制，无须连接",
    )
