// A new batch: a prompt with variables, their values a line each, who makes it, and what it may cost.

import { catalogue, post } from "../lib/api.js";
import { quoteOf } from "../lib/format.js";
import { t } from "../lib/i18n.js";
import { fingerprint, once } from "../lib/idempotency.js";
import { go } from "../lib/router.js";
import { Field, toast } from "../parts/basics.js";
import { html, useEffect, useState } from "../vendor/index.js";

const PATH = "/api/v1/batches";
const MAX_TASKS = 10_000;

/** Return the names of the variables of a template; `{{` and `}}` are braces. */
export function variablesOf(template) {
  const names = [...template.matchAll(/\{\{|\}\}|\{([^{}]+)\}/g)].map((match) => match[1]).filter(Boolean);
  return [...new Set(names)];
}

const linesOf = (text) => text.split("\n").map((line) => line.trim()).filter(Boolean);

export function NewBatch({ onCreated }) {
  const [form, setForm] = useState({ template: "", values: {}, model: "", amount: "" });
  const [told, setTold] = useState({ busy: false, error: null });
  const set = (name) => ({ target }) => setForm({ ...form, [name]: target.value });
  const models = (catalogue.value?.providers ?? []).flatMap(({ name, display_name, models }) =>
    models.filter(({ capabilities }) => capabilities.includes("generate")).map(({ id, name: label }) => ({ key: `${name}\n${id}`, label: `${display_name} · ${label}` })),
  );
  const names = variablesOf(form.template);
  const prompts = linesOf(form.template);
  const count = names.length ? names.reduce((product, name) => product * linesOf(form.values[name] ?? "").length, 1) : prompts.length;
  const [provider, model_id] = (form.model || models[0]?.key || "\n").split("\n");
  const estimate = useEstimate(provider, model_id);
  const price = estimate?.cost?.amount && estimate.cost.basis !== "unknown" ? estimate.cost : null;

  const body = {
    ...(names.length
      ? { template: form.template.trim(), variables: Object.fromEntries(names.map((name) => [name, linesOf(form.values[name] ?? "")])) }
      : { prompts }),
    name: form.template.trim().slice(0, 60).replace(/\s+/g, " "),
    targets: [{ provider, model_id }],
    max_cost: form.amount ? { amount: form.amount, currency: price?.currency ?? "CNY" } : null,
  };
  const submit = async (event) => {
    event.preventDefault();
    if (told.busy) return;
    setTold({ busy: true, error: null });
    try {
      const { batch_id } = await once(`batch ${fingerprint(JSON.stringify(body))}`, (headers) => post(PATH, body, { headers }));
      toast(t("batches.begun", { n: count }));
      setForm({ ...form, template: "", values: {}, amount: "" });
      setTold({ busy: false, error: null });
      onCreated();
      go(`/batches/${batch_id}`);
    } catch (error) {
      setTold({ busy: false, error });
    }
  };
  return html`<form class="panel new-batch" onSubmit=${submit}>
    <h2>${t("batches.new")}</h2>
    <${Field} label=${t("batches.template")} hint=${t("batches.template_hint")} error=${told.error?.text ?? ""}>${(control) =>
      html`<textarea ...${control} rows="3" required value=${form.template} onInput=${set("template")}></textarea>`}<//>
    ${names.map((name) => html`<${Field} key=${name} label=${t("batches.values", { name })} hint=${t("batches.values_hint")}>${(control) =>
      html`<textarea ...${control} rows="3" required value=${form.values[name] ?? ""}
        onInput=${({ target }) => setForm({ ...form, values: { ...form.values, [name]: target.value } })}></textarea>`}<//>`)}
    <div class="acts">
      <${Field} label=${t("batches.model")}>${(control) => html`<select ...${control} value=${form.model || models[0]?.key} onChange=${set("model")}>
        ${models.map(({ key, label }) => html`<option key=${key} value=${key}>${label}</option>`)}</select>`}<//>
      ${price && html`<${Field} label=${t("batches.max_cost")} unit=${price.currency}>${(control) =>
        html`<input ...${control} inputmode="decimal" pattern="[0-9]+(\\.[0-9]+)?" value=${form.amount} onInput=${set("amount")} />`}<//>`}
    </div>
    <p class="acts">
      <button class="main" disabled=${!count || count > MAX_TASKS} aria-disabled=${told.busy}>${t("batches.begin")}</button>
      <span role="status">${count > MAX_TASKS ? t("batches.too_many", { n: count }) : count > 0 && t("batches.count", { n: count })}
        ${estimate && count > 0 && ` · ${quoteOf(times(estimate, count))}`}</span>
    </p>
  </form>`;
}

/** Return the service's estimate of one image of a model, null until it is there. */
function useEstimate(provider, model_id) {
  const [estimate, setEstimate] = useState(null);
  useEffect(() => {
    let current = true;
    setEstimate(null);
    if (!provider) return undefined;
    post("/api/v1/tasks/estimate", { provider, model_id }).then((answer) => current && setEstimate(answer), () => null); // the batch itself says what is wrong
    return () => {
      current = false;
    };
  }, [provider, model_id]);
  return estimate;
}

function times({ cost, usual }, count) {
  const all = (one) => one && { ...one, amount: one.amount && String(Number(one.amount) * count) };
  return { cost: all(cost), usual: all(usual) };
}
