"""Whose the prefix of a bucket is."""

from imagegen_core.messages import MessageCode


class PrefixCode(MessageCode):
    """Why an installation does not work in its prefix."""

    OTHER_OWNER = (
        (
            "{archive}: {place} belongs to another installation ({owner}): give each one a prefix of its "
            "own; if that one is gone for good, delete the object {mark} there"
        ),
        (
            "{archive}：{place} 属于另一个安装（{owner}）：请为每个安装设置各自的前缀；"
            "如果那一个确已不再使用，请删除那里的对象 {mark}"
        ),
    )
    OWNER_NOT_SEEN = (
        "{archive}: the object {mark} has been written to {place}, and cannot be read there yet",
        "{archive}：对象 {mark} 已写入 {place}，但还读不到",
    )
