// What is being asked for: it survives a reload, a login and a restart, and is sent once.

import { ApiError, newKey, post } from "./api.js";
import { blob, dataUrl, dropOthers, keepBlob } from "./blobs.js";
import { keep, recall } from "./kept.js";
import { t } from "./i18n.js";
import { OPERATIONS } from "./store.js";
import { signal } from "../vendor/index.js";

const EMPTY = {
  operation: "generate",
  provider: "", // "" is the service's default provider
  model_id: "", // "" is the provider's default model
  prompt: "",
  num: 1,
  size: "", // label of a size preset; "" is the model's own default
  params: {}, // the other parameters by name; a seed beyond 2^53 is a string
  images: [], // { role: "image" | "mask" | "reference", image_id } or { role, blob, name }
  key: null, // the idempotency key of a request whose answer has not come, so that the next one is its repeat
};

export const draft = signal({ ...EMPTY, ...recall("draft") });

/** Change some of the draft. */
export function change(changes) {
  draft.value = { ...draft.value, ...changes, key: null };
  keep("draft", draft.value);
}

/** Start again with these values, and nothing that was there before. */
export function replaceDraft(values) {
  change({ ...EMPTY, ...values });
}

/** Add a file as an input of this role. */
export async function addFile(role, file) {
  const key = newKey();
  await keepBlob(key, file);
  addInput({ role, blob: key, name: file.name ?? "" });
}

/** Add an image of the gallery as an input of this role. */
export function addImage(role, image_id) {
  addInput({ role, image_id });
}

function addInput(input) {
  const others = input.role === "reference" ? draft.value.images : draft.value.images.filter(({ role }) => role !== input.role);
  change({ images: [...others, input] });
  tidy();
}

export function removeInput(input) {
  change({ images: draft.value.images.filter((one) => one !== input) });
  tidy();
}

function tidy() {
  return dropOthers(draft.value.images.map((input) => input.blob).filter(Boolean));
}

/** Return the URL of an input to show it; an object URL must be revoked by whoever asked. */
export async function inputUrl(input) {
  if (input.image_id) return `/api/v1/images/${input.image_id}/thumbnail`;
  const file = await blob(input.blob);
  return file ? URL.createObjectURL(file) : null;
}

/**
 * Return the body of the request; `sizes` are the presets of the model.
 * Throws an ApiError where an input file is gone.
 */
export async function bodyOf({ operation, provider, model_id, prompt, num, size, params, images }, sizes = []) {
  const preset = sizes.find(({ label }) => label === size);
  const wanted = { ...params, ...preset?.params };
  if (num > 1) wanted.num = num;
  if (prompt.trim() !== "") wanted.prompt = prompt;
  const references = [];
  for (const input of images) {
    const text = input.image_id ? `image:${input.image_id}` : await encoded(input);
    if (operation === "reference" && input.role === "reference") references.push(text);
    else if (["edit", "upscale", "recontext", "segment"].includes(operation) && input.role === "image") wanted.image = text;
    else if (operation === "edit" && input.role === "mask") wanted.mask = text;
  }
  if (operation === "reference") wanted.reference_images = references;
  return { ...(provider && { provider }), ...(model_id && { model_id }), params: wanted };
}

async function encoded(input) {
  const file = await blob(input.blob);
  if (!file) throw new ApiError(t("problem.input_gone", { name: input.name }), { status: 400 });
  return dataUrl(file);
}

/**
 * Ask for what the draft says; return the task. Pressed again after an answer that was lost, cut off or a proxy's,
 * or after a login, it is the same task and is paid once; after an acceptance, a new one.
 */
export async function submit(sizes) {
  const asked = draft.value;
  const key = asked.key ?? newKey();
  draft.value = { ...asked, key };
  keep("draft", draft.value);
  const body = await bodyOf(asked, sizes);
  const task = await post(OPERATIONS[asked.operation], body, { headers: { "Idempotency-Key": key } });
  if (draft.value.key === key) {
    draft.value = { ...draft.value, key: null };
    keep("draft", draft.value);
  }
  return task;
}
