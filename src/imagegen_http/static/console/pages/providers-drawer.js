// One provider: its key, its address, its models, and whether it can be reached.

import { configOf, documentOf, fieldOf, ownPrice, valuesOf, withOwnPrice } from "./providers-form.js";
import { Lifecycle, Price, Switch, testProvider, TestResult } from "./providers-parts.js";
import { dropUnsaved, keepUnsaved, unsavedOf } from "./providers-unsaved.js";
import { get, post, remove } from "../lib/api.js";
import { CURRENCIES } from "../lib/format.js";
import { language, t } from "../lib/i18n.js";
import { go } from "../lib/router.js";
import { Field, Lazy, Problem, toast } from "../parts/basics.js";
import { confirm, Dialog } from "../parts/dialog.js";
import { html, useEffect, useState } from "../vendor/index.js";

const loadEditor = () => import("./providers-document.js").then(({ DocumentEditor }) => DocumentEditor);
let testNext = ""; // a provider that was named just now, whose drawer has yet to open

export function ProviderDrawer({ name, configs, presets, changed, closed }) {
  const config = configs.find(({ provider_name }) => provider_name === name) ?? null;
  const preset = presets.find((one) => one.name === name) ?? null;
  const original = valuesOf(name, config, preset);
  const [values, setValues] = useState(() => ({ ...original, ...unsavedOf(name) }));
  const [errors, setErrors] = useState({});
  const [busy, setBusy] = useState(false);
  const [result, setResult] = useState(null);
  useEffect(() => {
    if (testNext === name) void testProvider(name, setResult);
    testNext = "";
  }, []);
  if (!config && !preset && name !== "+") {
    return html`<${Dialog} kind="drawer" title=${name} onClose=${closed}><${Problem} error=${{ message: t("providers.no_such", { name }) }} /><//>`;
  }

  const isOwn = name === "+" || config?.extra_config.spec !== undefined;
  const isChanged = JSON.stringify({ ...values, base: "" }) !== JSON.stringify({ ...original, base: "" });
  const set = (field) => (value) => {
    const next = { ...values, [field]: value };
    setValues(next);
    keepUnsaved(name, next);
    setErrors(({ [field]: _, ...others }) => others);
  };
  const discard = () => {
    dropUnsaved(name);
    setValues(original);
    setErrors({});
  };
  const close = () => {
    closed();
    if (isChanged) toast(t("providers.unsaved"), { act: { name: t("act.edit"), run: () => go(`/providers/${name}`) } });
    else dropUnsaved(name);
  };
  /** Return whether the document is still the one that was changed here, or may be replaced. */
  const isOurs = async () => {
    const { extra_config } = await get(`/api/v1/providers/config/${encodeURIComponent(name)}`);
    if ([values.base, values.document].includes(documentOf(extra_config.spec))) return true;
    return confirm({ title: t("providers.doc_other"), text: t("providers.doc_other_why"), act: t("providers.doc_other_act"), danger: true });
  };
  /** Save; return whether it is saved and can be used. */
  const save = async () => {
    if (busy) return false;
    setBusy(true);
    setErrors({});
    try {
      const body = configOf(values, config, preset);
      if (config && values.document !== values.base && !(await isOurs())) return false;
      await post("/api/v1/providers/config", body);
      dropUnsaved(name);
      if (body.provider_name !== name && unsavedOf(`${name} trial`)) keepUnsaved(`${body.provider_name} trial`, unsavedOf(`${name} trial`));
      const saved = (await changed())?.find(({ provider_name }) => provider_name === body.provider_name);
      setValues(saved ? valuesOf(saved.provider_name, saved, preset) : { ...values, api_key: "" });
      if (body.provider_name !== name) go(`/providers/${body.provider_name}`, { replace: true });
      if (saved?.models.length === 0) setErrors({ models: t("providers.no_models") });
      return saved?.models.length !== 0;
    } catch (error) {
      setErrors(sorted(error));
      return false;
    } finally {
      setBusy(false);
    }
  };
  const submit = async (event) => {
    event.preventDefault();
    if (await save()) toast(t("providers.saved"));
  };
  const test = async () => {
    if (result === "waiting") return;
    const named = values.provider_name;
    const saved = (config && !isChanged) || (await save());
    if (saved && named !== name) testNext = named;
    else if (saved) await testProvider(named, setResult);
  };
  const forget = async () => {
    const text = t("providers.remove_why");
    if (!(await confirm({ title: t("providers.remove_sure", { name: config.display_name }), text, act: t("act.delete"), danger: true }))) return;
    try {
      await remove(`/api/v1/providers/config/${encodeURIComponent(name)}`);
      dropUnsaved(name);
      await changed();
      closed();
    } catch (error) {
      setErrors(sorted(error));
    }
  };

  const foot = html`
    ${config?.source === "database" && html`<button type="button" class="bare remove" onClick=${forget}>${t("act.delete")}</button><${Switch} config=${config} changed=${changed} />`}
    <button type="button" aria-disabled=${busy || result === "waiting"} onClick=${test}>${t(config && !isChanged ? "providers.test" : "providers.save_and_test")}</button>
    <button type="submit" form="provider" class="main" aria-disabled=${busy}>${t("act.save")}</button>`;
  const title = config?.display_name ?? preset?.display_name ?? t("providers.own");
  return html`<${Dialog} kind=${isOwn ? "drawer wide" : "drawer"} title=${title} onClose=${close} foot=${foot} next=${`.provider a[href="/providers/${CSS.escape(name)}"]`}>
    <form id="provider" class="provider-form" onSubmit=${submit} novalidate>
      ${isChanged && config && html`<p class="muted unsaved">${t("providers.unsaved")} <button type="button" class="bare" onClick=${discard}>${t("providers.discard")}</button></p>`}
      ${errors.form && html`<${Problem} error=${{ message: errors.form }} />`}
      <${TestResult} result=${result} name=${name} changed=${changed} />
      ${!config && html`<${Text} name="provider_name" label=${t("providers.name")} hint=${t("providers.name_hint")} values=${values} errors=${errors} set=${set} />`}
      <${Text} name="display_name" label=${t("providers.display_name")} values=${values} errors=${errors} set=${set} placeholder=${title} />
      ${isOwn && html`<${Lazy} load=${loadEditor} name=${name} values=${values} set=${set("document")} presets=${presets} error=${errors.document && t("providers.doc_wrong")} />`}
      ${config?.kind !== "demo" && html`<${Connection} config=${config} preset=${preset} values=${values} errors=${errors} set=${set} />`}
      <${Models} config=${config} preset=${preset} values=${values} error=${errors.models} set=${set} />
      <details open=${Boolean(errors.extra_config ?? errors.timeout_seconds ?? errors.max_retries)}>
        <summary>${t("providers.advanced")}</summary>
        <div class="pair">
          <${Text} name="timeout_seconds" type="number" label=${t("providers.timeout")} unit=${t("providers.seconds")} values=${values} errors=${errors} set=${set} />
          <${Text} name="max_retries" type="number" label=${t("providers.retries")} hint=${t("providers.retries_hint")} values=${values} errors=${errors} set=${set} />
        </div>
        <${Field} label=${t("providers.extra")} hint=${t("providers.extra_hint")} error=${errors.extra_config}>
          ${(control) => html`<textarea ...${control} rows="6" spellcheck=${false} class="code" value=${values.extra_config}
            onInput=${({ target }) => set("extra_config")(target.value)}></textarea>`}<//>
      </details>
    </form>
  <//>`;
}

