// How the service is: its health, its stores and its search index, and the settings that hold now.

import { Agents, copy } from "./settings-agents.js";
import { Passes } from "./settings-passes.js";
import { Webhooks } from "./settings-webhooks.js";
import { get, isAbort } from "../lib/api.js";
import { bytes, CURRENCIES, duration, exchange, isRate, number, setExchange } from "../lib/format.js";
import { t } from "../lib/i18n.js";
import { onResume } from "../lib/live.js";
import { Field, Icon, Problem } from "../parts/basics.js";
import { html, useEffect, useState } from "../vendor/index.js";

const CLIENT_PATHS = { base_url: "/v1", async_url: "/v1/images/generations/async" };
const BILLED = ["USD", "CNY"]; // in which providers of the presets bill
const PAUSE = 10_000; // milliseconds between two looks at the service's health

export default function Page() {
  return html`<div class="page">
    <header><h1>${t("pages.settings")}</h1></header>
    <${Health} />
    <${Passes} />
    <${Webhooks} />
    <${Exchange} />
    <${Configuration} />
    <${Clients} />
    <section class="panel about">
      <h2>${t("settings.more")}</h2>
      <p class="muted">${t("settings.doctor")} <code>imagegen doctor</code></p>
      <p><a href="/docs">${t("settings.docs")}</a> · <a href="/openapi.json">openapi.json</a></p>
    </section>
  </div>`;
}

