// Who generates the images: what is configured, and what could be.

import { KEY_PAGES, Mark, providersOfKey, recommended } from "./first-visit.js";
import { ProviderDrawer } from "./providers-drawer.js";
import { leastRate, Switch, testProvider, TestResult } from "./providers-parts.js";
import { keepUnsaved } from "./providers-unsaved.js";
import { catalogue, get, isAbort } from "../lib/api.js";
import { exactMoney } from "../lib/format.js";
import { language, t } from "../lib/i18n.js";
import { close, go, isTyping } from "../lib/router.js";
import { Empty, Field, Icon, Problem } from "../parts/basics.js";
import { html, useEffect, useState } from "../vendor/index.js";

const MAX_PROVIDERS = 100;

export default function Page({ id }) {
  const [told, setTold] = useState({ configs: null, presets: null, error: null });
  const look = async () => {
    try {
      const [{ items }, usable] = await Promise.all([get("/api/v1/providers/config", { page_size: MAX_PROVIDERS }), get("/api/v1/providers")]);
      catalogue.value = usable;
      setTold({ configs: items, presets: usable.presets, error: null });
      return items;
    } catch (error) {
      if (!isAbort(error)) setTold((before) => ({ ...before, error }));
      return null;
    }
  };
  useEffect(() => void look(), [language.value]);

  const { configs, presets, error } = told;
  if (error && !configs) return html`<div class="page"><h1>${t("pages.providers")}</h1><${Problem} error=${error} again=${look} /></div>`;
  if (!configs) return html`<p class="loading" aria-busy="true"><span class="unseen">${t("state.loading")}</span></p>`;
  const { default_provider } = catalogue.value;
  return html`<div class="page">
    <header><h1>${t("pages.providers")}</h1></header>
    ${error && html`<${Problem} error=${error} again=${look} />`}
    <section aria-labelledby="configured">
      <h2 id="configured" class="unseen">${t("providers.configured")}</h2>
      <ul class="provider-list">${configs.map((config) => html`<${Configured} key=${config.provider_name} config=${config}
        isDefault=${config.provider_name === default_provider} changed=${look} />`)}</ul>
    </section>
    <${Presets} presets=${presets} configs=${configs} />
    ${id && html`<${ProviderDrawer} key=${id} name=${id} configs=${configs} presets=${presets} changed=${look} closed=${() => close("/providers")} />`}
  </div>`;
}

function Configured({ config, isDefault, changed }) {
  const [result, setResult] = useState(null);
  const name = config.provider_name;
  const retired = config.models.filter(({ lifecycle }) => lifecycle);
  return html`<li class="panel provider">
    <div class="what">
      <h3><a href=${`/providers/${name}`}>${config.display_name}</a>
        ${isDefault && html`<span class="mark ok">${t("providers.default")}</span>`}
        ${config.kind === "demo" && html`<span class="mark">${t("providers.demo")}</span>`}
        ${!config.enabled && html`<span class="mark warn">${t("providers.disabled")}</span>`}</h3>
      <p class="muted facts"><span>${name}</span><span>${t("providers.models", { n: config.models.length })}</span>
        ${config.has_api_key && html`<span><${Icon} name="key" /> ${config.api_key}</span>`}
        ${config.api_base && html`<span>${config.api_base}</span>`}</p>
      ${config.warnings.map((warning) => html`<p class="warning">${warning}</p>`)}
      ${retired.length > 0 && !config.warnings.length && html`<p class="warning">${t("providers.retiring", { n: retired.length })}</p>`}
      <${TestResult} result=${result} name=${name} changed=${changed} />
    </div>
    <div class="acts">
      <${Switch} config=${config} changed=${changed} />
      <button type="button" disabled=${!config.enabled} aria-disabled=${result === "waiting"} onClick=${() => result === "waiting" || testProvider(name, setResult)}>${t("providers.test")}</button>
      <a class="button" href=${`/providers/${name}`}>${t("act.edit")}</a>
    </div>
  </li>`;
}

