"""What a bucket's settings must be, and what became of a request."""

from imagegen_core.messages import MessageCode


class S3BucketCode(MessageCode):
    """Rules of the settings below storage.s3."""

    S3_NOT_INSTALLED = (
        "needs packages that are not installed: `./run setup s3`, or `deploy/install.sh --with s3`",
        "所需的软件包未安装：`./run setup s3`，或 `deploy/install.sh --with s3`",
    )
    NOT_AN_S3_ENDPOINT = (
        "must be http(s)://host without a path or user name",
        "须为 http(s)://主机名，不含路径或用户名",
    )
    NOT_AN_S3_REGION = (
        "must look like eu-central-1; the signature needs it",
        "须形如 eu-central-1；签名需要它",
    )
    NOT_AN_S3_BUCKET = (
        "must be 3 to 63 of a-z 0-9 . -, with a letter or digit at both ends",
        "须为 3 到 63 个 a-z 0-9 . - 字符，首尾须为字母或数字",
    )
    NOT_AN_S3_PREFIX = (
        "must be at most {maximum} of a-z 0-9 . _ - and /",
        "须为不超过 {maximum} 个 a-z 0-9 . _ - 和 / 字符",
    )


class S3Code(MessageCode):
    """Why S3 could not keep or give bytes. What the server wrote is not quoted: it may hold a key."""

    S3_WRONG_KEY = (
        "S3: the access key or its secret is wrong ({code})",
        "S3：访问密钥或其密文不对（{code}）",
    )
    S3_TOKEN_REFUSED = (
        "S3: the session token is wrong or has expired ({code})",
        "S3：会话令牌不对或已过期（{code}）",
    )
    S3_NO_RIGHT = (
        "S3: the access key has no right to do this ({code})",
        "S3：该访问密钥无权执行此操作（{code}）",
    )
    S3_NO_BUCKET = "S3: there is no such bucket ({code})", "S3：没有这个存储桶（{code}）"
    S3_CLOCK_SKEW = (
        "S3: the clock of this machine is wrong ({code})",
        "S3：本机的时钟不准（{code}）",
    )
    S3_WRONG_REGION = (
        "S3: the bucket is in another region, or behind another endpoint ({code})",
        "S3：存储桶在另一个地域，或须用另一个端点（{code}）",
    )
    S3_SLOW_DOWN = "S3: too many requests for now ({code})", "S3：目前请求过多（{code}）"
    S3_SERVER_FAILED = "S3: the server failed ({code})", "S3：服务器出错（{code}）"
    S3_REFUSED = "S3: the request was refused ({code})", "S3：请求被拒绝（{code}）"
    S3_UNREACHABLE = "S3: no answer from the endpoint", "S3：端点没有应答"
    S3_CERTIFICATE_UNTRUSTED = (
        "S3: no CA that this machine trusts has signed the endpoint's certificate",
        "S3：端点的证书不是本机所信任的 CA 签发的",
    )
    S3_CERTIFICATE_OF_ANOTHER = (
        "S3: the endpoint's certificate is for another host name",
        "S3：端点的证书属于另一个主机名",
    )
    S3_CERTIFICATE_EXPIRED = (
        "S3: the endpoint's certificate has expired, or is not valid yet",
        "S3：端点的证书已过期，或尚未生效",
    )
    S3_CERTIFICATE_REFUSED = "S3: the endpoint's certificate is not valid", "S3：端点的证书无效"
    S3_NO_TLS = "S3: the endpoint does not speak TLS", "S3：端点不使用 TLS"
    S3_TIMED_OUT = "S3: the endpoint did not answer in time", "S3：端点未及时应答"
    S3_CUT_OFF = "S3: the answer ended too early", "S3：应答过早结束"
    S3_NO_USABLE_ANSWER = "S3: no usable answer ({kind})", "S3：没有可用的应答（{kind}）"
    S3_NOT_ALLOWED = "S3: {reason}", "S3：{reason}"
    S3_OBJECT_DIFFERS = (
        "S3: the object that was read back has other bytes, and was removed",
        "S3：读回的对象字节不同，已删除",
    )
