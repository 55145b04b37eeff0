// What was made and what it cost, by day, provider or model. Currencies are never added to each other.

import { get, isAbort, providerName } from "../lib/api.js";
import { day, dayOf, money, number } from "../lib/format.js";
import { t } from "../lib/i18n.js";
import { go, place } from "../lib/router.js";
import { Empty, Problem } from "../parts/basics.js";
import { html, useEffect, useState } from "../vendor/index.js";

const GROUPS = ["day", "provider", "model"];
const RANGES = [7, 30, 90];
const DEFAULT_RANGE = 30; // days, today among them
const SUMS = ["known", "estimated", "possible"];

export default function Page() {
  const asked = read(place.value.query);
  const [told, setTold] = useState({ groups: null, error: null });
  const { from, to, by } = asked;

  const look = async (signal) => {
    try {
      const tz = Intl.DateTimeFormat().resolvedOptions().timeZone;
      const { groups } = await get("/api/v1/usage", { from, to, group_by: by, tz }, { signal });
      setTold({ groups, error: null });
    } catch (error) {
      if (!isAbort(error)) setTold({ groups: null, error });
    }
  };
  useEffect(() => {
    const leaving = new AbortController();
    look(leaving.signal);
    return () => leaving.abort();
  }, [from, to, by]);

  return html`<div class="page">
    <header><h1>${t("pages.usage")}</h1></header>
    <div class="usage-choices">
      <nav class="chips" aria-label=${t("usage.range")}>
        ${RANGES.map((days) => html`<a key=${days} class="button chip" aria-current=${asked.range === days ? "true" : undefined}
          href=${way({ ...asked, range: days })}>${t("usage.days", { n: days })}</a>`)}
        <a class="button chip" aria-current=${asked.range === 0 ? "true" : undefined} href=${way({ ...asked, range: 0 })}>${t("usage.all")}</a>
      </nav>
      <${Dates} asked=${asked} />
      <nav class="chips" aria-label=${t("usage.by")}>
        ${GROUPS.map((each) => html`<a key=${each} class="button chip" aria-current=${by === each ? "true" : undefined}
          href=${way({ ...asked, by: each })}>${t(`usage.by_${each}`)}</a>`)}
      </nav>
    </div>
    ${told.error && html`<${Problem} error=${told.error} again=${() => look()} />`}
    ${told.groups && (told.groups.length ? html`<${Totals} groups=${told.groups} /><${Groups} groups=${told.groups} by=${by} />` : html`<${Nothing} />`)}
  </div>`;
}

function Nothing() {
  return html`<${Empty} icon="usage" title=${t("usage.none")} why=${t("usage.none_why")}>
    <a class="button main" href="/">${t("usage.make_one")}</a><//>`;
}

/** Dates of one's own, both of them with the days that they name. */
function Dates({ asked }) {
  const change = (name) => ({ target }) => go(way({ ...asked, range: null, [name]: target.value }));
  return html`<fieldset class="dates">
    <legend class="unseen">${t("usage.dates")}</legend>
    <label>${t("usage.from")} <input type="date" value=${asked.from ?? ""} max=${asked.to || dayOf(new Date())} onChange=${change("from")} /></label>
    <label>${t("usage.to")} <input type="date" value=${asked.to ?? ""} min=${asked.from ?? ""} onChange=${change("to")} /></label>
  </fieldset>`;
}

function Totals({ groups }) {
  const sum = (name) => groups.reduce((total, group) => total + group[name], 0);
  const currencies = (name) => addUp(groups.map((group) => group[name]));
  const unknown = sum("unknown_attempts");
  return html`<dl class="totals">
    <div class="panel"><dt>${t("usage.tasks")}</dt><dd>${number(sum("tasks"))}</dd></div>
    <div class="panel"><dt>${t("usage.images")}</dt><dd>${number(sum("images"))}</dd></div>
    ${SUMS.map((name) => html`<div class="panel ${name}" key=${name}><dt>${t(`usage.${name}`)}</dt>
      <dd><${Amounts} amounts=${currencies(name)} /></dd><dd class="hint">${t(`usage.${name}_why`)}</dd></div>`)}
    ${unknown > 0 && html`<div class="panel possible"><dt>${t("usage.unknown")}</dt><dd>${number(unknown)}</dd><dd class="hint">${t("usage.unknown_why")}</dd></div>`}
  </dl>`;
}

function Groups({ groups, by }) {
  const most = Math.max(...groups.map(({ images }) => images), 1);
  return html`<div class="panel scrolled" tabindex="0" role="region" aria-label=${t(`usage.by_${by}`)}><table class="usage">
    <thead><tr>
      <th scope="col">${t(`usage.${by}`)}</th>
      <th scope="col" class="number">${t("usage.tasks")}</th>
      <th scope="col" class="number">${t("usage.images")}</th>
      <th scope="col" class="bars"><span class="unseen">${t("usage.share")}</span></th>
      ${SUMS.map((name) => html`<th scope="col" class="number" key=${name}>${t(`usage.${name}`)}</th>`)}
      <th scope="col" class="number">${t("usage.unknown")}</th>
    </tr></thead>
    <tbody>${groups.map((group) => html`<tr key=${group.key}>
      <th scope="row">${named(group.key, by)}</th>
      <td class="number">${number(group.tasks)}</td>
      <td class="number">${number(group.images)}</td>
      <td class="bars"><span style=${{ width: `${(100 * group.images) / most}%` }}></span></td>
      ${SUMS.map((name) => html`<td class="number" key=${name}><${Amounts} amounts=${group[name]} /></td>`)}
      <td class="number">${group.unknown_attempts ? number(group.unknown_attempts) : "–"}</td>
    </tr>`)}</tbody>
  </table></div>`;
}

function Amounts({ amounts }) {
  const all = Object.entries(amounts);
  if (!all.length) return "–";
  return all.map(([currency, amount]) => html`<span class="amount" key=${currency}>${money(amount, currency)}</span>`);
}

function named(key, by) {
  if (by === "day") return html`<time datetime=${key}>${day(key)}</time>`;
  return by === "provider" ? providerName(key) : key;
}

/** Add decimal strings of the same currency without rounding them. */
function addUp(sums) {
  const total = {};
  for (const each of sums) for (const [currency, amount] of Object.entries(each)) total[currency] = plus(total[currency] ?? "0", amount);
  return total;
}

function plus(one, other) {
  const places = Math.max(...[one, other].map((text) => text.split(".")[1]?.length ?? 0));
  const whole = (text) => {
    const [before, behind = ""] = text.split(".");
    return BigInt(before + behind.padEnd(places, "0"));
  };
  const digits = String(whole(one) + whole(other)).padStart(places + 1, "0");
  return places ? `${digits.slice(0, -places)}.${digits.slice(-places)}` : digits;
}

function read(query) {
  const by = GROUPS.includes(query.get("by")) ? query.get("by") : "day";
  const own = query.has("from") || query.has("to");
  if (own) return { by, range: null, from: query.get("from"), to: query.get("to") };
  const range = query.has("range") ? Number(query.get("range")) || 0 : DEFAULT_RANGE;
  const today = new Date();
  const first = new Date(today.getFullYear(), today.getMonth(), today.getDate() - range + 1);
  return { by, range, from: range ? dayOf(first) : null, to: null };
}

function way({ by, range, from, to }) {
  const query = new URLSearchParams();
  if (by !== "day") query.set("by", by);
  if (range === null) {
    if (from) query.set("from", from);
    if (to) query.set("to", to);
  } else if (range !== DEFAULT_RANGE) {
    query.set("range", range);
  }
  return query.size ? `/usage?${query}` : "/usage";
}
