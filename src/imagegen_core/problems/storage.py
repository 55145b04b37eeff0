"""Why stores fail, as a `StorageError` and its kin say it."""

from imagegen_core.messages import MessageCode


class StorageCode(MessageCode):
    """Why a store could not keep or give bytes, or the state of a task."""

    NO_BLOB = "no blob {key!r}", "没有文件 {key!r}"
    NOT_A_BLOB_KEY = "{key!r} cannot be a blob's key", "{key!r} 不能是文件的键"
    BLOB_OF_OTHER_SIZE = (
        "blob {key!r} has {size} bytes, not {expected}",
        "文件 {key!r} 有 {size} 字节，而不是 {expected}",
    )
    BLOB_SHORTER = "blob {key!r} is shorter than {size} bytes", "文件 {key!r} 不足 {size} 字节"
    BLOB_LONGER = "blob {key!r} is longer than {size} bytes", "文件 {key!r} 超过 {size} 字节"
    BLOB_FAILED = "blob {key!r}: {detail}", "文件 {key!r}：{detail}"
    FILE_SYSTEM_SILENT = "the file system does not answer: {detail}", "文件系统没有答复：{detail}"
    ARCHIVE_UNREACHABLE = "the archive does not answer", "归档存储没有答复"
    ARCHIVE_DIFFERS = (
        "the archive does not hold what was sent of image {image_id}",
        "归档存储中的图片 {image_id} 与发送的不同",
    )
    IN_NO_STORE = "the bytes of image {image_id} are in no store", "图片 {image_id} 的内容已不在任何存储中"
    NOT_READABLE = "image {image_id} cannot be read now", "图片 {image_id} 现在无法读取"
    ZIP_LACKS = (
        "Images that were asked for and are not in this file, or not whole:",
        "本文件缺少的图片，或不完整的图片：",
    )
    LOCAL_FILE_CHANGED = (
        "the local file of image {image_id} is not what was stored",
        "图片 {image_id} 的本地文件与当初保存的不同",
    )
    LOCAL_FILE_DAMAGED = (
        "the local file of image {image_id} is damaged; verify mends it",
        "图片 {image_id} 的本地文件已损坏；verify 可以修复",
    )
    NO_THUMBNAIL = (
        "no thumbnail can be made of image {image_id}: {reason}",
        "无法为图片 {image_id} 制作缩略图：{reason}",
    )
    ILLEGAL_TRANSITION = (
        "{noun} is {state} and cannot become {target}",
        "{noun} 为 {state}，不能变为 {target}",
    )
    STALE_TASK = "task {task_id} was changed by somebody else", "任务 {task_id} 已被别处更改"
