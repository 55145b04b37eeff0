"""What a command says to a person: why it ended without having done its work, notes, questions."""

from imagegen_core.messages import MessageCode


class CommandCode(MessageCode):
    """Most of it stands after ``imagegen:`` on standard error."""

    STOPPED = "stopped", "已停止"
    CONFIGURATION = "configuration: {problem}", "配置：{problem}"
    CONFIGURATION_VALID = "the configuration is valid", "配置有效"
    CONCERNING = "{subject}: {reason}", "{subject}：{reason}"
    PERHAPS_DONE = (
        "{reason}; the response is lost, and what was asked for may have been done",
        "{reason}；答复已丢失，所请求的操作可能已经完成",
    )
    PERHAPS_ACCEPTED = (
        "{reason}; a task may have been accepted: look with `{command}` before asking again",
        "{reason}；任务可能已被接受：请先用 `{command}` 查看，再决定是否重试",
    )
    CONNECTION_SETTINGS = (
        "the proxy or the certificates that the environment names cannot be used: {detail}",
        "无法使用环境变量所指定的代理或证书：{detail}",
    )
    SERVER_NOT_THERE = (
        (
            "a server works in this data directory, but does not answer at {url}, as in a container: "
            "run the command where the server runs, or name its address with --server"
        ),
        (
            "有服务正在使用该数据目录，但它没有在 {url} 应答（例如它在容器中）："
            "请在服务所在之处运行该命令，或用 --server 指定其地址"
        ),
    )
    TOKEN_UNUSABLE = (
        "--token: it is empty, or has characters that cannot be sent",
        "--token：为空，或含有无法发送的字符",
    )
    ARGUMENT_NOT_UTF8 = "an argument is not UTF-8", "有一个参数不是 UTF-8"
    IMAGE_NOT_READABLE = "the image cannot be read ({status})", "无法读取图片（{status}）"
    AND_MORE_IDS = "{count} more", "另外 {count} 个"
    NO_IMAGES = "no images {image_ids}; the others are done", "没有图片 {image_ids}；其余的已完成"
    INPUT_GONE = "the input image is no longer kept, or was deleted", "该输入图片已不再保留，或已被删除"
    NOT_REPLACED = "{path} exists; --force replaces it", "{path} 已存在；--force 会替换它"
    NO_CURRENT_DIRECTORY = (
        "the current directory cannot be used: {reason}; change to another one",
        "无法使用当前目录：{reason}；请换到别的目录",
    )
    NO_DIRECTORY = "{path}: no such directory", "{path}：没有这个目录"
    SOME_FAILED = "{count} failed: {reason}", "{count} 个失败：{reason}"
    SOME_STAYED = "some had to stay: {reason}", "有些须保留：{reason}"
    ARCHIVE_SILENT = "OSS does not answer; the rest stays", "OSS 没有答复；其余的保留"
    ARCHIVE_NOT_CHECKED = (
        "OSS could not be asked about everything: {reason}",
        "未能向 OSS 查询全部内容：{reason}",
    )
    NOT_AS_RECORDED = "not everything is as recorded", "有些内容与记录不符"
    BACKUP_INCOMPLETE = (
        "{count} image(s) missing or of another size; the backup holds everything else",
        "{count} 张图片缺失或大小不符；其余内容都在备份中",
    )
    IMAGES_IN_NEITHER_STORE = (
        (
            "{count} image(s) are in neither store; everything else is moved. Bring them back, from another "
            "bucket too, since a move copies only from this disk, and run this again, or run it with "
            "--accept-missing"
        ),
        (
            "{count} 张图片在两处都没有，其余内容已全部迁移：请放回后再次运行，在另一个存储桶里的也要自行复制"
            "（迁移只从本机磁盘复制），或加上 --accept-missing 运行"
        ),
    )
    IMAGES_WOULD_BE_MISSING = (
        (
            "{count} image(s) are in neither store; a move would not finish without --accept-missing. It "
            "copies only from this disk: what is in another bucket has to be copied from there before"
        ),
        (
            "{count} 张图片两处都没有；不加 --accept-missing，迁移就不会完成。"
            "迁移只从本机磁盘复制：在另一个存储桶里的要先自行复制过来"
        ),
    )
    OPTION_FILE_UNREADABLE = (
        "{option}: the file {name} cannot be read: {reason}",
        "{option}：无法读取文件 {name}：{reason}",
    )
    OPTION_FILE_EMPTY = "{option}: the file {name} is empty", "{option}：文件 {name} 为空"
    OPTION_VARIABLE_NOT_SET = (
        "{option}: the environment variable {name} is not set",
        "{option}：未设置环境变量 {name}",
    )
    NOT_IN_JSON = "{name}: holds a value that JSON does not have", "{name}：含有 JSON 没有的值"
    CANNOT_BECOME = (
        "{path} belongs to {user}, whom this process cannot become ({detail}): run the command as {user}",
        "{path} 属于 {user}，本进程无法成为该用户（{detail}）：请以 {user} 的身份运行此命令",
    )
    OWNER_CANNOT_READ = (
        "{path} belongs to {user}, who cannot read {program}: install it for all, as deploy/install.sh does",
        "{path} 属于 {user}，该用户无法读取 {program}：请像 deploy/install.sh 那样为所有用户安装",
    )
    CANNOT_WRITE = (
        "{path}: {user}, who does the work, cannot write there",
        "{path}：执行工作的 {user} 无法写入该处",
    )


