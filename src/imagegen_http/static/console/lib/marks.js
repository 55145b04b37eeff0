// Tags and collections: which there are, and what is done with them.

import { get, patch, post, remove } from "./api.js";
import { t } from "./i18n.js";
import { batch, current, lose, remember } from "./images.js";
import { toast } from "../parts/basics.js";
import { signal } from "../vendor/index.js";

export const MAX_TAGS = 20;
export const MAX_TAG_CHARACTERS = 40;
export const MAX_NAME_CHARACTERS = 100;

const PAUSE = 250; // milliseconds after the last key

/** `[{ id, name, count, cover_image_id }]`, null until they are there. */
export const collections = signal(null);

/** `[{ tag, count }]`, the most used of those that were last asked for; null until they are there. */
export const tags = signal(null);

let lookup = 0; // number of the last question for tags
let waiting = null;

export async function loadCollections() {
  collections.value = (await get("/api/v1/collections")).items;
}

/** Fetch the most used tags that begin like this; a later question's answer stays. */
export async function loadTags(prefix = "") {
  clearTimeout(waiting);
  const asked = ++lookup;
  const { items } = await get("/api/v1/tags", { prefix });
  if (asked === lookup) tags.value = items;
}

/** Do so once the typing pauses. */
export function findTags(prefix) {
  clearTimeout(waiting);
  waiting = setTimeout(() => loadTags(prefix).catch(() => null), PAUSE);
}

/** Return the name of a collection. */
export function collectionName(id) {
  return collections.value?.find((one) => one.id === Number(id))?.name ?? t("gallery.collection_id", { id: String(id) });
}

export async function createCollection(name) {
  const created = await post("/api/v1/collections", { name });
  await loadCollections();
  return created;
}

export async function renameCollection(id, name) {
  await patch(`/api/v1/collections/${id}`, { name });
  await loadCollections();
}

export async function deleteCollection(id) {
  await remove(`/api/v1/collections/${id}`);
  await loadCollections();
}

/** Put images into a collection, or take them out of it. */
export function collect(images, collection, add) {
  const change = (ids) => (add ? [...new Set([...ids, collection])] : ids.filter((id) => id !== collection));
  return mark(images, "collections", change, add ? "add_to" : "remove_from", { collection });
}

/** Give images a tag, or take it from them. */
export function tag(images, name, add) {
  const same = (other) => other.toLowerCase() === name.toLowerCase();
  const change = (names) => (add ? (names.some(same) ? names : [...names, name]) : names.filter((other) => !same(other)));
  return mark(images, "tags", change, add ? "tag" : "untag", { tag: name });
}

async function mark(images, field, change, action, more) {
  const loaded = images.filter((image) => current(image)[field]); // of the others nobody knows what they have
  const before = loaded.map((image) => [image.id, current(image)[field]]);
  for (const [id, values] of before) remember([id], { [field]: change(values) });
  try {
    lose(await batch(images.map(({ id }) => id), action, more));
  } catch (error) {
    for (const [id, values] of before) remember([id], { [field]: values });
    throw error;
  }
  (field === "tags" ? loadTags : loadCollections)().catch(() => null); // their counts
}

/** Say what went wrong. */
export function complain(error) {
  toast(error.text ?? error.message, { kind: "wrong" });
}
