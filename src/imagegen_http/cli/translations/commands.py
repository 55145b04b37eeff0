"""What commands do, by the English of each paragraph."""

from collections.abc import Mapping

COMMANDS: Mapping[str, str] = {
    # imagegen
    "Image generation through paid providers: never lose a task, never pay twice, find it in Chinese.": (
        "通过付费服务商生成图片：任务不丢失，不重复付费，用中文就能找到。"
    ),
    "Settings come from `IMAGEGEN_CONFIG`, else `./config.yaml`, else defaults; with --server, from none of "
    "them.": ("配置依次取自 `IMAGEGEN_CONFIG`、`./config.yaml` 和默认值；带 --server 时一概不用。"),
    # backup, restore
    "Write everything but the master key to FILE.": "把主密钥以外的一切写入 FILE。",
    "Write database, images and inputs of waiting tasks to FILE, beside a running server or without one.": (
        "把数据库、图片和未结束任务的输入图片写入 FILE，服务开着或没开都行。"
    ),
    "`master.key` is not in it: keep that apart.": "其中没有 `master.key`：请另行保管。",
    "Fill an empty data directory from FILE.": "用 FILE 恢复一个空的数据目录。",
    "Fill an empty data directory from FILE. `master.key` may be there already; it is in no backup.": (
        "用 FILE 恢复一个空的数据目录。`master.key` 可以已经在那里；任何备份里都没有它。"
    ),
    # collections
    "Gather images in collections.": "把图片归入收藏夹。",
    "List collections, newest first.": "列出收藏夹，最新的在前。",
    "Create an empty collection, and print its id.": "新建一个空收藏夹，并打印它的 id。",
    "Give COLLECTION, a name or an id, another name.": "给收藏夹 COLLECTION（名称或 id）改名。",
    "Delete COLLECTION, a name or an id; its images stay.": (
        "删除收藏夹 COLLECTION（名称或 id）；其中的图片会保留。"
    ),
    "Put images into a collection.": "把图片放进收藏夹。",
    "Take images out of a collection.": "把图片移出收藏夹。",
    "Put images into COLLECTION, a name or an id, and print how many were not there before.": (
        "把图片放进收藏夹 COLLECTION（名称或 id），并打印新放入的张数。"
    ),
    "Take images out of COLLECTION, a name or an id, and print how many were there; they stay themselves.": (
        "把图片移出收藏夹 COLLECTION（名称或 id），并打印移出的张数；图片本身会保留。"
    ),
    # config
    "Look at the settings.": "查看配置。",
    "Say whether the settings can be used.": "检查配置能不能用。",
    "Print the settings as YAML, secrets masked.": "以 YAML 打印配置，密钥打码。",
    "Print the settings as YAML, defaults and environment included, secrets masked.": (
        "以 YAML 打印最终生效的配置，包括默认值和环境变量，密钥打码。"
    ),
    # doctor
    "Look for what is wrong, and change nothing.": "检查哪里不对，不做任何改动。",
    "Look for what is wrong, beside a running server or without one, and change nothing.": (
        "检查哪里不对，服务开着或没开都行，不做任何改动。"
    ),
    "Ends with 1 for a damaged database, a missing or wrong master key, a missing image; warnings end with "
    "0, unless `--strict`.": (
        "数据库损坏、主密钥缺失或不对、图片缺失时返回 1；只有警告则返回 0，除非加 `--strict`。"
    ),
    # generate
    "Make an image from PROMPT and keep it.": "按 PROMPT 生成图片并保存。",
    "Make an image from PROMPT and keep it; with -o also write it to a file.": (
        "按 PROMPT 生成图片并保存；加 -o 还会另存为文件。"
    ),
    "Needs no server. Where one runs on the same data directory, it does the work.": (
        "不需要服务。同一数据目录上有服务在运行时，由它来做。"
    ),
    # reference, edit, upscale, recontext, segment
    "Make an image from PROMPT and reference images.": "按 PROMPT 和参考图生成图片。",
    "Make an image from PROMPT and from images that show what it means.": (
        "按 PROMPT 和参考图生成图片，参考图说明 PROMPT 所指。"
    ),
    "Repaint an image as PROMPT says.": "按 PROMPT 重绘一张图片。",
    "Repaint an image as PROMPT says, all of it or where a mask is white or transparent.": (
        "按 PROMPT 重绘一张图片：整张，或遮罩为白色或透明的部分。"
    ),
    "Make an image larger.": "放大一张图片。",
    "Make an image two or four times as large.": "把一张图片放大到两倍或四倍。",
    "Put what an image shows into another scene.": "把图片里的东西换到别的场景。",
    "Put what an image shows into the scene that PROMPT describes.": "把图片里的东西换到 PROMPT 描述的场景。",
    "Mark what an image shows.": "标出图片里有什么。",
    "Mark what an image shows, or that of it which PROMPT names; the result is an image.": (
        "标出图片里有什么，或只标出 PROMPT 所指的；结果是一张图片。"
    ),
    # images
    "Find, fetch and delete kept images.": "查找、导出、删除已保存的图片。",
    "List images, newest first.": "列出图片，最新的在前。",
    "Find images by any piece of their prompt.": "按提示词的任意片段查找图片。",
    "Count images by the day on which they were made.": "按生成的日期统计图片的张数。",
    "Print an image's record.": "打印一张图片的记录。",
    "Print what a terminal has room for of an image's record; in a pipe all of it, as JSON.": (
        "打印一张图片的记录：终端上是主要内容，管道里是全部，JSON 格式。"
    ),
    "Delete images for good: records, files, thumbnails, OSS objects.": (
        "彻底删除图片：记录、文件、缩略图和 OSS 对象。"
    ),
    "One that is missing stops no other.": "其中有找不到的，其余的照删。",
    "Make images favourites, and print how many were none before.": "收藏图片，并打印新收藏的张数。",
    "Make images no favourites any more, and print how many were.": "取消收藏图片，并打印取消的张数。",
    "Give images the tag TAG, and print how many did not have it.": (
        "给图片加上标签 TAG，并打印原来没有它的张数。"
    ),
    "Take the tag TAG from images, and print how many had it.": "去掉图片的标签 TAG，并打印原来有它的张数。",
    "List the most used tags, and how many images have each.": "列出最常用的标签，以及各有几张图片。",
    "Put images into one zip file.": "把几张图片装进一个 zip 文件。",
    "Put images into the zip file FILE, or write it to standard output for `-`.": (
        "把几张图片装进 zip 文件 FILE；写 `-` 则输出到标准输出。"
    ),
    "Each has the name of its download. One that cannot be read stops no other.": (
        "文件名与下载时的相同。其中有读不出的，其余的照装。"
    ),
    "Copy images and their records to DIRECTORY.": "把图片及其记录导出到 DIRECTORY。",
    "Copy images to DIRECTORY, each with its record beside it; files that are there are kept.": (
        "把图片导出到 DIRECTORY，每张旁边附上记录；已有的文件保留。"
    ),
    "One that cannot be read stops no other. Another export to the same DIRECTORY writes what is missing "
    "there.": ("读不了的图片不影响其他图片。再次导出到同一 DIRECTORY 会补上缺少的。"),
    # keys
    "Look after the master key.": "管理主密钥。",
    "Change the master key; no server may run.": "更换主密钥；不能有服务在运行。",
    "Give the data directory a new master key and seal every saved secret with it; no server may run.": (
        "给数据目录换一把新的主密钥，并用它重新加密每一份保存的密钥；不能有服务在运行。"
    ),
    "Where `IMAGEGEN_MASTER_KEY` takes the place of `master.key`, put the new key first: `NEW,OLD`. An "
    "interrupted rotation is finished by the next one.": (
        "用 `IMAGEGEN_MASTER_KEY` 代替 `master.key` 时，新密钥写在前面：`NEW,OLD`。"
        "中断之后，再运行一次就能完成。"
    ),
    # migrate
    "Move the data to PostgreSQL and a bucket.": "把数据迁移到 PostgreSQL 和存储桶。",
    "Move the data directory to PostgreSQL, and its images to the bucket; no server may run.": (
        "把数据目录迁移到 PostgreSQL，图片迁移到存储桶；不能有服务在运行。"
    ),
    "The data directory is only read. An interrupted move is resumed by the next one.": (
        "数据目录只被读取。迁移中断之后，再运行一次就会继续。"
    ),
    # providers
    "Configure the providers that images come from.": "配置生成图片的服务商。",
    "List all configurations.": "列出全部配置。",
    "List models by end and by age of their facts.": "列出模型：即将停用的和资料旧的在前。",
    "List the configured models by their coming end and the age of what is known of them.": (
        "列出已配置的模型：即将停用的在前，其次是资料最久没有核对的。"
    ),
    "Each that ends is named with its replacement, and so is a preset whose provider has switched it off.": (
        "要停用的模型会给出替代者；服务商已关停的预设也一样。"
    ),
    "Create or change the configuration NAME. A secret is never taken from the command line itself.": (
        "新建或修改名为 NAME 的配置。密钥从不直接取自命令行。"
    ),
    "Make one cheap, unpaid call, where the provider has one.": "服务商有免费接口时，发一次不计费的调用。",
    "Remove a saved configuration and its key.": "删除一份保存的配置和它的密钥。",
    # reindex
    "Rebuild the search index.": "重建搜索索引。",
    "Rebuild the search index, when an update asked for it or when it is missing.": (
        "重建搜索索引：升级之后要求这样做时，或者索引缺失时。"
    ),
    "Searches go on meanwhile. An interrupted rebuild is resumed by the next call.": (
        "期间搜索照常。中断之后，下次接着做。"
    ),
    # serve
    "Run the service until SIGTERM or Ctrl-C.": "运行服务，直到 SIGTERM 或 Ctrl-C。",
    # storage
    "Synchronize local disk and OSS.": "同步本地磁盘和 OSS。",
    "Carry out what waits for OSS.": "把等待中的上传和删除做完。",
    "Carry out all pending uploads to OSS and removals there, also those deferred after an error.": (
        "把等待中的上传和删除都在 OSS 上做完，包括出错后推迟的。"
    ),
    "Remove old local files that OSS holds.": "删除 OSS 上已有的旧本地文件。",
    "Remove local files older than `retention_days`, once OSS has proved that it holds them.": (
        "删除存放超过 `retention_days` 的本地文件，须先由 OSS 证明它存着同样的字节。"
    ),
    "Compare the records with the stores, and repair.": "把记录与存储比对，并修复。",
    "Compare every record with the stores, byte by byte, and repair what can be repaired.": (
        "把每条记录与存储逐字节比对，能修的就修。"
    ),
    "Files without a record are reported and left alone.": "没有记录的文件只列出，不动它。",
    # tasks
    "See tasks, cancel them, make them again.": "查看、取消、重做任务。",
    "List tasks, newest first.": "列出任务，最新的在前。",
    "Print one task.": "打印一个任务。",
    "Print what a terminal has room for of a task; in a pipe all of it, as JSON.": (
        "打印一个任务：终端上是主要内容，管道里是全部，JSON 格式。"
    ),
    "Tell how many tasks have each status.": "显示每种状态各有多少个任务。",
    "Save an answer that could not be used.": "保存一份无法使用的答复。",
    "Save what a provider sent and was paid for, and could not be used; it is kept for a week.": (
        "保存服务商发来、已经付费却无法使用的内容；它保留一周。"
    ),
    "Several files get numbers. Their paths are printed.": "有多份时文件名带编号。打印各文件的路径。",
    "List a task's input images, or save them.": "列出任务的输入图片，或保存下来。",
    "List the images that a task was given, or save them.": "列出任务收到的图片，或保存下来。",
    "One that is no longer there stops no other.": "某一张已经不在，不影响其余的。",
    "Cancel a task, or all.": "取消一个任务，或全部。",
    "Cancel a task: at once while it waits, as far as the provider can while it runs.": (
        "取消任务：排队的立即取消；运行中的，能取消到什么程度取决于服务商。"
    ),
    "With --all cancel all that wait, and print how many they were.": (
        "加 --all 则取消所有排队的任务，并打印取消了多少个。"
    ),
    "Make a task again; may be charged again.": "重做一个任务；可能再次计费。",
    "Make a new task from a failed or cancelled one; it may be charged again.": (
        "从失败或已取消的任务新建一个任务；可能再次计费。"
    ),
    "Without a server it is worked on by the next one, or by the next command.": (
        "没有服务时，由下一次启动的服务或下一条命令来处理。"
    ),
    "Make a task again, with changes; is charged again.": "重做一个任务，可作修改；会再次计费。",
    "Make a new task from any other one, with changes; it is charged again.": (
        "从任何一个任务新建一个任务，可作修改；会再次计费。"
    ),
    "`--param NAME=` takes a parameter back. Without a server the new task is worked on by the next one, or "
    "by the next command.": (
        "`--param NAME=` 去掉一个参数。没有服务时，新任务由下一次启动的服务或下一条命令来处理。"
    ),
    # usage
    "Add up tasks, images and costs.": "汇总任务、图片和费用。",
    "Add up tasks, images and costs of the tasks that ended in a time.": (
        "汇总某段时间内结束的任务、图片和费用。"
    ),
    "Each currency has its own sum. Known: what the provider said; estimated: by the price lists; possible: "
    "what calls with an unknown outcome may have cost; unknown: calls whose amount nobody knows.": (
        "各币种分别合计。已知：服务商告知的；估算：按价目表计算的；可能：结果不明的调用可能产生的；"
        "不明：金额无人知晓的调用数。"
    ),
}
