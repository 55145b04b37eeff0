// The sentences about input images in English; ../zh/inputs.js has the same keys.

export default {
  inputs: {
    chosen: "{n} chosen, {max} at most",
    draw_mask: "Draw a mask",
    earlier: "Move image {n} forward",
    file: "file",
    file_large: "“{name}” is larger than 50 MB and was not added",
    file_no_image: "“{name}” is not a complete PNG, JPEG or WebP and was not added",
    file_pixels: "“{name}” has more than 40 megapixels and was not added",
    find: "Find in the gallery",
    image_hint: "Drop, paste or pick a PNG, JPEG or WebP, up to 50 MB and 40 megapixels.",
    input_gone: "The image is gone",
    later: "Move image {n} back",
    left_out: { one: "This model takes up to {max}; {n} image was not added", other: "This model takes up to {max}; {n} images were not added" },
    mask_hint: "Optional. The same size as the image: white is redrawn, black is kept.",
    none_found: "Nothing was found",
    none_yet: "There are no images yet",
    pick_file: "Choose a file",
    pick_gallery: "From the gallery",
    pick_title: "From the gallery: {role}",
    reference_hint: "Drop, paste or pick PNG, JPEG or WebP, up to 50 MB and 40 megapixels each; they are sent in this order.",
    remove_input: "Remove image {n}",
    switched: "Switched to settings that can do “{operation}”",
    take: "Use",
    takes_no_image: "This model takes no input images; please choose another one",
  },
};
