"""What a command prints when it is done."""

from imagegen_core.messages import MessageCode


class ResultCode(MessageCode):
    """One line each, on standard output."""

    IMAGE_KEPT = (
        "image {id}: {size} {mime_type}, kept in {path}",
        "图片 {id}：{size} {mime_type}，保存在 {path}",
    )
    TASK_HAD_ENDED = "it had ended already: {status}", "它此前已结束：{status}"
    IMAGE_DELETED = "deleted {id}", "已删除 {id}"
    IMAGES_EXPORTED = (
        "{count} image(s) of {place} in {directory}",
        "已将 {place} 的 {count} 张图片导出到 {directory}",
    )
    IMAGES_ZIPPED = "{count} image(s) in {file}", "已将 {count} 张图片放入 {file}"
    PROVIDER_SAVED = (
        "saved {provider} ({kind}), key {key}, in {path}",
        "已保存 {provider}（{kind}），密钥 {key}，在 {path}",
    )
    NO_KEY = "none", "无"
    PROVIDER_OK = "{provider}: {detail} ({milliseconds} ms)", "{provider}：{detail}（{milliseconds} 毫秒）"
    PROVIDER_NOT_VERIFIED = "{provider}: not verified: {detail}", "{provider}：未能验证：{detail}"
    DEFAULT_SAVED = (
        "tasks that name no provider go to {provider}",
        "没有指定服务商的任务现在发给 {provider}",
    )
    PROVIDER_REMOVED = "removed {provider}", "已移除 {provider}"
    INDEX_STATE = "the search index is {state}", "搜索索引：{state}"
    KEY_ROTATED = (
        "{path}: {count} saved secret(s) sealed with the new master key",
        "{path}：已用新的主密钥重新加密 {count} 个保存的秘密",
    )
    BACKED_UP = (
        "{file}: {path} with {count} image(s), {size} MB, without master.key",
        "{file}：{path}，含 {count} 张图片，{size} MB，不含 master.key",
    )
    RESTORED = "{path}: {images} image(s), {files} file(s)", "{path}：{images} 张图片，{files} 个文件"
    SYNCED = (
        "{uploaded} uploaded ({size} MB), {removed} removed, {failed} failed",
        "上传 {uploaded} 个（{size} MB），删除 {removed} 个，失败 {failed} 个",
    )
    WOULD_SYNC = (
        "{uploaded} would be uploaded ({size} MB), {removed} would be removed, {failed} failed",
        "将上传 {uploaded} 个（{size} MB），将删除 {removed} 个，失败 {failed} 个",
    )
    EXPIRED = (
        "{count} local file(s) removed ({size} MB), {kept} kept without proof",
        "删除 {count} 个本地文件（{size} MB），{kept} 个因未得到证明而保留",
    )
    WOULD_EXPIRE = (
        "{count} local file(s) would be removed ({size} MB), {kept} kept without proof",
        "将删除 {count} 个本地文件（{size} MB），{kept} 个因未得到证明而保留",
    )
    VERIFIED = (
        "{images} image(s), {files} file(s): {wrong} wrong, {mended} mended",
        "{images} 张图片，{files} 个文件：{wrong} 处不对，修复 {mended} 处",
    )
    VERIFIED_WITHOUT_ARCHIVE = (
        "{images} image(s), {files} file(s): {wrong} wrong, {mended} mended; OSS was not looked at",
        "{images} 张图片，{files} 个文件：{wrong} 处不对，修复 {mended} 处；未检查 OSS",
    )
    TABLE_MOVED = "{table}\t{rows} row(s)\tsha256 {sha256}", "{table}\t{rows} 行\tsha256 {sha256}"
    FILES_MOVED = (
        (
            "files\t{images} image(s), {unrecorded} file(s) without a record, {spooled} spooled\t"
            "{size} MB for the bucket"
        ),
        ("files\t{images} 张图片，{unrecorded} 个没有记录的文件，{spooled} 个暂存文件\t{size} MB 送往存储桶"),
    )