/** The reader's own currency, in which amounts stand beside what is billed, at rates of their own. */
function Exchange() {
  const { to, rates } = exchange.value ?? { to: "", rates: {} };
  const [wrong, setWrong] = useState({}); // what was typed and is no rate, by currency
  const choose = ({ target }) => {
    setWrong({});
    setExchange({ to: target.value, rates: {} }); // a rate to another currency is none to this one
  };
  const rate = (from) => ({ target }) => {
    const isWrong = target.value.trim() !== "" && !isRate(Number(target.value));
    setWrong({ ...wrong, [from]: isWrong });
    setExchange({ to, rates: { ...rates, [from]: isWrong ? null : Number(target.value) } });
  };
  return html`<section class="panel exchange" aria-labelledby="exchange">
    <header class="acts"><h2 id="exchange">${t("settings.exchange")}</h2></header>
    <p class="muted">${t("settings.exchange_why")}</p>
    <div class="pair">
      <${Field} label=${t("settings.exchange_to")}>${(control) => html`<select ...${control} value=${to} onChange=${choose}>
        <option value="">${t("settings.exchange_none")}</option>
        ${CURRENCIES.map((code) => html`<option key=${code} value=${code}>${code}</option>`)}</select>`}<//>
      ${to && BILLED.filter((from) => from !== to).map((from) => html`<${Field} key=${to + from} label=${t("settings.exchange_rate", { from })} unit=${to} error=${wrong[from] ? t("settings.no_rate") : ""}>
        ${(control) => html`<input ...${control} inputmode="decimal" autocomplete="off" maxlength="12" value=${rates[from] ?? ""} onChange=${rate(from)} />`}<//>`)}
    </div>
  </section>`;
}

/** Where programs that speak OpenAI's API find us, as this browser does. */
function Clients() {
  return html`<section class="panel passes" aria-labelledby="clients">
    <header class="acts"><h2 id="clients">${t("settings.clients")}</h2></header>
    <ul>${Object.entries(CLIENT_PATHS).map(([name, path]) => {
      const [words, url] = [t(`settings.${name}`), location.origin + path];
      const act = t("picture.copy_of", { name: words });
      return html`<li key=${name}>
        <div><h3>${words}</h3><code>${url}</code><p class="muted">${t(`settings.${name}_why`)}</p></div>
        <button type="button" class="bare" aria-label=${act} title=${act} onClick=${() => copy(url)}><${Icon} name="copy" /></button>
      </li>`;
    })}</ul>
  </section>`;
}

function Health() {
  const [told, setTold] = useState({ health: null, error: null });
  useEffect(() => {
    let left = false;
    const look = async () => {
      if (document.hidden) return;
      const next = await health().then((value) => ({ health: value, error: null }), (error) => ({ health: null, error }));
      if (!left) setTold(next);
    };
    look();
    const timer = setInterval(look, PAUSE);
    const forget = onResume(look);
    return () => {
      left = true;
      clearInterval(timer);
      forget();
    };
  }, []);
  if (told.error) return html`<${Problem} error=${{ message: t("problem.unreachable") }} />`;
  if (!told.health) return html`<section class="panel" aria-busy="true"><p class="muted">${t("state.loading")}</p></section>`;
  const { status, version, uptime_seconds, checks = {} } = told.health;
  const { queue, cluster } = checks;
  const facts = [
    ["version", version],
    ["uptime", duration(uptime_seconds ?? 0)],
    ["database", state(checks.database)],
    ["storage", state(checks.storage)],
    ["disk", checks.disk_free_bytes === undefined ? null : bytes(checks.disk_free_bytes)],
    ["oss", checks.oss && state(checks.oss)],
    ["s3", checks.s3 && state(checks.s3)],
    ["keys", state(checks.keys)],
    ["queue", queue && t("settings.queue_told", { n: queue.pending + queue.processing, size: queue.size })],
    ["workers", queue && number(queue.workers)],
    ["waiting", cluster?.oldest_pending_seconds ? duration(cluster.oldest_pending_seconds) : null],
  ].filter(([, value]) => value !== null && value !== undefined);
  return html`<section class="panel" aria-labelledby="health">
    <header class="acts"><h2 id="health">${t("settings.health")}</h2>
      <span class="mark ${status === "ok" ? "ok" : "wrong"}">${t(`settings.status_${status}`)}</span></header>
    <dl class="facts">${facts.map(([name, value]) => html`<div key=${name}><dt>${t(`settings.${name}`)}</dt><dd>${value}</dd></div>`)}</dl>
    ${cluster && html`<${Nodes} nodes=${cluster.nodes} own=${cluster.node} />`}
  </section>`;
}

function Nodes({ nodes, own }) {
  return html`<table><caption class="unseen">${t("settings.nodes")}</caption>
    <thead><tr>${["node", "roles", "version", "silent"].map((name) => html`<th scope="col" key=${name}>${t(`settings.${name}`)}</th>`)}</tr></thead>
    <tbody>${nodes.map((node) => html`<tr key=${node.name}>
      <th scope="row">${node.name}${node.name === own && ` (${t("settings.own")})`}
        <span class="mark ${node.alive ? "ok" : "wrong"}">${t(node.alive ? "settings.alive" : "settings.dead")}</span></th>
      <td>${node.roles.map((role) => t(`settings.role_${role}`)).join(", ")}</td><td>${node.version}</td><td>${duration(node.silent_seconds)}</td>
    </tr>`)}</tbody></table>`;
}

/** A degraded service answers its health with a 503, which is an answer. */
async function health() {
  const answer = await fetch("/health", { credentials: "same-origin", signal: AbortSignal.timeout(PAUSE) });
  return answer.json();
}

function state(told) {
  if (!told) return null;
  const key = `settings.state_${told}`;
  const sentence = t(key);
  return html`<span class="mark ${told === "ok" ? "ok" : "wrong"}">${sentence === key ? told : sentence}</span>`;
}

function Configuration() {
  const [told, setTold] = useState({ settings: null, error: null });
  const [words, setWords] = useState("");
  const [changed, setChanged] = useState(false);
  const look = async () => {
    try {
      setTold({ settings: await get("/api/v1/settings"), error: null });
    } catch (error) {
      if (!isAbort(error)) setTold({ settings: null, error });
    }
  };
  useEffect(() => void look(), []);
  if (told.error) return html`<${Problem} error=${told.error} again=${look} />`;
  const rows = (told.settings ?? []).filter(({ key, source }) => key.includes(words.trim().toLowerCase()) && (!changed || source !== "default"));
  return html`${told.settings && html`<${Agents} settings=${told.settings} />`}<section class="panel configuration" aria-labelledby="configuration">
    <header class="acts"><h2 id="configuration">${t("settings.configuration")}</h2></header>
    <p class="muted">${t("settings.configuration_why")}</p>
    <div class="acts">
      <input type="search" value=${words} aria-label=${t("settings.filter")} placeholder=${t("settings.filter")} onInput=${({ target }) => setWords(target.value)} />
      <label class="check"><input type="checkbox" checked=${changed} onChange=${({ target }) => setChanged(target.checked)} /> ${t("settings.changed_only")}</label>
    </div>
    <table aria-labelledby="configuration">
      <thead><tr><th scope="col">${t("settings.name")}</th><th scope="col">${t("settings.value")}</th><th scope="col">${t("settings.source")}</th></tr></thead>
      <tbody>${rows.map(({ key, value, source }) => html`<tr key=${key}>
        <th scope="row"><code>${breakable(key)}</code></th><td><code>${shown(value)}</code></td>
        <td><span class="mark ${source === "default" ? "" : "ok"}">${t(`settings.source_${source}`)}</span></td></tr>`)}</tbody>
    </table>
    ${told.settings && !rows.length && html`<p class="muted">${t("settings.none_such")}</p>`}
  </section>`;
}

/** Return the name with its dots and underscores as places where a line may end. */
function breakable(key) {
  return key.match(/[^._]*[._]?/g).map((part) => html`${part}<wbr />`);
}

function shown(value) {
  if (value === null || value === "") return "–";
  return typeof value === "string" ? value : JSON.stringify(value);
}
