"""What the operating system says of a file or an address that cannot be used, in both languages."""

import errno

from imagegen_core.messages import Message, MessageCode, as_message
from imagegen_core.problems import ProblemCode


class SystemCode(MessageCode):
    """The common errors; the system's own words are English wherever the locale is not installed."""

    NO_SUCH_FILE = "No such file or directory", "没有这个文件或目录"
    PERMISSION_DENIED = "Permission denied", "权限不足"
    IS_A_DIRECTORY = "Is a directory", "是目录"
    NOT_A_DIRECTORY = "Not a directory", "不是目录"
    FILE_EXISTS = "File exists", "文件已存在"
    READ_ONLY = "Read-only file system", "文件系统只读"
    NO_SPACE_LEFT = "No space left on device", "磁盘空间不足"
    QUOTA_EXCEEDED = "Disk quota exceeded", "超出磁盘配额"
    NAME_TOO_LONG = "File name too long", "文件名过长"
    ADDRESS_IN_USE = "Address already in use", "地址已被占用"
    ADDRESS_NOT_HERE = "Cannot assign requested address", "本机没有这个地址"
    IO_ERROR = "Input/output error", "读写错误"


_CODES = {
    errno.ENOENT: SystemCode.NO_SUCH_FILE,
    errno.EACCES: SystemCode.PERMISSION_DENIED,
    errno.EPERM: SystemCode.PERMISSION_DENIED,
    errno.EISDIR: SystemCode.IS_A_DIRECTORY,
    errno.ENOTDIR: SystemCode.NOT_A_DIRECTORY,
    errno.EEXIST: SystemCode.FILE_EXISTS,
    errno.EROFS: SystemCode.READ_ONLY,
    errno.ENOSPC: SystemCode.NO_SPACE_LEFT,
    errno.EDQUOT: SystemCode.QUOTA_EXCEEDED,
    errno.ENAMETOOLONG: SystemCode.NAME_TOO_LONG,
    errno.EADDRINUSE: SystemCode.ADDRESS_IN_USE,
    errno.EADDRNOTAVAIL: SystemCode.ADDRESS_NOT_HERE,
    errno.EIO: SystemCode.IO_ERROR,
}


def system_reason(error: OSError) -> Message:
    """Return why the operating system refuses; a rare reason is in its own words."""
    code = _CODES.get(error.errno or 0)
    return as_message(error.strerror or type(error).__name__) if code is None else code()


def read_problem(error: OSError | ValueError) -> Message:
    """Return why the text of a file cannot be read."""
    return system_reason(error) if isinstance(error, OSError) else ProblemCode.NOT_UTF8()
