// What a form asks of the API: sizes, parameters that no field shows, and the requests.

import { ApiError, catalogue, modelOf } from "./api.js";
import { t } from "./i18n.js";

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

// Parameters that a model takes though nobody has declared them: `{ name, text }`, as somebody wrote them.

/** Whatever begins so is meant to be JSON. */
const IS_JSON = /^[[{"]/;

/** Return `{ value }` of a text: what it is as JSON, else the text itself; `{ problem }` where it is neither. */
export function readExtra(text) {
  const written = text.trim();
  if (!written) return { problem: t("extras.extra_empty") };
  let isExact = true;
  const check = (_, value) => {
    isExact &&= typeof value !== "number" || (Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value)));
    return value;
  };
  try {
    const value = JSON.parse(written, check);
    return isExact ? { value } : { problem: t("extras.extra_rounded") };
  } catch {
    return IS_JSON.test(written) ? { problem: t("extras.extra_no_json") } : { value: written };
  }
}

/** The rows in which anything is written. */
export function writtenExtras(extras) {
  return extras.filter(({ name, text }) => name.trim() || text.trim());
}

/** Return the parameters by name, as far as they can be read. */
export function extraParams(extras) {
  return Object.fromEntries(writtenExtras(extras).map(({ name, text }) => [name.trim(), readExtra(text).value]));
}

/** Return what is wrong with rows, as `extras.0`; `own` are the names that have a field already. */
export function extraProblems(extras, own) {
  const problems = {};
  const names = extras.map(({ name }) => name.trim());
  for (const [at, row] of extras.entries()) {
    const name = names[at];
    if (!name && !row.text.trim()) continue;
    const wrong = !name ? t("extras.extra_nameless") : own.has(name) ? t("extras.extra_own", { name }) : names.indexOf(name) < at && t("extras.extra_twice", { name });
    const problem = wrong || readExtra(row.text).problem;
    if (problem) problems[`extras.${at}`] = problem;
  }
  return problems;
}

// What a draft is as a request to a model, and what is wrong with it before it is one.

/** The operations that cannot do without words, and those that work on one image. */
export const NEEDS_PROMPT = ["generate", "reference", "edit", "recontext"];
const ON_AN_IMAGE = ["edit", "upscale", "recontext", "segment"];

const OWN = ["num", "prompt", "seed"]; // parameters with a control of their own
const INTEGER = /^[+-]?\d+$/;
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/**
 * Return `{ provider, model, operation, instead }` that the draft means; null until the models are there, or without any.
 * Where the draft's own model is gone, or cannot do the operation, it is the nearest that can, and `instead` is
 * `{ provider, model, model_id, operation }` that was meant; `model` is null where it is gone.
 */
export function choiceOf({ provider: named, model_id, operation }) {
  const { providers = [] } = catalogue.value ?? {};
  const first = firstProvider();
  const provider = named || first;
  const find = (name) => providers.find((one) => one.name === name && one.models.length);
  const near = find(provider) ?? find(named && ableModel(operation, named)?.provider) ?? find(first) ?? providers.find(({ models }) => models.length);
  if (!near) return null;
  const meant = modelOf(provider, model_id);
  const model = meant ?? modelOf(near.name, "");
  const able = !model.capabilities.includes(operation) && ableModel(operation, near.name);
  const chosen = able ? { provider: find(able.provider), model: modelOf(able.provider, able.model_id) } : { provider: near, model };
  const does = chosen.model.capabilities.includes(operation) ? operation : chosen.model.capabilities[0];
  const isMeant = meant === chosen.model && does === operation;
  return { ...chosen, operation: does, instead: isMeant ? null : { provider, model: meant, model_id, operation } };
}

/** The provider that a form begins with: the default one, but not the demo where there is a real one. */
function firstProvider() {
  const { providers = [], default_provider } = catalogue.value ?? {};
  const isDemo = providers.find(({ name }) => name === default_provider)?.kind === "demo";
  const real = isDemo && providers.find(({ kind, models }) => kind !== "demo" && models.length);
  return real ? real.name : default_provider;
}

/**
 * Return which model can do the operation, as `{ provider, model_id }`: of the same provider, else of the default one, else of
 * any, and of the demo where nothing else can; null if none.
 */
export function ableModel(operation, provider) {
  const { providers = [], default_provider } = catalogue.value ?? {};
  const rank = ({ name, kind }) => (name === provider ? 0 : (kind === "demo" ? 3 : 1) + (name === default_provider ? 0 : 1));
  for (const one of [...providers].sort((a, b) => rank(a) - rank(b))) {
    const able = one.models.filter(({ capabilities }) => capabilities.includes(operation));
    const best = able.find((model) => model.default) ?? able.find(({ lifecycle }) => lifecycle?.status !== "retired") ?? able[0];
    if (best) return { provider: one.name, model_id: best.id };
  }
  return null;
}

/** The parameters that the operation takes, but for those of the size and those with a control of their own. */
export function parametersOf({ model, operation }) {
  const left = new Set([...OWN, ...inputNames(model)]);
  return model.parameters.filter((one) => !left.has(one.name) && belongs(one, operation));
}

/** The parameter of this name, if the operation takes it. */
export function parameter({ model, operation }, name) {
  return model.parameters.find((one) => one.name === name && belongs(one, operation)) ?? null;
}

/** Names of values that the draft has, and that this model does not know. */
export function unknownNames({ params }, choice) {
  const known = new Set([...OWN, ...inputNames(choice.model), ...choice.model.parameters.map(({ name }) => name)]);
  return Object.keys(params).filter((name) => !known.has(name));
}

/** Names of parameters that have a field in the form of a model. */
export function ownNames({ parameters, sizes }) {
  return new Set(["prompt", ...parameters.map(({ name }) => name), ...sizes.flatMap(({ params }) => Object.keys(params))]);
}

/** The inputs that the operation takes, in their order. */
export function inputsOf({ images }, { operation }) {
  if (operation === "reference") return images.filter(({ role }) => role === "reference");
  const roles = operation === "edit" ? ["image", "mask"] : ON_AN_IMAGE.includes(operation) ? ["image"] : [];
  return images.filter(({ role }) => roles.includes(role));
}

/** How many characters a text has for the service, which counts code points. */
export function characters(text) {
  let pairs = 0;
  for (let at = 0; at < text.length - 1; at += 1) if (text.codePointAt(at) > 0xffff) pairs += 1;
  return text.length - pairs;
}

/** Return what is wrong by field: `prompt`, `reference`, `image`, `mask`, or the name of a parameter. Empty if nothing is. */
export function problemsOf(draft, choice) {
  const { model, operation } = choice;
  const problems = {};
  const length = characters(draft.prompt);
  if (length > model.limits.prompt_chars) {
    problems.prompt = t("create.prompt_long", { max: model.limits.prompt_chars, over: length - model.limits.prompt_chars });
  } else if (NEEDS_PROMPT.includes(operation) && !draft.prompt.trim()) problems.prompt = t("create.prompt_missing");
  const inputs = inputsOf(draft, choice);
  const max = model.limits.max_references;
  if (operation === "reference" && !inputs.length) problems.reference = t("create.reference_missing");
  if (operation === "reference" && inputs.length > max) problems.reference = t("create.reference_many", { n: max, over: inputs.length - max });
  if (ON_AN_IMAGE.includes(operation) && !inputs.some(({ role }) => role === "image")) problems.image = t("create.image_missing");
  const [image, mask] = ["image", "mask"].map((role) => inputs.find((one) => one.role === role)?.size);
  if (image && mask && !isAsLarge(image, mask)) problems.mask = t("create.mask_size", { size: image.join(" × ") });
  for (const one of [...parametersOf(choice), ...["seed", "width", "height"].map((name) => parameter(choice, name)).filter(Boolean)]) {
    const wrong = wrongValue(one, draft.params[one.name]);
    if (wrong) problems[one.name] = wrong;
  }
  return model.accepts_extras ? { ...problems, ...extraProblems(draft.extras, ownNames(model)) } : problems;
}

/** Whether two images may be of the same size; which way up a file is shown, the service knows. */
function isAsLarge(one, other) {
  return String([...one].sort()) === String([...other].sort());
}

/** Return what is asked for, without its input images: enough to know the price. */
function paramsOf(draft, choice) {
  const params = { ...sizeParams(draft, choice) };
  for (const one of parametersOf(choice)) put(params, one.name, readValue(one, draft.params[one.name]));
  const seed = parameter(choice, "seed");
  if (seed) put(params, "seed", readSeed(draft.params.seed));
  const num = numberOf(draft, choice);
  if (num > 1) params.num = num;
  return choice.model.accepts_extras ? { ...params, ...extraParams(draft.extras) } : params;
}

/** How many images are asked for: as many as the draft says, as far as the model goes. */
export function numberOf({ num }, choice) {
  return parameter(choice, "num") ? Math.max(1, Math.min(num, choice.model.limits.max_num)) : 1;
}

/** How many images parameters ask for, by any of the names that say it. */
export function countOf({ num, n, number_of_images }) {
  return Number(num ?? n ?? number_of_images ?? 1) || 1;
}

/** Return the body of the request, with its files. Throws an ApiError where one of them is gone. */
export async function bodyOf(draft, choice) {
  const { operation, ...body } = estimateOf(draft, choice);
  for (const input of inputsOf(draft, choice)) {
    const text = input.image_id ? `image:${input.image_id}` : await encoded(input);
    if (input.role === "reference") body.reference_images = [...(body.reference_images ?? []), text];
    else body[input.role] = text;
  }
  return body;
}

/** Return the body without its files, which asks what it would cost. */
export function estimateOf(draft, choice) {
  const { provider, model, operation } = choice;
  const body = { operation, provider: provider.name, model_id: model.id, fallback: draft.fallback, params: paramsOf(draft, choice) };
  if (draft.prompt.trim()) (operation === "generate" ? body.params : body).prompt = draft.prompt;
  return body;
}

function belongs({ operations }, operation) {
  return !operations || operations.includes(operation);
}

function put(params, name, value) {
  if (value !== undefined && value !== "") params[name] = value;
}

function readValue({ type }, value) {
  if (typeof value !== "string" || (type !== "integer" && type !== "number")) return value;
  return NUMBER.test(value.trim()) ? Number(value) : value.trim();
}

/** A seed beyond 2^53 goes as text, which JavaScript's numbers would round. */
function readSeed(value) {
  const text = String(value ?? "").trim();
  return INTEGER.test(text) && Number.isSafeInteger(Number(text)) ? Number(text) : text;
}

function wrongValue({ type, minimum, maximum, multiple_of }, value) {
  if (value === undefined || value === "" || typeof value === "boolean" || (type !== "integer" && type !== "number")) return "";
  const text = String(value).trim();
  if (!(type === "integer" ? INTEGER : NUMBER).test(text)) return t(type === "integer" ? "create.no_integer" : "create.no_number");
  const read = Number(text);
  if (minimum !== undefined && read < minimum) return t("create.too_small", { min: minimum });
  if (maximum !== undefined && read > maximum) return t("create.too_large", { max: maximum });
  return multiple_of > 1 && read % multiple_of ? t("create.no_multiple", { n: multiple_of }) : "";
}

async function encoded(input) {
  const { blob, dataUrl } = await import("./blobs.js");
  const file = input.url ? await fetched(input.url) : await blob(input.blob);
  if (!file) throw new ApiError(t("problem.input_gone", { name: input.name ?? t(`roles.${input.role}`) }), { status: 400 });
  return dataUrl(file);
}

async function fetched(url) {
  const answer = await fetch(url, { credentials: "same-origin" }).catch(() => null);
  if (!answer) throw new ApiError(t("problem.unreachable"));
  return answer.ok ? answer.blob() : null;
}
