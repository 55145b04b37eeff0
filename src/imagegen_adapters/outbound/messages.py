"""Why an address is not called, and what became of a call."""

from imagegen_core.messages import MessageCode


class AddressCode(MessageCode):
    """What is wrong with an address that may not be called."""

    NOT_PUBLIC = "{host}:{port} leads to an address that is {kind}", "{host}:{port} 指向的地址是{kind}"
    ALLOW_IT = (
        'if it is your own service, add "{entry}" to security.allow_private_upstreams',
        '如确为自己的服务，请把 "{entry}" 加入 security.allow_private_upstreams',
    )
    NEVER_ALLOWED = "no setting allows it", "没有任何配置能允许它"
    ADDRESS_NOT_HTTP = "the address is not an http(s) URL", "该地址不是 http(s) URL"
    ADDRESS_WITHOUT_HOST = "the address names no host", "该地址没有主机名"
    OTHER_ADDRESS = (
        "the connection ended at another address than the checked one",
        "连接到达的地址与检查过的不同",
    )
    OTHER_ORIGIN = "{host} is not the provider's own origin", "{host} 不是该服务商自己的来源"
    METADATA_SERVICE = "a cloud's metadata service", "云平台的元数据服务"
    THIS_SERVICE = "this service itself", "本服务自身"
    UNSPECIFIED = "unspecified", "未指定地址"
    LOOPBACK = "loopback", "本机回环地址"
    LINK_LOCAL = "link-local", "链路本地地址"
    SHARED = "shared (carrier NAT)", "运营商共享地址"
    RESERVED = "reserved", "保留地址"
    RELAY_6TO4 = "a 6to4 relay", "6to4 中继"
    FOR_BENCHMARKS = "for benchmarks", "基准测试专用地址"
    MULTICAST = "multicast", "组播地址"
    BEHIND_NAT64 = "behind NAT64", "NAT64 之后的地址"
    BLACK_HOLE = "a black hole", "黑洞地址"
    TEREDO_TUNNEL = "a Teredo tunnel", "Teredo 隧道"
    FOR_DOCUMENTATION = "for documentation", "文档专用地址"
    TUNNEL_6TO4 = "a 6to4 tunnel", "6to4 隧道"
    FOR_SEGMENT_ROUTING = "for segment routing", "分段路由专用地址"
    PRIVATE = "private", "内网地址"
    SITE_LOCAL = "site-local", "站点本地地址"
    ISATAP_TUNNEL = "an ISATAP tunnel", "ISATAP 隧道"


class TransportCode(MessageCode):
    """What became of a call, or of a download, on its way."""

    NOT_CONNECTED = "{host} could not be connected to", "无法连接 {host}"
    NOT_CONNECTED_IN_TIME = "{host} did not take the connection in time", "{host} 未及时接受连接"
    NO_FREE_CONNECTION = "{host} had no free connection in time", "{host} 一直没有空闲的连接"
    NOT_REACHED_BY_PROXY = "{host} could not be reached through the proxy", "无法通过代理到达 {host}"
    REQUEST_NOT_BUILT = (
        "{host} was not called: the request could not be built",
        "未调用 {host}：无法构造请求",
    )
    NOT_ANSWERED = "{host} did not answer in time", "{host} 未及时答复"
    REQUEST_NOT_TAKEN = "{host} did not take the request in time", "{host} 未及时接收请求"
    CONNECTION_CUT = "{host} broke off the connection", "{host} 中断了连接"
    RESPONSE_CUT = "{host} broke off its response, or it was not HTTP", "{host} 中断了答复，或答复不是 HTTP"
    ANSWERED_WITH_ERROR = "{host} answered with an error", "{host} 答复了错误"
    BODY_NOT_DECODED = "{host} sent a body that cannot be decoded", "{host} 发来的内容无法解码"
    REDIRECTED_TOO_OFTEN = "{host} redirected too often", "{host} 重定向次数过多"
    RESPONSE_MISREAD = "{host} sent a response that was read in a wrong way", "{host} 的答复读取方式有误"
    TRANSPORT_BECAUSE = "{reason} ({detail})", "{reason}（{detail}）"
    THE_PROVIDER = "the provider", "服务商"
    CONNECTION_REFUSED = "connection refused", "连接被拒绝"
    CONNECTION_RESET = "connection reset", "连接被重置"
    NO_ROUTE_TO_HOST = "no route to the host", "没有到主机的路由"
    NO_ROUTE_TO_NETWORK = "no route to the network", "没有到该网络的路由"
    CERTIFICATE = "certificate: {detail}", "证书：{detail}"
    TLS = "TLS: {detail}", "TLS：{detail}"
    TLS_FAILED = "TLS: failed", "TLS：失败"
    NAME_NOT_RESOLVED = "its name does not resolve", "域名无法解析"
    NAME_TOO_SLOW = "its name was not looked up in time", "域名未及时解析"
    CALL_ADDRESS_NOT_ALLOWED = "address not allowed: {reason}", "不允许访问该地址：{reason}"
    PROXY_NOT_HTTP = "extra_config.proxy must be an http(s) URL", "extra_config.proxy 须为 http(s) URL"
    ORIGIN_NOT_HTTP = "the provider's address is not an http(s) URL", "服务商的地址不是 http(s) URL"


class DownloadCode(MessageCode):
    """What is wrong with the address of a result, or with what it brought."""

    RESULT_NOT_A_URL = "the result's address is not a URL", "结果的地址不是 URL"
    RESULT_REDIRECTS = "{host} redirects too often", "{host} 重定向次数过多"
    RESULT_NOT_HTTP = "{host} is not an http(s) address", "{host} 不是 http(s) 地址"
    RESULT_CREDENTIALS = "{host} has credentials in its address", "{host} 的地址中带有用户名或密码"
    RESULT_PORT = (
        "{host} has a port that is neither 80 nor 443 nor the provider's",
        "{host} 的端口既不是 80 或 443，也不是服务商的端口",
    )
    RESULT_TOO_SLOW = "{host} is too slow", "{host} 过慢"
    RESULT_TOO_LARGE = "{host} sent more than {maximum} bytes", "{host} 发来超过 {maximum} 字节"
    RESULT_NOWHERE = "{host} redirects to nowhere", "{host} 的重定向没有目标"
    RESULT_BAD_REDIRECT = "{host} redirects to something that is not a URL", "{host} 重定向到的不是 URL"
    RESULT_DOWNGRADE = "{host} redirects from https to http", "{host} 从 https 重定向到 http"
    RESULT_STATUS = "{host} answered {status}", "{host} 答复 {status}"
    RESULT_NOT_ALLOWED = "{host} is not allowed: {reason}", "不允许访问 {host}：{reason}"