function Connection({ config, preset, values, errors, set }) {
  const known = preset?.api_base ?? "";
  const isOptional = Boolean(known) || preset?.needs_api_base === false;
  return html`<${Field} label=${t("providers.key")} hint=${config?.has_api_key ? t("providers.key_kept", { key: config.api_key }) : t("providers.key_hint")} error=${errors.api_key}>
      ${(control) => html`<input ...${control} type="password" autofocus=${matchMedia("(pointer: fine)").matches} autocomplete="new-password" spellcheck=${false} value=${values.api_key}
        placeholder=${config?.api_key ?? ""} onInput=${({ target }) => set("api_key")(target.value)} />`}<//>
    <${Text} name="api_base" type="url" label=${t("providers.base")} hint=${isOptional ? t("providers.base_known") : t("providers.base_hint")}
      values=${values} errors=${errors} set=${set} placeholder=${known} />`;
}

function Text({ name, label, hint = "", unit = "", type = "text", placeholder = "", values, errors, set }) {
  return html`<${Field} label=${label} hint=${hint} unit=${unit} error=${errors[name]}>
    ${(control) => html`<input ...${control} type=${type} value=${values[name]} placeholder=${placeholder} spellcheck=${false} autocomplete="off"
      onInput=${({ target }) => set(name)(target.value)} />`}<//>`;
}

