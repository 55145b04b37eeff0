"""What options mean, by their English."""

from collections.abc import Mapping

OPTIONS: Mapping[str, str] = {
    # of the program
    "Show the version and exit.": "显示版本。",
    "A node elsewhere that does the work; left out: this machine.": "由别处的节点来做；不写则在本机。",
    "What that node demands; TOKEN itself is seen by all users of this machine.": (
        "该节点要求的令牌；直接写 TOKEN，本机的所有用户都能看到。"
    ),
    "The language of all that is said, in any place; left out: Chinese in a zh locale "
    "(LC_ALL, LC_MESSAGES, LANG), else English.": (
        "所有输出的语言，写在哪里都行；不写时，语言环境（LC_ALL、LC_MESSAGES、LANG）为 zh 则用中文，"
        "否则用英文。"
    ),
    "Colours, in any place; left out: as NO_COLOR or FORCE_COLOR say, else on a terminal.": (
        "是否用颜色，写在哪里都行；不写则看 NO_COLOR 或 FORCE_COLOR，否则只在终端上用。"
    ),
    # of several commands
    "Save it as this file instead of TASK_ID.bin; - is standard output.": (
        "保存为这个文件，而不是 TASK_ID.bin；- 表示标准输出。"
    ),
    "Save them to this directory instead.": "改为保存到此目录。",
    "Print JSON.": "打印 JSON。",
    "Do not ask.": "不询问。",
    "How many.": "列多少个。",
    "All of them, whatever --limit says.": "全部，不论 --limit 是多少。",
    "Only this provider's.": "只列这个服务商的。",
    "Only this model's.": "只列这个模型的。",
    "Only of this operation.": "只列这种操作的。",
    "Made at or after this date or time (ISO 8601).": "在此日期或时间（ISO 8601）或之后生成。",
    "Made before this time, or up to the end of this date.": "在此时间之前，或到此日期结束为止生成。",
    "The settings file.": "配置文件。",
    "Change nothing, say what would be done.": "不做改动，只列出会做什么。",
    # backup
    "Replace FILE if it exists.": "FILE 已存在时覆盖。",
    "Replace FILE if it exists; write to a terminal.": "FILE 已存在时覆盖；允许写到终端。",
    # doctor
    "Also read every local image and compare its checksum.": "还要读出每张本地图片，比对校验和。",
    "End with 4 for warnings.": "有警告时返回 4。",
    # generate and its kin
    "Name of the provider; left out: default_provider.": "服务商的名称；不写：default_provider。",
    "Id of the model; left out: the provider's default.": "模型的 ID；不写：该服务商的默认模型。",
    "How many images; left out: one.": "张数；不写：一张。",
    "A parameter of the model; repeatable.": "模型的参数；可重复。",
    "The file (or directory) to write; - for standard output.": "要写入的文件（或目录）；- 表示标准输出。",
    "Print the finished task as JSON.": "以 JSON 打印结束的任务。",
    # reference, edit, upscale, recontext, segment
    "The image: a file, image:ID for one that is kept, or - for standard input.": (
        "图片：文件，或用 image:ID 指已保存的，或用 - 从标准输入读取。"
    ),
    "A reference image: a file, image:ID for one that is kept, or -; repeatable, up to 14.": (
        "参考图：文件，或用 image:ID 指已保存的，或用 -；可重复，最多 14 张。"
    ),
    "The size, such as 2K.": "尺寸，如 2K。",
    "The shape, such as 16:9.": "宽高比，如 16:9。",
    "What to repaint: an image of the same size, white where.": "重绘哪里：大小相同的图片，白色处重绘。",
    "How, where the model knows several ways.": "重绘的方式，模型有几种时用。",
    "How much larger; left out: x2.": "放大几倍；不写：x2。",
    "What to mark, where the model knows several ways.": "标出什么，模型有几种方式时用。",
    # images
    "Only images with these words in the prompt.": "只导出提示词含有这些词的。",
    # migrate
    "The database, postgresql://USER@HOST/NAME.": "数据库，postgresql://USER@HOST/NAME。",
    "Check everything, write nothing, say what would be moved.": "检查一切，什么也不写，只列出要迁移的内容。",
    "Finish although images are in neither store.": "即使有图片两处都没有，也完成迁移。",
    # providers
    "End with 4 when anything ends or has ended.": "有即将停用或已停用的，返回 4。",
    "The adapter that speaks to it, such as http; left out: by the name.": (
        "与它通信的适配器，如 http；不写则由名称决定。"
    ),
    "A shipped declarative provider.": "自带的预设。",
    "The provider's address.": "服务商的地址。",
    "A document of your own, YAML or JSON, in place of a preset.": (
        "自己写的描述文件，YAML 或 JSON，取代预设。"
    ),
    "A variable of the document; repeatable; NAME alone takes it back.": (
        "描述文件的变量；可重复；只写 NAME 表示去掉。"
    ),
    "A workflow that ComfyUI has exported for its API; takes the place of its inputs, too.": (
        "ComfyUI 为 API 导出的工作流；也取代原有的输入。"
    ),
    "Which input of the workflow takes what; repeatable; NAME alone takes it back.": (
        "工作流的哪个输入接收什么；可重复；只写 NAME 表示去掉。"
    ),
    "A variable or a file that holds the key, or - to read a line of stdin.": (
        "存放密钥的变量或文件，或者用 - 从 stdin 读一行。"
    ),
    "Sent with each call; a secret as env:NAME, file:PATH or -; repeatable; NAME alone takes it back.": (
        "每次调用都带上的请求头；秘密写作 env:NAME、file:PATH 或 -；可重复；只写 NAME 表示去掉。"
    ),
    "What calls go through; with a password as env:NAME, file:PATH or -.": (
        "调用所经的代理；带密码的写作 env:NAME、file:PATH 或 -。"
    ),
    "How many calls may run at once.": "最多同时进行几个调用。",
    "A model; the first is the default; repeatable.": "模型；第一个是默认模型；可重复。",
    "Seconds that a call may take.": "单次调用的超时，秒。",
    "How often a call that started nothing is sent again.": "确定没有开始的调用最多重发几次。",
    "Switch it on or off.": "启用或停用。",
    "Have tasks go to it that name no provider.": "没有指定服务商的任务都发给它。",
    # images, collections
    "Only favourites, or only others.": "只要收藏的，或只要其余的。",
    "Only with this tag, in any case and width.": "只要带这个标签的，不分大小写和全角半角。",
    "Only in this collection: its name or its id.": "只要在这个收藏夹里的：写名称或 id。",
    "Only those that begin with this, in any case and width.": "只列以此开头的，不分大小写和全角半角。",
    # serve
    "The settings file (YAML).": "配置文件（YAML）。",
    "The address to listen on; another than loopback needs server.auth_token.": (
        "监听地址；本机以外的地址必须设置 server.auth_token。"
    ),
    "The port to listen on; 0 takes a free one.": "监听端口；0 表示任选一个空闲端口。",
    # storage
    "Change nothing, say what is wrong.": "不做改动，只列出哪里不对。",
    "Do not read the local files, compare their sizes only.": "不读本地文件的内容，只比对大小。",
    # tasks
    "Only these.": "只列这些。",
    "All that wait, instead of one.": "所有排队的，而不是某一个。",
    "With --all: those that wait (the default), or those that run.": (
        "与 --all 一起使用：排队的（默认），或运行中的。"
    ),
    "With --all: only this provider's.": "与 --all 一起使用：只取消这个服务商的。",
    "Another prompt.": "换提示词。",
    "Another provider.": "换服务商。",
    "Another model.": "换模型。",
    # usage
    "Ended at or after this date or time (ISO 8601).": "在此日期或时间（ISO 8601）或之后结束。",
    "Ended before this time, or up to the end of this date.": "在此时间之前，或到此日期结束为止。",
    "What a line is.": "每行是什么。",
    "Whose days and dates: Asia/Shanghai, +08:00; UTC if left out.": (
        "按哪个时区的日期：Asia/Shanghai、+08:00；不写则为 UTC。"
    ),
}
