// The sentences of the editor in English; ../zh/editor.js has the same keys.

export default {
  editor: {
    title: "Paint a mask",
    why: "What is painted is made again, what is not stays as it is.",
    keys: "The bracket keys change the size of the brush.",
    tools: "Tools",
    brush: "Brush",
    eraser: "Eraser",
    rectangle: "Rectangle",
    size: "Size",
    undo: "Undo",
    redo: "Redo",
    invert: "Invert",
    clear: "Clear",
    zoom: "Zoom",
    fit: "Fit",
    canvas: "Canvas: arrow keys move, space paints",
    preview: "Preview the mask",
    preview_why: "White is made again, black is kept; {width} × {height}, as large as the picture.",
    use: "Use this mask",
    use_none: "Edit without a mask",
    nothing: "Nothing is painted yet",
    file: "mask {id}.png",
  },
};
