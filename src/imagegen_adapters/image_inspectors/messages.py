"""Why an image is rejected, or could not be inspected."""

from imagegen_core.messages import MessageCode


class InspectionCode(MessageCode):
    """What is wrong with an image, or with its inspection."""

    NOT_PNG_JPEG_WEBP = "it is not PNG, JPEG or WebP", "不是 PNG、JPEG 或 WebP"
    HEADER_UNREADABLE = "its {format} header cannot be read", "无法读取其 {format} 文件头"
    TOO_MANY_MEGAPIXELS = "it has more than {maximum} megapixels", "超过 {maximum} 百万像素"
    MEGAPIXELS_EXCEEDED = (
        "it has more than {maximum} megapixels: it is {width}×{height}",
        "超过 {maximum} 百万像素：为 {width}×{height}",
    )
    BROKEN_IMAGE = "it is a truncated or broken {format}", "是不完整或损坏的 {format}"
    TRUNCATED_IMAGE = "it is a truncated {format}", "是不完整的 {format}"
    IMAGE_BYTES_EXCEEDED = "it is larger than {maximum} MB", "超过 {maximum} MB"
    TOO_MUCH_MEMORY = "it takes too much memory to decode", "解码需要过多内存"
    TOO_MUCH_WORK = "it takes more than {seconds} s of work to decode", "解码需要超过 {seconds} 秒的计算"
    DECODER_CRASHES = "the decoder crashes on it", "解码器因它而崩溃"
    INSPECTOR_CLOSED = "the image inspector is closed", "图片检查器已关闭"
    MACHINE_BUSY = "the machine is too busy to decode an image", "机器过于繁忙，无法解码图片"
    DECODER_ENDED = "the decoding process was ended from outside", "解码进程被外部终止"
    NO_MEMORY = "there is too little memory to decode an image", "内存不足，无法解码图片"
    NO_DECODER = "no decoding process could be started", "无法启动解码进程"
