// What is being asked for: it survives a reload, a login and a restart, and is sent once.
//
// For other pages: `replaceDraft(values)` and then `go("/")` show the form with these values and nothing of what was
// there before. `values` are any of EMPTY's; `params` may be those of a task or an image as the API tells them, with
// num, n or a size among them, and images may be `{ role, image_id }`. To ask again for what a task asked for, lib/reuse.js
// makes the values of it; "use as a reference" is
// `replaceDraft({ operation: "reference", images: [{ role: "reference", image_id: 7 }] })`.

import { ApiError, newKey, OPERATIONS, post } from "./api.js";
import { t } from "./i18n.js";
import { keep, keepShared, recall } from "./kept.js";
import { bodyOf, countOf } from "./requests.js";
import { signal } from "../vendor/index.js";

/** A draft that asks for nothing yet. */
export const EMPTY = {
  operation: "generate",
  provider: "", // "" is the service's default provider
  model_id: "", // "" is the provider's default model
  fallback: [], // at most one `{ provider, model_id }`, to ask where the first has charged nothing
  prompt: "",
  style: null, // one of the service's, as it was when it was chosen
  values: {}, // texts by the names that stand in braces in the prompt or the style
  plain: [], // names of the prompt that are to be sent as they stand there
  targets: [], // further `{ provider, model_id }` that are asked for the same
  num: 1,
  size: "", // label of a size preset, or CUSTOM; "" is the model's own default, or what `params` say
  params: {}, // the other parameters by name; a seed beyond 2^53 is a string, what cannot be read yet its text
  extras: [], // { name, text } of parameters that the model has no field for
  images: [], // { role: "image" | "mask" | "reference" } and image_id, or blob and name, or url (a task's own input); size, if known
  mixed: false, // whether `params` may have what belongs to `extras`: which do, the model tells
};

// What is written before the scripts have come is in the page that index.html shows.
const early = document.querySelector(".early [name=prompt]");
early?.addEventListener("input", () => change({ prompt: early.value }));

export const draft = signal({ ...EMPTY, ...recall("draft"), ...(early && { prompt: early.value }) });

const MAX_PROMPTS = 50;

const blobs = () => import("./blobs.js"); // most drafts have no file
const payments = () => import("./idempotency.js"); // fetched with the first change, for a first visit has none

const sending = new Map(); // what is on its way, by the form that asked for it

/** Change some of the draft. */
export function change(changes) {
  draft.value = { ...draft.value, ...changes };
  keep("draft", draft.value);
  payments().catch(() => null); // it is asked for again when it is needed
}

/** Set a parameter; undefined takes it away. */
export function setParameter(name, value) {
  const { [name]: _, ...others } = draft.value.params;
  change({ params: value === undefined ? others : { ...others, [name]: value } });
}

/** Start again with these values, and nothing that was there before. */
export function replaceDraft({ params = {}, ...values }) {
  const { num, n, number_of_images, prompt, image, mask, reference_images, ...others } = params;
  change({ ...EMPTY, prompt: prompt ?? "", num: countOf({ num, n, number_of_images }), mixed: !values.extras, ...values, params: others });
  tidy();
}

/** Add a file as an input of this role; `size` is its width and height, where they are known. */
export async function addFile(role, file, size) {
  const key = `${Date.now()}-${newKey()}`;
  await (await blobs()).keepBlob(key, file);
  addInput({ role, blob: key, name: file.name ?? "", size });
}

/** Add an image of the gallery as an input of this role. */
export function addImage(role, image_id, size) {
  addInput({ role, image_id, size });
}

/** Move an input of the draft to before another one of its role. */
export function moveInput(input, before) {
  const others = draft.value.images.filter((one) => one !== input);
  const at = before ? others.indexOf(before) : others.length;
  change({ images: [...others.slice(0, at), input, ...others.slice(at)] });
}

export function removeInput(input) {
  change({ images: draft.value.images.filter((one) => one !== input) });
  tidy();
}

/** Return the URL of an input to show it; an object URL must be revoked by whoever asked. */
export async function inputUrl(input) {
  if (input.image_id) return `/api/v1/images/${input.image_id}/thumbnail`;
  if (input.url) return input.url;
  const file = await (await blobs()).blob(input.blob);
  return file ? URL.createObjectURL(file) : null;
}

/** Remember a prompt that was sent, for the way back through them. */
export function rememberPrompt(prompt) {
  if (!prompt.trim()) return;
  const others = (recall("prompts") ?? []).filter((one) => one !== prompt);
  keepShared("prompts", [prompt, ...others].slice(0, MAX_PROMPTS));
}

/**
 * Ask the chosen model for what the draft says, or `wish` in its place; return the task. Asked again after an answer that was lost, what is the
 * same request is the same task and is paid once, whatever the draft was meanwhile. While an answer is awaited, it is
 * that request's: of each `form` one is on its way.
 */
export function submit(choice, wish = draft.value, form = "") {
  if (!sending.has(form)) sending.set(form, send(choice, wish).finally(() => sending.delete(form)));
  return sending.get(form);
}

async function send(choice, wish) {
  const operation = OPERATIONS[choice.operation];
  const body = JSON.stringify(await bodyOf(wish, choice));
  const { fingerprint, once } = await payments().catch(() => {
    throw new ApiError(t("problem.unreachable")); // nothing was sent
  });
  return once(`${choice.operation} ${fingerprint(body)}`, (headers) => post(operation, body, { headers }));
}

function addInput(input) {
  const others = input.role === "reference" ? draft.value.images : draft.value.images.filter(({ role }) => role !== input.role);
  change({ images: [...others, input] });
  tidy();
}

async function tidy() {
  const { dropOthers } = await blobs();
  await dropOthers(draft.value.images.map((input) => input.blob).filter(Boolean));
}
