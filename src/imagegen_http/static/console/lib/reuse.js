// Ask again for what a task asked for, or go on from an image: words, parameters and input images become the draft.

import { modelOf, newKey } from "./api.js";
import { keepBlob } from "./blobs.js";
import { draft, replaceDraft } from "./drafts.js";
import { t } from "./i18n.js";
import { countOf } from "./requests.js";
import { toast } from "../parts/basics.js";

/**
 * Return the draft of a task as the API tells it, for `replaceDraft`: to whom it went first, and whom it names next. Input
 * images that were uploaded are fetched and kept; those that are gone are left out.
 */
export async function draftOf(task) {
  const { operation, prompt, params, inputs = [], fallback = [] } = task;
  const { provider, model_id } = firstOf(task);
  const { prompt: _, num, n, number_of_images, reference_images, image, mask, ...others } = params;
  const images = await Promise.all(inputs.map(inputOf));
  return {
    operation,
    provider,
    model_id,
    fallback: fallback.slice(0, 1),
    prompt,
    num: countOf(params),
    params: others,
    images: images.filter(Boolean),
  };
}

/** Whom a task asked first: it may have gone on from there. */
export function firstOf({ attempt_history = [], provider, model_id }) {
  const [first = { provider, model_id }] = attempt_history;
  return { provider: first.provider, model_id: first.model_id };
}

/** What a draft that starts from an image asks: the provider and the model that made it. */
export function madeBy({ provider, model_id }) {
  return { provider, model_id };
}

/** Return the draft of an image once more: one, with the seed that this very one has, or one that chance gives. */
export async function again(image, inputs, { withSeed = true } = {}) {
  const { seed: asked, ...params } = image.params;
  const values = await draftOf({ ...image, params, inputs });
  const seed = image.metadata?.seed ?? asked;
  const model = modelOf(image.provider, image.model_id);
  const takesSeed = asked !== undefined || !model || model.accepts_extras || model.parameters.some(({ name }) => name === "seed");
  if (withSeed && takesSeed && seed !== undefined && seed !== null) values.params.seed = seed;
  return { ...values, num: 1 };
}

/** Put values into the form, and say so until it is sent; what was there comes back by an undo. */
export function fillForm(values) {
  const former = draft.peek();
  replaceDraft(values);
  const told = toast(t("create.reused"), { act: { name: t("act.undo"), run: () => replaceDraft(former) } });
  document.addEventListener("submit", () => told(), { once: true });
}

async function inputOf({ role, image_id, url }) {
  if (image_id) return { role, image_id };
  if (!url) return null;
  const answer = await fetch(url, { credentials: "same-origin" }).catch(() => null);
  if (!answer?.ok) return null;
  const key = `${Date.now()}-${newKey()}`;
  await keepBlob(key, await answer.blob());
  return { role, blob: key, name: "" };
}
