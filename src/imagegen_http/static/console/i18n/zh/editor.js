// The sentences of the editor in Chinese; ../en/editor.js has the same keys.

export default {
  editor: {
    title: "画蒙版",
    why: "涂上的部分会重画，没涂的保持原样。",
    keys: "方括号键改变画笔大小。",
    tools: "工具",
    brush: "画笔",
    eraser: "橡皮",
    rectangle: "矩形",
    size: "大小",
    undo: "撤销",
    redo: "重做",
    invert: "反选",
    clear: "清空",
    zoom: "缩放",
    fit: "适合窗口",
    canvas: "画布：方向键移动，空格涂抹",
    preview: "预览蒙版",
    preview_why: "白色会重画，黑色保持原样；{width} × {height}，和原图一样大。",
    use: "用这个蒙版",
    use_none: "不用蒙版，直接编辑",
    nothing: "还没有涂任何地方",
    file: "蒙版 {id}.png",
  },
};
