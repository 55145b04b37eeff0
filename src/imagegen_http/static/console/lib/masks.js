// What is being done to images in the editor: it survives a reload, until others take its room.

import { Shared } from "./shared.js";

const MAX_MASKS = 8;
const MAX_CHARACTERS = 1_000_000; // of all masks; a browser has room for five million
const MAX_EDITS = 40;

const masks = new Shared("masks", []); // `[image id, steps]`, the newest last
const edits = new Shared("edits", []); // `[image id, values]`, the newest last: small, so that no mask takes their room

/** Return the steps of an image's mask. */
export function maskOf(image_id) {
  return masks.value.find(([id]) => id === image_id)?.[1] ?? [];
}

/** Keep the steps of an image's mask; without any there is none. */
export function keepMask(image_id, steps) {
  masks.update((all) => {
    const others = all.filter(([id]) => id !== image_id);
    return steps.length ? bounded([...others, [image_id, steps]]) : others;
  });
}

/**
 * Return what is asked for of an image beside its mask, any of `{ prompt, provider, model_id, sides, from, files, is_sent, task_id }`:
 * `from` is the image that it is a result of, `files` are its inputs as they were made last, `is_sent` says that an answer has not
 * come yet, `task_id` is the task that makes or made a result.
 */
export function editOf(image_id) {
  return edits.value.find(([id]) => id === image_id)?.[1] ?? {};
}

/** Change some of what is asked for of an image. */
export function keepEdit(image_id, changes) {
  edits.update((all) => {
    const before = all.find(([id]) => id === image_id)?.[1];
    return [...all.filter(([id]) => id !== image_id).slice(1 - MAX_EDITS), [image_id, { ...before, ...changes }]];
  });
}

/** Whether a file has more than one picture: of a GIF or a WebP, the only ones that a service makes so. */
export async function isAnimated({ mime_type, image_url }) {
  if (!["image/gif", "image/webp"].includes(mime_type)) return false;
  const read = async () => (await fetch(image_url, { credentials: "same-origin" })).arrayBuffer();
  const data = new Uint8Array(await read().catch(() => [])); // that it cannot be had is told where it is shown
  if (mime_type === "image/webp") return data[15] === 0x58 && (data[20] & 2) > 0; // VP8X, and its flag
  let pictures = 0;
  for (let at = 0; at < data.length - 9 && pictures < 2; at += 1) {
    const isControl = data[at] === 0x21 && data[at + 1] === 0xf9 && data[at + 2] === 4 && data[at + 7] === 0;
    if (isControl && (data[at + 8] === 0x2c || data[at + 8] === 0x21)) pictures += 1;
  }
  return pictures > 1;
}

function bounded(all) {
  const some = all.slice(-MAX_MASKS);
  const isTooLarge = some.length > 1 && JSON.stringify(some).length > MAX_CHARACTERS;
  return isTooLarge ? bounded(some.slice(1)) : some;
}