/** The models, which of them a task gets that names none, and others by their id. */
function Models({ config, preset, values, error, set }) {
  const [added, setAdded] = useState("");
  const known = new Map([...(preset?.models ?? []), ...(config?.models ?? [])].map((model) => [model.id, model]));
  const add = () => {
    const id = added.trim();
    if (id && !values.models.some((model) => model.id === id)) set("models")([...values.models, { id, used: true, default: !values.models.length }]);
    setAdded("");
  };
  const change = (id, changes) => set("models")(values.models.map((model) => (model.id === id ? { ...model, ...changes } : model)));
  const choose = (id) => set("models")(values.models.map((model) => ({ ...model, default: model.id === id, used: model.used || model.id === id })));
  return html`<fieldset class="models"><legend>${t("providers.model_list")}</legend>
    ${error && html`<p class="error" role="alert">${error}</p>`}
    ${!values.models.length && html`<p class="muted">${t("providers.own_models")}</p>`}
    <ul>${values.models.map(({ id, used, default: isDefault }) => {
      const model = known.get(id);
      return html`<li key=${id}>
        <label class="check"><input type="checkbox" checked=${used} onChange=${({ target }) => change(id, { used: target.checked })} />
          <span>${model?.name ?? id}${model && model.name !== id && html` <code class="muted">${id}</code>`}</span></label>
        <label class="check"><input type="radio" name="default" checked=${isDefault} onChange=${() => choose(id)} />${t("providers.by_default")}</label>
        <p class="facts"><${Price} price=${model?.price} /><${Lifecycle} lifecycle=${model?.lifecycle} />
          ${model?.capabilities && html`<span class="muted">${model.capabilities.map((each) => t(`operations.${each}`)).join(" · ")}</span>`}</p>
        ${used && config?.kind !== "demo" && html`<${OwnPrice} id=${id} hasPrice=${Boolean(model?.price)} extra=${values.extra_config} set=${set("extra_config")} />`}
      </li>`;
    })}</ul>
    <div class="acts add"><input type="text" value=${added} aria-label=${t("providers.add_model")} placeholder=${t("providers.add_model")} spellcheck=${false}
        onInput=${({ target }) => setAdded(target.value)} onKeyDown=${(event) => event.key === "Enter" && !event.isComposing && (event.preventDefault(), add())} />
      <button type="button" disabled=${!added.trim()} onClick=${add}>${t("providers.add_act")}</button></div>
  </fieldset>`;
}

/** What an image of a model costs, where no price list says it, or the reader's own does. */
function OwnPrice({ id, hasPrice, extra, set }) {
  const own = ownPrice(extra, id);
  const [isShown] = useState(own && (!hasPrice || own.amount !== "")); // while it is being changed, too
  if (!own || !isShown) return null;
  const { amount, currency } = { ...own, currency: own.currency || (language.value === "zh" ? "CNY" : "USD") };
  const change = (changes) => set(withOwnPrice(extra, id, { amount, currency, ...changes }));
  const known = CURRENCIES.includes(currency) ? CURRENCIES : [currency, ...CURRENCIES];
  return html`<div class="own-price"><label>${t("providers.own_price")}<span class="unseen">${id}</span>
      <input type="text" inputmode="decimal" autocomplete="off" maxlength="20" value=${amount} onInput=${({ target }) => change({ amount: target.value })} /></label>
    <select aria-label=${`${t("providers.currency")} ${id}`} value=${currency} onChange=${({ target }) => change({ currency: target.value })}>
      ${known.map((code) => html`<option key=${code}>${code}</option>`)}</select></div>`;
}

/** Put each error beside its field; what belongs to none stands above them. */
function sorted(error) {
  const byField = {};
  for (const { field, message } of error.errors ?? []) {
    const name = fieldOf(field);
    byField[name] = [byField[name], name === field || name === "form" ? message : `${field}: ${message}`].filter(Boolean).join("\n");
  }
  if (!Object.keys(byField).length || error.hint) byField.form = [error.message, error.hint].filter(Boolean).join("\n");
  return byField;
}