/** What could be added: one tile for each provider that is known, and one for any other. */
function Presets({ presets, configs }) {
  const [words, setWords] = useState("");
  const used = new Set(configs.map(({ provider_name }) => provider_name));
  const wanted = words.trim().toLowerCase();
  const left = recommended(presets).filter(({ name, display_name }) => !used.has(name) && `${name} ${display_name}`.toLowerCase().includes(wanted));
  return html`<section aria-labelledby="presets" class="presets">
    <header class="acts"><h2 id="presets">${t("providers.add")}</h2>
      <input type="search" value=${words} aria-label=${t("providers.filter")} placeholder=${t("providers.filter")} onInput=${({ target }) => setWords(target.value)} /></header>
    <${PastedKey} presets=${presets} />
    <ul class="tiles">
      ${left.map((preset) => html`<${Tile} key=${preset.name} preset=${preset} />`)}
      <li class="panel tile"><a href="/providers/+"><strong>${t("providers.own")}</strong></a><span class="muted">${t("providers.own_why")}</span></li>
    </ul>
    ${!left.length && wanted && html`<${Empty} icon="search" title=${t("providers.none_such")}><button type="button" onClick=${() => setWords("")}>${t("act.clear")}</button><//>`}
  </section>`;
}

function Tile({ preset: { name, display_name, models } }) {
  const least = cheapest(models);
  return html`<li class="panel tile"><a href=${`/providers/${name}`}><${Mark} name=${name} text=${display_name} /><strong>${display_name}</strong></a>
    <span class="muted">${models.length ? models.slice(0, 3).map((one) => one.name).join(" · ") : t("providers.own_models")}</span>
    ${least && html`<span>${t("providers.price_from", { price: `${exactMoney(least.amount, least.currency)} / ${t("providers.per_image")}` })}</span>`}
    ${KEY_PAGES[name] && html`<a class="keys" href=${KEY_PAGES[name]} target="_blank" rel="noreferrer" aria-label=${t("providers.get_key_of", { name: display_name })}><${Icon} name="key" />${t("providers.get_key")}</a>`}</li>`;
}

/** The least that one image costs, as `{ amount, currency }`; null where no price is by the image. */
function cheapest(models) {
  const rates = models.map(({ price }) => ({ ...leastRate(price?.rates ?? []), currency: price?.currency }));
  return rates.filter(({ per, amount }) => per === "image" && Number(amount) > 0).toSorted((one, other) => one.amount - other.amount)[0] ?? null;
}

/** A key says by its beginning whose it may be; what is pasted, anywhere on the page, is kept in memory alone. */
function PastedKey({ presets }) {
  const [key, setKey] = useState("");
  const take = (text) => setKey(text.replace(/\s+/g, ""));
  useEffect(() => {
    const paste = (event) => {
      if (isTyping(event.target) || document.querySelector("dialog[open]")) return;
      take(event.clipboardData.getData("text/plain"));
    };
    document.addEventListener("paste", paste);
    return () => document.removeEventListener("paste", paste);
  }, []);
  const names = key ? providersOfKey(key) : [];
  const found = (names ?? []).map((name) => presets.find((one) => one.name === name)).filter(Boolean);
  const use = (name) => {
    keepUnsaved(name, { api_key: key });
    setKey("");
    go(`/providers/${name}`);
  };
  const told = found.length > 1 ? "providers.pasted_many" : found.length ? "providers.pasted_one" : names ? "providers.pasted_none" : "providers.pasted_unknown";
  const submit = (event) => {
    event.preventDefault();
    if (found.length === 1) use(found[0].name);
  };
  return html`<form class="pasted" onSubmit=${submit}><${Field} label=${t("providers.paste")} hint=${t("providers.paste_hint")}>
      ${(control) => html`<input ...${control} type="password" autocomplete="off" spellcheck=${false} value=${key} onInput=${({ target }) => take(target.value)} />`}<//>
    <p role="status">${key && t(told, { name: found[0]?.display_name })}</p>
    ${found.length > 0 && html`<div class="acts">${found.map(({ name, display_name }) => html`<button type="button" key=${name} class=${found.length > 1 ? "" : "main"} onClick=${() => use(name)}>
      <${Mark} name=${name} text=${display_name} />${t("providers.pasted_use", { name: display_name })}</button>`)}</div>`}
  </form>`;
}
