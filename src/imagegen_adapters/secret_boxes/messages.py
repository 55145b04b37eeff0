"""Why saved keys cannot be opened."""

from imagegen_core.messages import MessageCode


class KeyCode(MessageCode):
    """What is wrong with the master key, or with a sealed token."""

    SAVED_KEYS_LOCKED = "saved keys are locked: {reason}", "已保存的密钥无法打开：{reason}"
    MASTER_KEY_MISSING = "the master key is missing", "缺少主密钥"
    SHARED_KEY_MISSING = (
        "IMAGEGEN_MASTER_KEY is not set: nodes on one database need the same master key, and none makes it",
        "未设置 IMAGEGEN_MASTER_KEY：同一数据库上的各节点需要同一把主密钥，节点不会自行生成",
    )
    MASTER_KEY_MALFORMED = (
        "the master key is not 44 characters of URL-safe base64",
        "主密钥不是 44 个字符的 URL-safe base64",
    )
    OTHER_MASTER_KEY = (
        "the master key is not the one that the saved keys were sealed with",
        "主密钥不是当初封存这些密钥的那一个",
    )
    WRONG_MASTER_KEY = (
        "a saved key cannot be opened: the master key is wrong",
        "已保存的密钥无法打开：主密钥有误",
    )
    UNKNOWN_KEY_FORM = (
        "a saved key has a form that this version does not know",
        "已保存的密钥的格式不为本版本所知",
    )
    OTHER_KEY_CONTEXT = (
        "a saved key was sealed for another provider or address",
        "已保存的密钥属于另一个服务商或地址",
    )
    MASTER_KEY_OPEN = (
        (
            "{file} may be read by others (mode {mode}): chmod 600 it, "
            "and change the providers' keys if somebody did"
        ),
        "{file} 可被他人读取（权限 {mode}）：请执行 chmod 600；若已被人读过，请更换各服务商的密钥",
    )
    MASTER_KEYS_DIFFER = (
        (
            "the master key in the environment is not the one in {file}: "
            "remove the one that is wrong; neither was changed"
        ),
        "环境变量中的主密钥与 {file} 中的不同：请去掉有误的一个；两者都未改动",
    )
    NO_USABLE_MASTER_KEY = "there is no usable master.key to rotate", "没有可轮换的 master.key"
    NO_MASTER_KEY_FILE = "there is no master.key in the data directory", "数据目录中没有 master.key"
    ONE_KEY_ONLY = (
        "IMAGEGEN_MASTER_KEY holds one key only: put the new one before it, IMAGEGEN_MASTER_KEY=NEW,OLD",
        "IMAGEGEN_MASTER_KEY 只有一个密钥：请把新的写在它前面，IMAGEGEN_MASTER_KEY=NEW,OLD",
    )