class ConnectionCode(MessageCode):
    """Why a server gave no response, or gave one that is of no use."""

    NAME_UNKNOWN = "the name does not resolve", "无法解析该名称"
    REFUSED = "connection refused: nothing listens there", "连接被拒绝：该处没有服务在监听"
    NO_CONNECTION = "no connection: the address is not reachable", "无法连接：该地址不可达"
    UNTRUSTED = (
        "its certificate is not trusted ({detail}); SSL_CERT_FILE names the certificate of a CA of your own",
        "其证书不受信任（{detail}）；可用 SSL_CERT_FILE 指定自己的 CA 证书",
    )
    NO_TLS = (
        "no TLS connection ({detail}): an http:// address, perhaps",
        "无法建立 TLS 连接（{detail}）：也许应是 http:// 地址",
    )
    PROXY = "the proxy that the environment names refuses: {detail}", "环境变量所指定的代理拒绝：{detail}"
    NOT_IN_TIME = "no response in time", "未及时答复"
    BROKEN = "the connection broke off", "连接中断"
    REDIRECTS = (
        "redirects to {target}, which is not followed: give the address that the service really has",
        "重定向到 {target}，不会跟随：请给出服务真正的地址",
    )
    GATEWAY = (
        "a proxy answers {status}: the service behind it does not respond",
        "代理答复 {status}：其后的服务没有响应",
    )
    FOREIGN = (
        "answers {status}, and not as imagegen does: is that its address, with its path?",
        "答复 {status}，但不是 imagegen 的答复：地址（含路径）是否正确？",
    )
    TOKEN_NEEDED = (
        "{reason}; --token or IMAGEGEN_TOKEN takes that of the server",
        "{reason}；请用 --token 或 IMAGEGEN_TOKEN 给出该服务的令牌",
    )
    NO_API = (
        "{reason}: is the path of the address right, and does that node serve the API?",
        "{reason}：地址中的路径是否正确，该节点是否提供 API？",
    )


