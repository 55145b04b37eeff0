"""What can be wrong with the settings, and what is doubtful about them."""

from imagegen_core.messages import MessageCode


class SettingCode(MessageCode):
    """Rules of ``config.yaml`` and its variables. Each sentence goes on after the key, variable or file."""

    # files
    FILE_UNREADABLE = "cannot be read: {detail}", "无法读取：{detail}"
    VALUE_UNREADABLE = "holds a value that cannot be read", "含有无法读取的值"
    NOT_YAML = "is not YAML: {detail}", "不是 YAML：{detail}"
    NOT_YAML_IN_LINE = "is not YAML in line {line}: {detail}", "第 {line} 行不是 YAML：{detail}"
    KEY_TWICE = (
        "the key {key} is there twice, in line {first} and line {second}",
        "键 {key} 出现了两次：第 {first} 行和第 {second} 行",
    )

    # values
    NOT_A_LIST = "must be a list", "须为列表"
    NOT_A_MAPPING = "must be a mapping of keys", "须为键的映射"
    NOT_SETTING_TEXT = "must be UTF-8 text without NUL", "须为不含 NUL 的 UTF-8 文本"
    SPACES_AROUND = (
        "must be without spaces around it, which no request can carry",
        "首尾不能有空格，否则没有请求能带上它",
    )
    NOT_A_HOST = (
        "must be a list of names such as images.example.com: {value!r} cannot be a Host",
        "须为 images.example.com 这样的名称的列表：{value!r} 不能是 Host",
    )
    NOT_A_PUBLIC_URL = (
        "must be an address of a host such as https://images.example.com, without a path",
        "须为 https://images.example.com 这样的主机地址，不含路径",
    )
    NOT_A_PAGE_ORIGIN = (
        "must be a list of origins such as https://app.example.com or app://-: {value!r} is not one site's",
        "须为 https://app.example.com、app://- 这样的来源的列表：{value!r} 不是某一个网站的来源",
    )
    NOT_A_NETWORK = (
        "must be a list of addresses: {value!r} is no IP address and no network such as 10.0.0.0/8",
        "须为地址的列表：{value!r} 既不是 IP 地址，也不是 10.0.0.0/8 这样的网段",
    )
    NOT_MEMBERS = "must be a list of at least one of {choices}", "须为列表，至少含 {choices} 之一"
    MEMBER_TWICE = "has {value} more than once", "{value} 出现了不止一次"
    DATABASE_PARAMETER_UNKNOWN = (
        "has a parameter after the question mark that is none of {choices}",
        "问号之后有参数不在 {choices} 之中",
    )
    DATABASE_PARAMETER_INVALID = "{name} must be one of {choices}", "{name} 须为 {choices} 之一"
    CLUSTER_NEEDS_DATABASE = (
        "has no effect without database, since there is no other node",
        "没有 database 时不起作用，因为没有别的节点",
    )
    NOT_A_DATABASE_URL = (
        (
            "must be a URL such as postgresql://user@host/imagegen; "
            "@, /, ?, # and % in user or password are written as %40, %2F, %3F, %23 and %25"
        ),
        (
            "须为 postgresql://user@host/imagegen 这样的 URL；"
            "用户名和密码中的 @、/、?、# 和 % 须写作 %40、%2F、%3F、%23 和 %25"
        ),
    )
    NO_SHARED_DISK = (
        "must be null with database, since nodes share no disk",
        "设置了 database 时须为 null，因为各节点没有共享的磁盘",
    )
    ROLES_NEED_DATABASE = (
        "must be api and worker without database, since there is no other node",
        "没有 database 时须为 api 和 worker，因为没有别的节点",
    )
    TOO_FEW_BEATS = (
        "must be at least {beats} times cluster.heartbeat_seconds, which is {seconds}",
        "不得小于 cluster.heartbeat_seconds 的 {beats} 倍，即 {seconds}",
    )
    MASTER_KEY_NEEDED = (
        "is required with database, the same for all nodes; no key file is made",
        "设置了 database 时为必填项，所有节点相同；不会创建密钥文件",
    )
    NOT_IN_DATA_DIRECTORY = (
        "the data directory has neither database nor images: back up the server (pg_dump) and the bucket",
        "数据目录中既没有数据库也没有图片：请备份数据库服务器（pg_dump）和 bucket",
    )
    EXTRA_MISSING = (
        "needs packages that are not installed: `./run setup {extra}`, or `deploy/install.sh --with {extra}`",
        "所需的软件包未安装：`./run setup {extra}`，或 `deploy/install.sh --with {extra}`",
    )
    NOT_HOST_AND_PORT = "must be a list of host:port", "须为 host:port 的列表"
    CACHE_NEEDS_NO_DISK = (
        "is for `storage.local: null`; otherwise images stay on the disk anyway",
        "只用于 `storage.local: null`；否则图片本来就在磁盘上",
    )
    NEEDS_ARCHIVE = (
        "null needs storage.oss or storage.s3",
        "为 null 时须有 storage.oss 或 storage.s3",
    )
    ONE_ARCHIVE = (
        "and storage.oss exclude each other: images have one archive",
        "与 storage.oss 不能同时设置：图片只有一个归档",
    )
    PRODUCER_REQUIRED = (
        "is required when aigc_label.enabled is true",
        "aigc_label.enabled 为 true 时为必填项",
    )
    TOKEN_REQUIRED = (
        "{host} can be reached by others, so server.auth_token is required",
        "{host} 可被他人访问，因此须设置 server.auth_token",
    )

    # variables and secrets
    VARIABLE_NOT_SET = "the environment variable {name} is not set", "未设置环境变量 {name}"
    READABLE_BY_ALL = (
        "{path} has secrets in clear, and every user of this machine can read it: run chmod o= on it",
        "{path} 中有明文的秘密，本机的每个用户都能读取：请对它运行 chmod o=",
    )
    SECRET_UNREADABLE = (
        "the file with the secret, {path}, cannot be read: {reason}",
        "无法读取存放秘密的文件 {path}：{reason}",
    )
    SECRET_EMPTY = "the file with the secret, {path}, is empty", "存放秘密的文件 {path} 为空"
    UNKNOWN_VARIABLE = "unknown variable, ignored", "未知的变量，已忽略"
    MISSPELT_VARIABLE = "unknown variable; did you mean {suggestion}?", "未知的变量；是否想写 {suggestion}？"
    NO_KEYS_BELOW = "has no keys below it", "之下没有键"
    AMBIGUOUS_VARIABLE = "may mean {candidates:or}", "可能指 {candidates:or}"
    AMBIGUOUS_PROVIDER = (
        "may mean {candidates:or}; write the provider's name below providers in the file",
        "可能指 {candidates:or}；请在文件的 providers 之下写出服务商的名称",
    )

    # the default provider
    DEFAULT_UNUSABLE = (
        "{reason}; tasks that name no provider are refused",
        "{reason}；未指定服务商的任务会被拒绝",
    )
    DEFAULT_UNKNOWN = (
        "no provider {provider!r} is configured, in the file or saved",
        "没有配置服务商 {provider!r}，文件中和已保存的配置中都没有",
    )
