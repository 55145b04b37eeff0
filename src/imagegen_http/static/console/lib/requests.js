// What a draft is as a request to a model, and what is wrong with it before it is one.

import { ApiError } from "./api.js";
import { extraParams, extraProblems } from "./extras.js";
import { t } from "./i18n.js";
import { inputNames, sizeParams } from "./sizes.js";
import { catalogue, modelOf } from "./store.js";

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
  const { providers = [], default_provider: first } = catalogue.value ?? {};
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