class UsageCode(MessageCode):
    """What is wrong with the arguments, below the line that says how a command is used."""

    NOT_A_PAIR = "{option} must be {form}", "{option} 须为 {form}"
    NOT_A_REFERENCE = (
        "{option} takes env:NAME, file:PATH or -, so that no secret is in the shell history",
        "{option} 只接受 env:NAME、file:PATH 或 -，以免秘密留在 shell 历史中",
    )
    PROXY_WITH_USER = "--proxy with a user", "带用户名的 --proxy"
    NOT_AN_ADDRESS = (
        "--server takes http://HOST:PORT or https://HOST/PATH, without user, password and query",
        "--server 须为 http://HOST:PORT 或 https://HOST/PATH，不含用户名、密码和查询参数",
    )
    TOKEN_WITHOUT_SERVER = "--token is for --server", "--token 须与 --server 一起使用"
    BEFORE_THE_COMMAND = (
        "{option} stands before the command: imagegen {option} VALUE COMMAND …",
        "{option} 须在命令之前：imagegen {option} VALUE COMMAND …",
    )
    LOCAL_COMMAND = (
        "`{command}` works on this machine's data alone: leave out --server and IMAGEGEN_SERVER",
        "`{command}` 只处理本机的数据：请去掉 --server 和 IMAGEGEN_SERVER",
    )
    EITHER_OR = "give {first} or {second}", "请给出 {first} 或 {second} 之一"
    FILE_BEFORE_IDS = (
        "FILE stands before the ids, and {file} looks like an id: give a name such as {file}.zip",
        "FILE 须在 id 之前，而 {file} 像是一个 id：请给出 {file}.zip 这样的文件名",
    )
    STDIN_TWICE = "only one image can be standard input", "只能有一张图片来自标准输入"
    NEEDS_OPTION = "{option} is for {other}", "{option} 须与 {other} 一起使用"
    NOT_ON_A_TERMINAL = (
        "the bytes would go to the terminal: name a file or a pipe, or add --force",
        "字节会直接输出到终端：请指定文件或管道，或加上 --force",
    )
    ONE_IMAGE_ONLY = (
        "standard output takes one image: for {count} name a file or a directory",
        "标准输出只能写一张图片：{count} 张请指定文件或目录",
    )
    NOT_A_FILE = (
        "{path} is no regular file; -o - writes to standard output",
        "{path} 不是普通文件；-o - 会写到标准输出",
    )
    EXCLUDE_EACH_OTHER = "{first} and {second} exclude each other", "{first} 和 {second} 不能同时使用"


class InputFileCode(MessageCode):
    """Why an image that was to be sent is not; each sentence goes on after the name of its file."""

    FILE_NOT_AN_IMAGE = "it is not PNG, JPEG or WebP", "不是 PNG、JPEG 或 WebP"
    FILE_EMPTY = "the file is empty", "文件是空的"
    FILE_TOO_LARGE = "it is larger than {maximum} MB", "超过 {maximum} MB"
    MASK_OF_OTHER_SIZE = (
        "the mask is {size}, and {image} is {image_size}; they must be of one size",
        "遮罩是 {size}，而 {image} 是 {image_size}；两者须大小相同",
    )
    TOO_MANY_REFERENCES = (
        "{count} reference images; there may be at most {maximum}",
        "有 {count} 张参考图，最多 {maximum} 张",
    )


class ProgressCode(MessageCode):
    """What stands beside a progress bar."""

    BACKING_UP = "backup", "备份"
    RESTORING = "restore", "恢复"
    CHECKING_IMAGES = "images", "检查图片"
    REBUILDING_INDEX = "reindex", "重建索引"
    SYNCING = "sync", "同步"
    EXPIRING = "expire", "清理旧文件"
    VERIFYING = "verify", "核对"
    QUEUED = "place {place}", "排第 {place} 位"


