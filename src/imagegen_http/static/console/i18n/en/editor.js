// The sentences of the editor in English; ../zh/editor.js has the same keys.

export default {
  editor: {
    title: "Paint a mask",
    why: "Painted areas are redrawn; the rest stays as it is.",
    keys: " The bracket keys change the size of the brush.",
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
    preview_why: "White is redrawn, black is kept; {width} × {height}, the size of the image.",
    use: "Use this mask",
    use_none: "Edit without a mask",
    nothing: "Nothing is painted yet",
    file: "mask {id}.png",
  },
};
