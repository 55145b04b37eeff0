// The one size of a draft, which every model says in its own parameters.

/** The size of a draft whose pixels are in its `params`. */
export const CUSTOM = "custom";

const NAMES = ["width", "height", "size", "aspect_ratio", "image_size"];
const KEEP_THE_SIZE = ["upscale", "segment"]; // of the image that they work on
const PIXELS = /^(\d+)\s*[x×*]\s*(\d+)$/i;

/** The sizes to choose from for an operation. */
export function presetsOf({ model, operation }) {
  if (KEEP_THE_SIZE.includes(operation)) return [];
  return model.sizes.filter(({ operations }) => !operations || operations.includes(operation));
}

/** Whether pixels of one's own can be asked for. */
export function takesPixels({ model, operation }) {
  const has = (name) => model.parameters.some((one) => one.name === name && (!one.operations || one.operations.includes(operation)));
  return !KEEP_THE_SIZE.includes(operation) && has("width") && has("height");
}

/** Names of the parameters that a size is said in. */
export function inputNames(model) {
  return new Set([...NAMES, ...model.sizes.flatMap(({ params }) => Object.keys(params))]);
}

/**
 * Return `{ preset }`, `{ pixels: { width, height } }`, `{ others }` for parameters that are none of the presets, or
 * null for the model's own default. A label that this model does not have is its nearest: the same shape.
 */
export function sizeOf(draft, choice) {
  const presets = presetsOf(choice);
  const { size, params } = draft;
  if (size === CUSTOM) return takesPixels(choice) ? { pixels: { width: params.width, height: params.height } } : null;
  if (size) {
    const [ratio] = size.split(" ");
    const preset = presets.find(({ label }) => label === size) ?? presets.find((one) => one.ratio === ratio);
    return preset ? { preset } : null;
  }
  return sizeInParams(params, choice, presets);
}

/** Return the parameters that ask for the size of the draft. */
export function sizeParams(draft, choice) {
  const size = sizeOf(draft, choice);
  if (!size) return {};
  if (size.preset) return size.preset.params;
  if (size.others) return size.others;
  return Object.fromEntries(
    Object.entries(size.pixels).filter(([, value]) => (value ?? "") !== "").map(([name, value]) => [name, Number.isNaN(Number(value)) ? value : Number(value)]),
  );
}

/** Return the parameters without those that say a size. */
export function withoutSize(params, model) {
  const names = inputNames(model);
  return Object.fromEntries(Object.entries(params).filter(([name]) => !names.has(name)));
}

/** How wide an image of this size is for its height, 1 where nobody knows. */
export function proportion(size) {
  const { width, height } = size?.preset ?? size?.pixels ?? {};
  if (Number(width) > 0 && Number(height) > 0) return Math.min(4, Math.max(0.25, width / height));
  const [across, down] = (size?.preset?.ratio ?? size?.others?.aspect_ratio ?? "1:1").split(":").map(Number);
  return across > 0 && down > 0 ? across / down : 1;
}

/** The same of the images of a draft: where it says no size, they are like the image that they are made of. */
export function shapeOf(draft, choice) {
  const size = sizeOf(draft, choice);
  const source = draft.images?.find(({ role }) => role === "image")?.size;
  return proportion(size ?? (source && { pixels: { width: source[0], height: source[1] } }));
}

function sizeInParams(params, choice, presets) {
  const names = inputNames(choice.model);
  const said = Object.entries(params).filter(([name, value]) => names.has(name) && (value ?? "") !== "");
  if (!said.length) return null;
  const fits = ({ params: asked }) =>
    said.length === Object.keys(asked).length && said.every(([name, value]) => String(asked[name]) === String(value));
  const preset = presets.find(fits);
  if (preset) return { preset };
  const [, width, height] = PIXELS.exec(String(params.size ?? "")) ?? [null, params.width, params.height];
  if (width && height && takesPixels(choice)) return { pixels: { width, height } };
  const known = said.filter(([name]) => choice.model.parameters.some((one) => one.name === name));
  return known.length && presets.length ? { others: Object.fromEntries(known) } : null;
}
