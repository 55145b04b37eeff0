// What is copied: the browser's clipboard, or where there is none (HTTP beyond loopback) its older command.

/** Copy a text; resolve to whether it is copied. */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyByCommand(text);
  }
}

/** Whether this browser can copy images from this address. */
export function canCopyImages() {
  return Boolean(navigator.clipboard?.write && window.ClipboardItem);
}

/** Copy the image of a URL, as PNG, which every program takes; rejects where that cannot be done. */
export async function copyImage(url) {
  await navigator.clipboard.write([new ClipboardItem({ "image/png": png(url) })]);
}

async function png(url) {
  const answer = await fetch(url, { credentials: "same-origin" });
  if (!answer.ok) throw new Error(answer.statusText);
  const blob = await answer.blob();
  if (blob.type === "image/png") return blob;
  const bitmap = await createImageBitmap(blob);
  const canvas = Object.assign(document.createElement("canvas"), { width: bitmap.width, height: bitmap.height });
  canvas.getContext("2d").drawImage(bitmap, 0, 0);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}

function copyByCommand(text) {
  const area = Object.assign(document.createElement("textarea"), { value: text, readOnly: true, className: "unseen" });
  const before = document.activeElement;
  (document.querySelector("dialog[open]") ?? document.body).append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  before?.focus({ preventScroll: true });
  return done;
}
