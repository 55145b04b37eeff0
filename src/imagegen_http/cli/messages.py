"""Why a command ended without having done its work."""

from imagegen_core.messages import MessageCode


class CommandCode(MessageCode):
    """What stands after ``imagegen:`` on standard error."""

    STOPPED = "stopped", "已停止"
    CONFIGURATION = "configuration: {problem}", "配置：{problem}"
    CONFIGURATION_VALID = "the configuration is valid", "配置有效"
    CONCERNING = "{subject}: {reason}", "{subject}：{reason}"
    SERVER_SILENT = "the running server does not answer", "正在运行的服务没有答复"
    NO_JSON = "the server answered {status} and no JSON", "服务答复了 {status}，而不是 JSON"
    ARGUMENT_NOT_UTF8 = "an argument is not UTF-8", "有一个参数不是 UTF-8"
    IMAGE_NOT_READABLE = "the image cannot be read ({status})", "无法读取图片（{status}）"
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
    OPTION_FILE_UNREADABLE = "{option}: the file {name} cannot be read", "{option}：无法读取文件 {name}"
    OPTION_VARIABLE_NOT_SET = "the environment variable {name} is not set", "未设置环境变量 {name}"
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
