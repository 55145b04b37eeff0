// The sentences of the console in Chinese; en.js has the same keys.

export default {
  act: {
    again: "再试一次",
    apply: "应用",
    cancel: "取消",
    clear: "清除",
    close: "关闭",
    copied: "已复制",
    copy: "复制",
    delete: "删除",
    download: "下载",
    edit: "编辑",
    more: "加载更多",
    save: "保存",
    star: "收藏",
    undo: "撤销",
    unstar: "取消收藏",
  },
  state: {
    loading: "正在加载",
    pending: "排队中",
    processing: "生成中",
    completed: "已完成",
    failed: "失败",
    cancelled: "已取消",
    cancelling: "正在取消",
  },
  time: {
    today: "今天",
    yesterday: "昨天",
    seconds: "{n} 秒",
    minutes: "{m} 分 {s} 秒",
    hours: "{h} 小时 {m} 分",
  },
  cost: {
    none: "不计费",
    unknown: "费用未知",
    about: "约 {amount}",
    possible: "可能已计费",
  },
  operations: {
    generate: "文生图",
    reference: "参考图",
    edit: "编辑",
    upscale: "放大",
    recontext: "换背景",
    segment: "分割",
  },
  roles: {
    image: "原图",
    mask: "蒙版",
    reference: "参考图",
  },
  problem: {
    unreachable: "连接不上服务，请确认它正在运行",
    slow: "服务很久没有答复，请再试一次",
    unreadable: "服务的答复无法读取（HTTP {status}）",
    login: "请先登录",
    page: "页面没有加载成功，请重新加载",
    input_gone: "图片“{name}”已不在浏览器里，请重新添加",
  },
  shell: {
    skip: "跳到内容",
    home: "imagegen 首页",
    ways: "页面",
    search: "搜索",
    search_hint: "搜索提示词里的任何字",
    language: "English",
    light: "浅色",
    dark: "深色",
    logout: "退出",
    running: "{n} 个任务未结束",
  },
  connection: {
    connecting: "连接中",
    connecting_why: "正在连接服务",
    open: "已连接",
    open_why: "任务的变化会立即显示",
    lost: "断开",
    lost_why: "连接不上服务；恢复后会自动继续",
  },
  pages: {
    create: "创作",
    gallery: "图库",
    picture: "图片",
    editor: "编辑",
    tasks: "任务",
    providers: "服务商",
    usage: "用量",
    settings: "设置",
  },
  nowhere: {
    title: "没有这个页面",
    why: "地址可能写错了，或者页面已经移走。",
    act: "去创作",
  },
  images: {
    broken: "图片无法显示",
    deleted: "已删除 {n} 张图片",
    not_deleted: "没有删除：{reason}",
    open: "查看图片：{prompt}",
    unnamed: "图片 {id}",
    select: "选择",
  },

  // 创作
  create: {},

  // 图库
  gallery: {},

  // 图片
  picture: {},

  // 编辑
  editor: {},

  // 任务
  tasks: {},

  // 服务商
  providers: {},

  // 用量
  usage: {},

  // 设置
  settings: {},
};
