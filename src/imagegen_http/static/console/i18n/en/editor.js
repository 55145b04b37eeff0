// The sentences of the editor in English; ../zh/editor.js has the same keys.

export default {
  editor: {
    title: "Paint a mask",
    why: "What you paint is made again; the rest stays as it is. The keys [ and ] change the size of the brush.",
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
