// The sentences of the commands and of the sheet of keys in Chinese; ../en/commands.js has the same keys.

export default {
  commands: {
    title: "命令",
    find: "页面、命令，或要搜索的词",
    search: "搜索图片",
    search_for: "搜索图片：{words}",
    new: "新建：清空表单",
    keys: "快捷键",
    key_palette: "命令：去任何页面、搜索图片",
    key_keys: "快捷键列表",
    key_search: "搜索",
    key_send: "生成",
    key_history: "在提示词里：以前的提示词",
    key_go_on: "在图片上：作参考、编辑、变体",
    key_keep: "在图片上：下载、收藏",
    key_move: "在图库里：移动；加 Shift 连选。图片放大时：移动图片",
    key_open: "打开图片",
    key_mark: "收藏、选择",
    key_delete: "删除",
    key_brush: "画蒙版：画笔的大小",
    key_close: "关闭",
  },
};
