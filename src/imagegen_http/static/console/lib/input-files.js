// Files that become inputs: which of them the service takes, and why it does not take the others.

import { t } from "./i18n.js";

export const ACCEPTED = "image/png,image/jpeg,image/webp,image/gif,image/avif";
const MAX_BYTES = 50 * 1024 * 1024;
const MAX_PIXELS = 40_000_000;

/** Return `{ file, size }`: the file with the type that its bytes have, and its width and height. Throws an Error with the reason where it cannot be an input. */
export async function checked(file) {
  const name = file.name || t("inputs.file");
  if (file.size > MAX_BYTES) throw new Error(t("inputs.file_large", { name }));
  const type = typeOf(new Uint8Array(await file.slice(0, 64).arrayBuffer().catch(() => new ArrayBuffer(0))));
  if (!type) throw new Error(t("inputs.file_no_image", { name }));
  const typed = file.type === type ? file : new File([file], file.name ?? "", { type });
  const size = await sizeOf(typed);
  if (!size) throw new Error(t("inputs.file_no_image", { name }));
  if (size[0] * size[1] > MAX_PIXELS) throw new Error(t("inputs.file_pixels", { name }));
  return { file: typed, size };
}

function typeOf(bytes) {
  const text = String.fromCharCode(...bytes);
  if (text.startsWith("\x89PNG\r\n\x1a\n")) return "image/png";
  if (text.startsWith("\xff\xd8\xff")) return "image/jpeg";
  if (text.startsWith("RIFF") && text.slice(8, 12) === "WEBP") return "image/webp";
  if (text.startsWith("GIF87a") || text.startsWith("GIF89a")) return "image/gif";
  return text.slice(4, 8) === "ftyp" && /avi[fs]/.test(text) ? "image/avif" : null;
}

function sizeOf(file) {
  const url = URL.createObjectURL(file);
  const image = new Image();
  return new Promise((resolve) => {
    const answer = (size) => {
      URL.revokeObjectURL(url);
      resolve(size);
    };
    image.addEventListener("load", () => answer([image.naturalWidth, image.naturalHeight]));
    image.addEventListener("error", () => answer(null));
    image.src = url;
  });
}
