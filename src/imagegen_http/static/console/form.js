// The form that asks for pictures: what can be chosen comes from the providers.

import { call } from "./api.js";
import { attempt } from "./problems.js";

const form = document.querySelector("#generate");
const button = form.querySelector("[type=submit]");
const { prompt, provider, model_id: model, num } = form.elements;
const parameters = document.querySelector("#parameters");
const OWN = "num"; // a field of the page itself
const UNSEEN = "partial_images"; // what this page does not show is not asked for: each costs

const KEPT = "prompt"; // what was typed when the login ran out

let providers = [];
let listed; // settles once they are there to choose from
let accepted = ""; // the last body that became a task
let unanswered = null; // the body and the key of a request that was not accepted, as far as we know

/** Fill the choices; `submitted` is called with what the service says of a new task, and the prompt. */
export function start(submitted) {
  button.disabled = false; // Firefox remembers it over a reload
  provider.addEventListener("change", showModels);
  model.addEventListener("change", showParameters);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit(submitted);
  });
  button.addEventListener("click", (event) => {
    if (event.detail > 1 && accepted === JSON.stringify(wish())) event.preventDefault(); // a double click is one task
  });
  prompt.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.repeat) form.requestSubmit();
  });
  prompt.value ||= sessionStorage.getItem(KEPT) ?? "";
  sessionStorage.removeItem(KEPT);
  addEventListener("login", () => sessionStorage.setItem(KEPT, prompt.value));
  form.addEventListener("invalid", ({ target }) => target.closest("details")?.setAttribute("open", ""), true);
  listed = attempt("providers", async () => {
    const told = await call("GET", "/api/v1/providers");
    providers = told.providers.filter((one) => generating(one).length);
    provider.replaceChildren(...providers.map((one) => option(one.name, one.display_name)));
    if (providers.some((one) => one.name === told.default_provider)) provider.value = told.default_provider;
    showModels();
  });
}

/** Put a prompt into the form. */
export function reuse(text) {
  prompt.value = text;
  prompt.focus();
  scrollTo({ top: 0, behavior: "smooth" });
}

async function submit(submitted) {
  if (button.disabled) return; // Ctrl+Enter does not ask the button
  button.disabled = true;
  await listed;
  const body = wish();
  await attempt("act", async () => submitted(await post(body), body.params.prompt));
  button.disabled = false;
}

/**
 * Post a task. The same body again after an answer that was lost, cut off or a proxy's is the same task and is paid
 * once; after a refusal, which stored nothing, the same key does no harm.
 */
async function post(body) {
  const text = JSON.stringify(body);
  if (unanswered?.text !== text) unanswered = { text, key: newKey() };
  const headers = { "Idempotency-Key": unanswered.key };
  const task = await call("POST", "/api/v1/tasks/generate", { body, headers });
  unanswered = null;
  accepted = text;
  return task;
}

function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16)); // randomUUID needs HTTPS beyond loopback
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function wish() {
  return { provider: provider.value, model_id: model.value, params: params() };
}

function params() {
  const given = { prompt: prompt.value };
  if (num.valueAsNumber > 1) given.num = num.valueAsNumber;
  for (const input of parameters.querySelectorAll("[name]")) {
    if (input.value === "") continue;
    given[input.name] = valueOf(input);
  }
  return given;
}

function valueOf({ value, dataset }) {
  if (dataset.type === "number") return Number(value); // "007" and ".5" are no JSON
  return dataset.type === "json" ? JSON.parse(value) : value;
}

function generating(one) {
  return one.models.filter((each) => each.capabilities.includes("generate"));
}

function chosen() {
  return generating(providers.find((one) => one.name === provider.value) ?? { models: [] });
}

function showModels() {
  const models = chosen();
  model.replaceChildren(...models.map((one) => option(one.id, one.name)));
  model.value = (models.find((one) => one.default) ?? models[0])?.id ?? "";
  showParameters();
}

function showParameters() {
  const one = chosen().find((each) => each.id === model.value);
  num.max = one?.limits.max_num ?? 10;
  num.value = Math.min(num.valueAsNumber || 1, num.max);
  const told = (one?.parameters ?? []).filter((each) => ![OWN, UNSEEN].includes(each.name) && generates(each));
  parameters.replaceChildren(...told.map(field));
  parameters.closest("details").hidden = !told.length;
}

/** Whether it is no parameter of other operations alone. */
function generates({ operations }) {
  return !operations || operations.includes("generate");
}

function field(told) {
  const label = document.createElement("label");
  const input = told.enum || told.type === "boolean" ? selection(told) : typed(told);
  input.name = told.name;
  label.title = [told.description?.zh, told.name].filter(Boolean).join("\n");
  label.append(`${told.label.zh} `, input);
  return label;
}

function selection(told) {
  const select = document.createElement("select");
  const values = told.enum ?? [true, false];
  select.dataset.type = values.some((value) => typeof value !== "string") ? "json" : "text";
  select.append(option("", "默认"), ...values.map((value) => option(String(value), named(told, value))));
  return select;
}

function named(told, value) {
  return told.value_labels?.[value]?.zh ?? String(value);
}

function typed(told) {
  const input = document.createElement("input");
  const numeric = told.type === "integer" || told.type === "number";
  input.dataset.type = numeric ? "number" : "text";
  input.type = numeric ? "number" : "text";
  input.placeholder = told.default ?? "默认";
  if (numeric) {
    input.min = told.minimum ?? "";
    input.max = told.maximum ?? "";
    input.step = told.multiple_of ?? (told.type === "integer" ? 1 : "any");
  }
  return input;
}

function option(value, text) {
  return new Option(text, value);
}
