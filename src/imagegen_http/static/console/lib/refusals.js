// What the service said of a request, by the field of the form that it is about.

import { bytes } from "./format.js";
import { fetchSentences, t } from "./i18n.js";
import { inputNames, inputsOf, parameter, parametersOf, presetsOf, sizeOf, takesPixels } from "./requests.js";

await fetchSentences("more");

const ROLES = { reference_images: "reference", image: "image", mask: "mask" };
const NAMES = { provider: "model_id", n: "num", number_of_images: "num" };
const ABOUT_THE_MODEL = [40001, 40002, 40003, 40004];
const KEY_REUSED = 42201;
const NO_IMAGE = 40402;
const REFERENCES = 40006;

/**
 * Return `{ fields, rest }` for an ApiError: sentences by `prompt`, `num`, `size`, `model_id`, the role of an input or
 * the name of a parameter, and what belongs to none of them.
 */
export function placed(refusal, draft, choice) {
  const places = placesOf(draft, choice);
  const fields = {};
  const rest = [];
  for (const { field, message } of [...refusal.errors, ...implied(refusal, draft, choice)]) {
    const { place, text } = placeOf(field, message, places);
    if (places.has(place)) fields[place] = [fields[place], text].filter(Boolean).join("\n");
    else rest.push(text);
  }
  if (refusal.code === KEY_REUSED) rest.push(t("more.changed_meanwhile"));
  else if (!Object.keys(fields).length) rest.unshift(refusal.message, ...(rest.length ? [] : [refusal.detail, refusal.hint]));
  return { fields, rest: rest.filter(Boolean).join("\n") };
}

/** What an error says of a field in another way than by a list. */
function implied({ code, detail, field, message, max_bytes }, draft, choice) {
  const inputs = inputsOf(draft, choice);
  if (field) return [{ field, message: detail.replace(/^[\w.]+(?:：|: )/, "") }];
  if (code === REFERENCES) return [{ field: "reference_images", message: detail }];
  if (ABOUT_THE_MODEL.includes(code)) return [{ field: "model_id", message: `${message}\n${detail}`.trim() }];
  if (max_bytes && inputs.length) return [{ field: inputs[0].role, message: t("more.too_much", { size: bytes((max_bytes * 3) / 4) }) }]; // base64 adds a third
  if (code !== NO_IMAGE) return [];
  const [id] = /\d+/.exec(detail) ?? [];
  return inputs.filter(({ image_id }) => String(image_id) === id).map(({ role }) => ({ field: role, message }));
}

function placeOf(field, message, places) {
  const [first, second] = field.replace(/^params\./, "").split(".");
  const place = ROLES[first] ?? NAMES[first] ?? first;
  if (place === "reference" && second) return { place, text: t("more.of_input", { n: Number(second) + 1, reason: message }) };
  if (places.sizes.has(place) && !places.has(place)) return { place: "size", text: message };
  return { place, text: places.has(place) ? message : `${field}: ${message}` };
}

/** The fields that the form shows; `sizes` are the names of parameters that its one control for the size stands for. */
function placesOf(draft, choice) {
  const { model, operation } = choice;
  const roles = { generate: [], reference: ["reference"], edit: ["image", "mask"] }[operation] ?? ["image"];
  const extras = model.accepts_extras ? draft.extras.map(({ name }) => name.trim()) : [];
  const names = parametersOf(choice).map(({ name }) => name);
  const places = new Set(["prompt", "model_id", ...roles, ...names, ...extras]);
  for (const name of ["num", "seed"]) if (parameter(choice, name)) places.add(name);
  if (presetsOf(choice).length || takesPixels(choice)) places.add("size");
  if (sizeOf(draft, choice)?.pixels) places.add("width").add("height");
  places.sizes = places.has("size") ? inputNames(model) : new Set();
  return places;
}
