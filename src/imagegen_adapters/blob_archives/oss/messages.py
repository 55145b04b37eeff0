"""What a bucket's settings must be, and what became of a request."""

from imagegen_core.messages import MessageCode


class BucketCode(MessageCode):
    """Rules of the settings below storage.oss."""

    NOT_AN_ENDPOINT = (
        "must be http(s)://host without a path, user name or IPv6 literal",
        "须为 http(s)://主机名，不含路径、用户名或 IPv6 地址",
    )
    NOT_A_REGION = "must look like cn-hangzhou; signature V4 needs it", "须形如 cn-hangzhou；V4 签名需要它"
    NOT_A_BUCKET = (
        "must be 3 to 63 of a-z 0-9 -, without - at either end",
        "须为 3 到 63 个 a-z 0-9 - 字符，首尾不能是 -",
    )
    NOT_A_PREFIX = (
        "must be at most {maximum} of a-z 0-9 . _ - and /",
        "须为不超过 {maximum} 个 a-z 0-9 . _ - 和 / 字符",
    )


class OssCode(MessageCode):
    """Why OSS could not keep or give bytes."""

    OSS_FAILED = "OSS: {reason}", "OSS：{reason}"
    NO_USABLE_RESPONSE = "no usable response ({kind})", "没有可用的答复（{kind}）"
    RESPONSE_CUT_OFF = "OSS: the response ended too early", "OSS：答复过早结束"
    PART_DIFFERS = (
        "OSS: part {number} arrived with another checksum",
        "OSS：分片 {number} 到达时校验和不同",
    )
    OBJECT_DIFFERS = (
        "OSS: the object arrived with another checksum and was removed",
        "OSS：对象到达时校验和不同，已删除",
    )
