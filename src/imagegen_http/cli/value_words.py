"""The words of operations, roles and places on a terminal; in a pipe they are the API's."""

from imagegen_core.messages import Language, MessageCode


class ValueCode(MessageCode):
    """What one of a few values is called; in English as in the API."""

    VALUE_GENERATE = "generate", "文生图"
    VALUE_REFERENCE = "reference", "参考图"
    VALUE_EDIT = "edit", "编辑"
    VALUE_UPSCALE = "upscale", "放大"
    VALUE_RECONTEXT = "recontext", "换背景"
    VALUE_SEGMENT = "segment", "分割"
    VALUE_IMAGE = "image", "原图"
    VALUE_MASK = "mask", "蒙版"
    VALUE_LOCAL = "local", "本机"
    VALUE_BOTH = "both", "本机和存储桶"
    VALUE_OSS = "oss", "存储桶"
    VALUE_DATABASE = "database", "数据库"
    VALUE_FILE = "file", "配置文件"


def value_text(value: str, language: Language) -> str:
    """Return what a value is called; one that a newer service has is called as there."""
    code = ValueCode.__members__.get(f"VALUE_{value.upper()}")
    return value if code is None else code().text(language)
