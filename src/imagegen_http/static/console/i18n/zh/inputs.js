// The sentences about input images in Chinese; ../en/inputs.js has the same keys.

export default {
  inputs: {
    chosen: "已选 {n} 张，最多 {max} 张",
    draw_mask: "画蒙版",
    earlier: "第 {n} 张前移",
    file: "文件",
    file_large: "“{name}”超过 50 MB，没有添加",
    file_no_image: "“{name}”不是完整的 PNG、JPEG 或 WebP，没有添加",
    file_pixels: "“{name}”超过 4000 万像素，没有添加",
    find: "在图库里找",
    image_hint: "拖入、粘贴或选取一张 PNG、JPEG 或 WebP，不超过 50 MB、4000 万像素。",
    input_gone: "图片已不在",
    later: "第 {n} 张后移",
    left_out: "此模型最多 {max} 张，有 {n} 张没有添加",
    mask_hint: "可不填。与原图同样大小：白色处重绘，黑色处保留。",
    none_found: "没有找到",
    none_yet: "图库里还没有图片",
    pick_file: "选择文件",
    pick_gallery: "从图库选",
    pick_title: "从图库选{role}",
    reference_hint: "拖入、粘贴或选取 PNG、JPEG、WebP，每张不超过 50 MB、4000 万像素；按顺序发送。",
    remove_input: "移除第 {n} 张",
    switched: "已换成能做“{operation}”的设置",
    take: "使用",
    takes_no_image: "此模型不接受输入图片，请换一个模型",
  },
};