class NoteCode(MessageCode):
    """What a person should know of what was done, or is asked before it is."""

    MORE_IN_LIST = (
        "the first {shown} of {total}; --limit or --all lists more",
        "共 {total} 个，这是前 {shown} 个；用 --limit 或 --all 列出更多",
    )
    AT_LEAST = "{total} or more", "至少 {total}"
    NO_INPUTS = "task {task} has no input images", "任务 {task} 没有输入图片"
    NO_TASKS = "no tasks in {path}", "{path} 中没有任务"
    NO_IMAGES_YET = "no images yet in {path}", "{path} 中还没有图片"
    NO_SUCH_IMAGES = "no such images in {path}", "{path} 中没有这样的图片"
    NO_MATCHES = "no image in {path} has these words in its prompt", "{path} 中没有图片的提示词含有这些词"
    NO_TAGS = "no such tags in {path}", "{path} 中没有这样的标签"
    NO_COLLECTIONS = "no collections in {path}", "{path} 中没有收藏夹"
    CONFIRM_COLLECTION_DELETION = (
        "Delete collection {collection}? Its images stay.",
        "删除收藏夹 {collection}？其中的图片会保留。",
    )
    NO_USAGE = "no task ended in that time in {path}", "{path} 中没有在此期间结束的任务"
    NO_PROVIDERS = "no provider is configured in {path}", "{path} 中没有配置服务商"
    WRITTEN_AS = (
        "{path}: the image is {mime_type}, written as {name}",
        "{path}：图片是 {mime_type}，已写入 {name}",
    )
    WRITTEN_BESIDE = "{path} exists; the image is in {name}", "{path} 已存在；图片已写入 {name}"
    WAITING_FOR_CALL = (
        "waiting up to {seconds} s for the call; Ctrl-C gives it up",
        "最多再等 {seconds} 秒，等调用结束；按 Ctrl-C 则放弃",
    )
    BACKUP_DIFFERS = "not as recorded: {path}", "与记录不符：{path}"
    BACKUP_LACKS = "{count} image(s) missing in the backup", "备份中缺少 {count} 张图片"
    MOVED_SO_FAR = "{name}: {done} of {total}", "{name}：{done} / {total}"
    MOVED_BEFORE = (
        "{path} was moved to this database before; nothing was done",
        "{path} 此前已迁移到该数据库；未做任何操作",
    )
    MOVE_DONE = (
        "moved: start the nodes, and {path} no more; it is unchanged, as the way back",
        "迁移完成：请启动各节点，不要再启动 {path}；它没有改动，可用于回退",
    )
    IN_NEITHER_STORE = "in neither store: {path}", "两处都没有：{path}"
    NODES_NEED_KEY = (
        "the nodes need the master key in their environment: IMAGEGEN_MASTER_KEY=$(cat {path})",
        "各节点的环境变量中需要主密钥：IMAGEGEN_MASTER_KEY=$(cat {path})",
    )
    TASKS_PENDING = (
        (
            "{count} task(s) are pending: the next start sends them, also if they were sent after the "
            "backup. Look first, and cancel what is not to be sent (imagegen tasks cancel): {command}"
        ),
        (
            "有 {count} 个任务在排队（pending）：下次启动会发送它们，即使备份之后已经发送过。"
            "请先查看，并取消不应发送的任务（imagegen tasks cancel）：{command}"
        ),
    )
    TASKS_PROCESSING = (
        (
            "{count} task(s) are processing: the next start fetches what the provider has accepted, "
            "sends what was not sent yet, and ends as outcome_unknown what may have been sent. "
            "Look first: {command}"
        ),
        (
            "有 {count} 个任务在执行中（processing）：下次启动会取回服务商已接受的结果，发送尚未发送的，"
            "可能已发送的以 outcome_unknown 结束。请先查看：{command}"
        ),
    )
    KEY_NEEDED = (
        (
            "master.key is missing: {count} saved secret(s) cannot be read without it, "
            "so put it back before the start"
        ),
        "缺少 master.key：没有它就无法读取 {count} 个已保存的秘密，请在启动前放回",
    )
    KEY_NOT_NEEDED = "master.key is missing: no saved key needs it", "缺少 master.key：没有已保存的密钥需要它"
    TASK_LEFT = (
        "`{command}` shows what becomes of the task",
        "可用 `{command}` 查看任务的结果",
    )
    NOBODY_RUNS_IT = (
        "no node with the role worker is alive; the task waits until there is one",
        "没有存活的节点具有 worker 角色；任务会一直等到有这样的节点",
    )
    TASK_PERHAPS = (
        "a task may have been accepted; look with `{command}`",
        "任务可能已被接受；可用 `{command}` 查看",
    )
    TOKEN_IN_THE_CLEAR = (
        "{address} is not encrypted: whoever is on the way can read the token; use https",
        "{address} 未加密：途中任何人都能读到令牌；请使用 https",
    )
    ESTIMATE = "estimated cost: {cost}", "预计费用：{cost}"
    CONFIRM_DELETION = "Delete {count} image(s) for good?", "彻底删除 {count} 张图片？"
    CONFIRM_REMOVAL = "Remove {provider} and its key?", "移除 {provider} 及其密钥？"
