"""Why saved keys cannot be opened."""

from imagegen_core.messages import MessageCode


class KeyCode(MessageCode):
    """What is wrong with the master key, or with a sealed token."""

    SAVED_KEYS_LOCKED = "saved keys are locked: {reason}", "已保存的密钥无法打开：{reason}"
    MASTER_KEY_MISSING = "the master key is missing", "缺少主密钥"
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
