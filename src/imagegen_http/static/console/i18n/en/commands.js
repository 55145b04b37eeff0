// The sentences of the commands and of the sheet of keys in English; ../zh/commands.js has the same keys.

export default {
  commands: {
    title: "Commands",
    find: "A page, a command, or words to search for",
    search: "Search images",
    search_for: "Search images: {words}",
    new: "New: empty the form",
    keys: "Keyboard shortcuts",
    key_palette: "Commands: any page, a search for images",
    key_keys: "This list",
    key_search: "Search",
    key_send: "Generate",
    key_history: "In the prompt: earlier prompts",
    key_go_on: "On an image: as a reference, edit, vary",
    key_keep: "On an image: download, favourite",
    key_move: "In the gallery: move; with Shift select a range. In an enlarged image: move it",
    key_open: "Open the image",
    key_mark: "Favourite, select",
    key_delete: "Delete",
    key_brush: "Painting a mask: size of the brush",
    key_close: "Close",
  },
};
