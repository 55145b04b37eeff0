// What can be done to an image where it is shown: by its buttons, by a key, and in a sheet.

import { t } from "../lib/i18n.js";
import { current, deleteImages, star } from "../lib/images.js";
import { go } from "../lib/router.js";
import { toast } from "../parts/toast.js";

/** `onVector`: also to an SVG, which is no input of anything. */
export const ACTS = [
  { name: "star", key: "F", icon: "star", onVector: true, run: (image) => star([image.id], !current(image).favourite) },
  { name: "reference", key: "R", icon: "image", run: reference },
  { name: "edit", key: "E", icon: "edit", run: (image) => go(`/p/${image.id}/edit`) },
  { name: "vary", key: "V", icon: "dice", onVector: true, run: vary },
  { name: "download", key: "D", icon: "download", onVector: true, run: download },
  { name: "delete", key: "Delete", icon: "trash", onVector: true, run: (image) => deleteImages([image.id]) },
];

/** Do it, and say why it was not done. */
export async function act({ run }, image) {
  try {
    await run(image);
  } catch (error) {
    toast(error.text ?? error.message, { kind: "wrong" });
  }
}

export function nameOf({ name }, image) {
  if (name === "star") return t(current(image).favourite ? "act.unstar" : "act.star");
  return t({ reference: "tasks.reference", vary: "tasks.vary" }[name] ?? `act.${name}`);
}

/** Ask for something like it, of the model that made it; one more reference where the form has some of that model already. */
async function reference(image) {
  const [{ fillForm, madeBy }, { addImage, draft }] = await Promise.all([import("../lib/reuse.js"), import("../lib/drafts.js")]);
  const { operation, provider, model_id, images, prompt } = draft.peek();
  const fits = operation === "reference" && provider === image.provider && model_id === image.model_id && images.length;
  if (fits) addImage("reference", image.id);
  else fillForm({ ...madeBy(image), operation: "reference", prompt, images: [{ role: "reference", image_id: image.id }] });
  write();
}

/** Ask for the same again, of another seed. */
async function vary(image) {
  const { get } = await import("../lib/api.js");
  const whole = image.task_id ? image : await get(`/api/v1/images/${image.id}`);
  const [{ again, fillForm }, { inputs }] = await Promise.all([import("../lib/reuse.js"), get(`/api/v1/tasks/${whole.task_id}`).catch(() => ({ inputs: [] }))]);
  fillForm(await again(whole, inputs, { withSeed: false }));
  write();
}

function download({ id }) {
  const link = Object.assign(document.createElement("a"), { href: `/api/v1/images/${id}/content`, download: "" });
  document.body.append(link);
  link.click();
  link.remove();
}

/** Go on where the words are. */
function write() {
  const box = document.querySelector(".create textarea");
  box?.focus({ preventScroll: true });
  box?.scrollIntoView({ block: "nearest" });
}
