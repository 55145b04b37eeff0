// Ask again for what a task asked for: its words, parameters and input images become the draft.

import { keepBlob } from "./blobs.js";
import { newKey } from "./api.js";

/**
 * Return the draft of a task as the API tells it, for `replaceDraft`. Input images that were uploaded are fetched and
 * kept; those that are gone are left out.
 */
export async function draftOf({ operation, provider, model_id, prompt, params, inputs = [] }) {
  const { prompt: _, num, n, number_of_images, reference_images, image, mask, ...others } = params;
  const images = await Promise.all(inputs.map(inputOf));
  return {
    operation,
    provider,
    model_id,
    prompt,
    num: Number(num ?? n ?? number_of_images ?? 1),
    params: others,
    images: images.filter(Boolean),
  };
}

/** What a draft that starts from an image asks: the provider and the model that made it. */
export function madeBy({ provider, model_id }) {
  return { provider, model_id };
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
