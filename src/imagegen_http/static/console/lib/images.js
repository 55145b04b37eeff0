// What can be done to images, on whatever page they are shown.

import { post } from "./api.js";
import { t } from "./i18n.js";
import { isTyping } from "./router.js";
import { toast } from "../parts/basics.js";
import { signal } from "../vendor/index.js";

const UNDO = 5000; // milliseconds
const [SMALL, LARGE] = [512, 1024]; // pixels of the longer side of thumbnails
const ENOUGH = 0.9; // of the pixels of a screen: nobody sees the others
const MAX_LINKED = 256 * 1024; // bytes of an image that is shown in place of its large thumbnail
const MAX_BATCH = 1000; // images that one request may change

/** The ids of images that left the page; an answer on its way may still have them. */
export const gone = signal(new Set());

/** What was changed on this page since the image was fetched: `{ favourite, tags, collections }` by id. */
export const changed = signal(new Map());

/** Whether deleted images can be restored for some days. */
export const hasTrash = !("noTrash" in document.documentElement.dataset);

let leaving = null; // ids that are deleted unless somebody takes it back
let endToast = null;

/** Whether the image is an SVG: it is downloaded, and never drawn in a page. */
export const isVector = (image) => image?.thumbnail_url === null;

/**
 * Return what gives an `<img>` of so many CSS pixels more pixels on a dense screen; an ordinary one loads what it did. Not of
 * an image that only the bucket has: each would be fetched from there.
 */
export function denser({ id, width, height, storage, size_bytes, mime_type }, wide) {
  const long = Math.max(width, height);
  if (!storage || storage === "oss" || !(long > SMALL) || !(wide > 0)) return {};
  const path = `/api/v1/images/${id}`;
  const large = long <= LARGE && size_bytes <= MAX_LINKED && mime_type !== "image/gif" ? `${path}/content` : `${path}/thumbnail?size=${LARGE}`;
  const pixels = (side) => Math.round((width * Math.min(side, long)) / long);
  const small = pixels(SMALL);
  return { sizes: `(max-resolution: 1.2dppx) ${small}px, ${Math.ceil(wide * ENOUGH)}px`, srcset: `${path}/thumbnail ${small}w, ${large} ${pixels(LARGE)}w` };
}

/** Whether the image is off the page, but not deleted yet. */
export function isLeaving(id) {
  return leaving?.includes(id) ?? false;
}

/** Do the same to images however many; `more` has what the action needs. Return the ids that no image has any more. */
export async function batch(ids, action, more = {}, options = {}) {
  const missing = [];
  let end = () => null;
  for (let at = 0; at < ids.length; at += MAX_BATCH) {
    const told = await post("/api/v1/images/batch", { ids: ids.slice(at, at + MAX_BATCH), action, ...more }, options);
    missing.push(...told.missing);
    if (ids.length <= MAX_BATCH) continue;
    end();
    end = toast(t("images.done", { done: Math.min(at + MAX_BATCH, ids.length), n: ids.length }));
  }
  return missing;
}

/** Take images off the page that somebody else has deleted, and say so. */
export function lose(ids) {
  if (!ids.length) return;
  gone.value = new Set([...gone.value, ...ids]);
  toast(t("images.lost", { n: ids.length }), { kind: "wrong" });
}

/** Take images off the page now, and move them to the trash, or delete them where there is none, in a moment, unless it is undone. */
export function deleteImages(ids) {
  if (!ids.length) return;
  finishDeleting();
  leaving = ids;
  gone.value = new Set([...gone.value, ...ids]);
  endToast = toast(t(hasTrash ? "images.deleted" : "images.deleted_final", { n: ids.length }), {
    milliseconds: UNDO,
    act: { name: t("act.undo"), keys: "Control+Z", run: () => undo(ids) },
    ended: finishDeleting,
  });
}

/** Delete at once what waits for an undo, such as when the page is left. */
export async function finishDeleting() {
  const ids = leaving;
  leaving = null;
  if (!ids) return;
  try {
    await batch(ids, "trash", {}, { keepalive: true });
  } catch (error) {
    bringBack(ids);
    toast(t("images.not_deleted", { reason: error.message }), { kind: "wrong" });
  }
}

/** Mark images as favourites, or no longer. */
export async function star(ids, favourite) {
  remember(ids, { favourite });
  try {
    lose(await batch(ids, favourite ? "favourite" : "unfavourite"));
  } catch (error) {
    remember(ids, { favourite: !favourite });
    toast(error.text ?? error.message, { kind: "wrong" });
  }
}

/** Return the image as it is by now. */
export function current(image) {
  return { ...image, ...changed.value.get(image.id) };
}

export function remember(ids, values) {
  const next = new Map(changed.value);
  for (const id of ids) next.set(id, { ...next.get(id), ...values });
  changed.value = next;
}

/** Bring images back, also from the trash where they are there by now. */
async function undo(ids) {
  if (leaving === ids) {
    leaving = null;
    bringBack(ids);
    return;
  }
  try {
    const missing = new Set(await batch(ids, "restore"));
    bringBack(ids.filter((id) => !missing.has(id)));
    lose([...missing]);
  } catch (error) {
    toast(error.text ?? error.message, { kind: "wrong" });
  }
}

/** Show images again. */
export function bringBack(ids) {
  gone.value = new Set([...gone.value].filter((id) => !ids.includes(id)));
}

addEventListener("pagehide", finishDeleting);
addEventListener("keydown", (event) => {
  if (!leaving || event.key.toLowerCase() !== "z" || event.shiftKey || !(event.ctrlKey || event.metaKey) || isTyping(event.target)) return;
  event.preventDefault();
  const ids = leaving;
  endToast(() => undo(ids));
});
