// What was paid, by day and month, by provider and model. Currencies are never added to each other.

import { get, isAbort, providerName, serviceTime } from "../lib/api.js";
import { day, dayOf, exactMoney, money, month, number } from "../lib/format.js";
import { t } from "../lib/i18n.js";
import { go, place } from "../lib/router.js";
import { Empty, Icon, Problem } from "../parts/basics.js";
import { html, useEffect, useState } from "../vendor/index.js";

const GROUPS = ["day", "month", "provider", "model"];
const RANGES = [7, 30, 90, 365]; // days, today among them
const SUMS = ["known", "estimated", "possible"];
const COUNTS = ["tasks", "images", "failed", "unknown_attempts"];
const MAX_BARS = 92; // of a chart, the latest ones
const MAX_GAP = 31; // days or months with nothing that a chart shows one by one; a wrong clock may have left a longer gap

export default function Page() {
  const asked = read(place.value.query);
  const [told, setTold] = useState({ groups: null, error: null });
  const { from, to, by } = asked;

  const look = async (signal) => {
    try {
      const tz = Intl.DateTimeFormat().resolvedOptions().timeZone;
      const { groups } = await get("/api/v1/usage", { from, to, group_by: by === "month" ? "day" : by, tz }, { signal });
      setTold({ groups: by === "month" ? months(groups) : groups, by, error: null });
    } catch (error) {
      if (!isAbort(error)) setTold({ groups: null, error });
    }
  };
  useEffect(() => {
    const leaving = new AbortController();
    look(leaving.signal);
    return () => leaving.abort();
  }, [from, to, by]);

  const { groups } = told;
  return html`<div class="page">
    <header class="acts"><h1>${t("pages.usage")}</h1>
      ${groups?.length > 0 && html`<button type="button" onClick=${() => download(groups, told.by, asked)}><${Icon} name="download" />${t("usage.csv")}</button>`}</header>
    <div class="usage-choices">
      <nav class="chips" aria-label=${t("usage.by")}>
        ${GROUPS.map((each) => html`<a key=${each} class="button chip" aria-current=${by === each ? "true" : undefined}
          href=${way({ ...asked, by: each, range: asked.range === usualRange(by) ? usualRange(each) : asked.range })}>${t(`usage.by_${each}`)}</a>`)}
      </nav>
      <nav class="chips" aria-label=${t("usage.range")}>
        ${RANGES.map((days) => html`<a key=${days} class="button chip" aria-current=${asked.range === days ? "true" : undefined}
          href=${way({ ...asked, range: days })}>${t("usage.days", { n: days })}</a>`)}
        <a class="button chip" aria-current=${asked.range === 0 ? "true" : undefined} href=${way({ ...asked, range: 0 })}>${t("usage.all")}</a>
      </nav>
      <${Dates} asked=${asked} />
    </div>
    ${told.error && html`<${Problem} error=${told.error} again=${() => look()} />`}
    ${groups && (groups.length ? html`<${Report} groups=${groups} by=${told.by} />` : html`<${Nothing} />`)}
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
    <label>${t("usage.from")} <input type="date" value=${asked.from ?? ""} max=${asked.to || dayOf(serviceTime())} onChange=${change("from")} /></label>
    <label>${t("usage.to")} <input type="date" value=${asked.to ?? ""} min=${asked.from ?? ""} onChange=${change("to")} /></label>
  </fieldset>`;
}

/** The money, how it came about, and below it what came to nothing. */
function Report({ groups, by }) {
  const all = addUp(groups);
  const currencies = currenciesOf(all);
  const isTime = by === "day" || by === "month";
  return html`<dl class="totals">
      ${currencies.map((currency) => html`<div class="panel" key=${currency}><dt>${t("usage.spent", { currency })}</dt>
        <dd><${Amounts} amounts=${{ [currency]: paid(all)[currency] }} /></dd>
        <dd class="hint">${["known", "estimated"].filter((name) => all[name][currency]).map((name) => `${t(`usage.${name}`)} ${money(all[name][currency], currency)}`).join(" · ")}</dd></div>`)}
      ${!currencies.length && html`<div class="panel"><dt>${t("usage.total")}</dt><dd>–</dd></div>`}
      ${["tasks", "images"].map((name) => html`<div class="panel" key=${name}><dt>${t(`usage.${name}`)}</dt><dd>${number(all[name])}</dd></div>`)}
    </dl>
    ${isTime && currencies.map((currency) => html`<${Chart} key=${currency} groups=${groups} by=${by} currency=${currency} />`)}
    <${Table} groups=${groups} by=${by} isTime=${isTime} />
    <${Failures} all=${all} />`;
}

/** What each day or month cost in one currency; the table below says the same in numbers. */
function Chart({ groups, by, currency }) {
  const bars = spread(groups, by).slice(-MAX_BARS);
  const of = (group, name) => Number(group?.[name][currency] ?? 0);
  const sums = bars.map((group) => of(group, "known") + of(group, "estimated"));
  const most = sums.indexOf(Math.max(...sums));
  const shown = bars.filter(Boolean);
  if (!(sums[most] > 0) || shown.length < 2) return null;
  const height = (amount) => (100 * amount) / sums[most];
  const amount = (group) => money(paid(group)[currency] ?? "0", currency);
  const words = t("usage.chart", { by: t(`usage.by_${by}`), currency, amount: amount(bars[most]), at: named(bars[most].key, by), from: named(shown[0].key, by), to: named(shown.at(-1).key, by) });
  return html`<figure class="panel chart" style=${{ "--bars": bars.length }}>
    <figcaption>${words}</figcaption>
    <svg role="img" aria-label=${words} viewBox=${`0 0 ${bars.length * 10} 100`} preserveAspectRatio="none">
      ${bars.map((group, at) => {
        if (!group) return html`<line key=${at} class="break" x1=${at * 10 + 5} x2=${at * 10 + 5} y1="0" y2="100" />`;
        const [known, whole] = [height(of(group, "known")), height(sums[at])];
        return html`<g key=${at}><title>${`${named(group.key, by)} ${amount(group)}`}</title>
          <rect class="room" x=${at * 10} y="0" width="10" height="100" />
          <rect class="known" x=${at * 10 + 1} y=${100 - known} width="8" height=${known} />
          <rect class="estimated" x=${at * 10 + 1} y=${100 - whole} width="8" height=${whole - known} /></g>`;
      })}
    </svg>
    <p class="hint ends" aria-hidden="true"><span>${named(shown[0].key, by)}</span><span>${named(shown.at(-1).key, by)}</span></p>
    <p class="hint legend"><i class="known"></i>${t("usage.known")} <i class="estimated"></i>${t("usage.estimated")}</p>
  </figure>`;
}

/** The latest first; among the days, a line for each month. */
function Table({ groups, by, isTime }) {
  const rows = isTime ? groups.toReversed() : groups;
  const most = {};
  for (const group of groups) for (const [currency, amount] of Object.entries(paid(group))) most[currency] = Math.max(most[currency] ?? 0, Number(amount));
  const line = (group, name, className = "") => html`<tr key=${group.key} class=${className}>
    <th scope="row">${name}</th>
    <td class="number"><${Amounts} amounts=${paid(group)} /></td>
    ${!isTime && html`<td class="bars">${Object.entries(paid(group)).sort().map(([currency, amount]) => html`<span key=${currency} style=${{ width: `${(100 * Number(amount)) / (most[currency] || 1)}%` }}></span>`)}</td>`}
    ${["known", "estimated"].map((sum) => html`<td class="number" key=${sum}><${Amounts} amounts=${group[sum]} /></td>`)}
    ${["tasks", "images", "failed"].map((count) => html`<td class="number" key=${count}>${group[count] ? number(group[count]) : "–"}</td>`)}
    <td class="number"><${Amounts} amounts=${group.possible} /></td>
    <td class="number">${group.unknown_attempts ? number(group.unknown_attempts) : "–"}</td>
  </tr>`;
  return html`<div class="panel scrolled" tabindex="0" role="region" aria-label=${t(`usage.by_${by}`)}><table class="usage">
    <thead><tr>
      <th scope="col">${t(`usage.${by}`)}</th>
      <th scope="col" class="number">${t("usage.total")}</th>
      ${!isTime && html`<th scope="col" class="bars"><span class="unseen">${t("usage.share")}</span></th>`}
      ${["known", "estimated", "tasks", "images", "failed", "possible", "unknown"].map((name) => html`<th scope="col" class="number" key=${name}>${t(`usage.${name}`)}</th>`)}
    </tr></thead>
    <tbody>${rows.map((group, at) => {
      const own = html`<time datetime=${isTime ? group.key : undefined}>${named(group.key, by)}</time>`;
      const row = line(group, isTime ? own : named(group.key, by));
      const of = group.key.slice(0, 7);
      if (by !== "day" || rows[at - 1]?.key.startsWith(of)) return row;
      const whole = months(groups.filter(({ key }) => key.startsWith(of)))[0];
      return [line(whole, t("usage.month_sum", { month: month(of) }), "month"), row];
    })}</tbody>
  </table></div>`;
}

/** What failed, and what it may have cost all the same. */
function Failures({ all }) {
  const { failed, possible, unknown_attempts: unknown } = all;
  if (!failed && !unknown && !Object.keys(possible).length) return null;
  return html`<section class="panel failures" aria-labelledby="failures"><h2 id="failures">${t("usage.failures")}</h2><dl>
    ${failed > 0 && html`<div><dt>${t("usage.failed")}</dt><dd><a href="/tasks?status=failed">${t("usage.failed_tasks", { n: failed })}</a></dd></div>`}
    ${Object.keys(possible).length > 0 && html`<div><dt>${t("usage.possible")}</dt><dd><${Amounts} amounts=${possible} /></dd><dd class="hint">${t("usage.possible_why")}</dd></div>`}
    ${unknown > 0 && html`<div><dt>${t("usage.unknown")}</dt><dd>${t("usage.calls", { n: unknown })}</dd><dd class="hint">${t("usage.unknown_why")}</dd></div>`}
  </dl></section>`;
}

function Amounts({ amounts }) {
  const all = Object.entries(amounts).sort();
  if (!all.length) return "–";
  return all.map(([currency, amount]) => html`<span class="amount" key=${currency} title=${exactMoney(amount, currency)}>${money(amount, currency)}</span>`);
}

function named(key, by) {
  if (by === "day") return day(key);
  if (by === "month") return month(key);
  return by === "provider" ? providerName(key) : key;
}

/** Return the days or months with those between them on which nothing ended; null stands for a long gap. */
function spread(groups, by) {
  const bars = [];
  for (const group of groups) {
    const between = [];
    for (let key = next(bars.at(-1)?.key ?? group.key, by); bars.length && key < group.key && between.length <= MAX_GAP; key = next(key, by)) between.push({ key, ...nothing() });
    bars.push(...(between.length > MAX_GAP ? [null] : between), group);
  }
  return bars;
}

function next(key, by) {
  const [year, at, date = 1] = key.split("-").map(Number);
  return by === "month" ? dayOf(new Date(year, at, 1)).slice(0, 7) : dayOf(new Date(year, at - 1, date + 1));
}

function months(days) {
  const keys = [...new Set(days.map(({ key }) => key.slice(0, 7)))];
  return keys.map((key) => ({ key, ...addUp(days.filter((each) => each.key.startsWith(key))) }));
}

function nothing() {
  return { ...Object.fromEntries(COUNTS.map((name) => [name, 0])), known: {}, estimated: {}, possible: {} };
}

/** Return the sums of groups: amounts of the same currency, not rounded, and numbers. */
function addUp(groups) {
  const total = nothing();
  for (const group of groups) {
    for (const name of COUNTS) total[name] += group[name];
    for (const name of SUMS) total[name] = plusAll(total[name], group[name]);
  }
  return total;
}

/** What a group cost, by currency; what it may have cost is not in it. */
function paid({ known, estimated }) {
  return plusAll(known, estimated);
}

function currenciesOf(group) {
  return Object.keys(paid(group)).sort();
}

function plusAll(one, other) {
  const total = { ...one };
  for (const [currency, amount] of Object.entries(other)) total[currency] = plus(total[currency] ?? "0", amount);
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

/** Save the rows as a table for a spreadsheet, with exact amounts; a name is never a formula there. */
function download(groups, by, { from, to }) {
  const currencies = [...new Set(groups.flatMap((group) => SUMS.flatMap((name) => Object.keys(group[name]))))].sort();
  const sums = SUMS.flatMap((name) => currencies.map((currency) => [name, currency]));
  const head = [t(`usage.${by}`), ...sums.map(([name, currency]) => `${t(`usage.${name}`)} ${currency}`), ...COUNTS.map((name) => t(`usage.${name === "unknown_attempts" ? "unknown" : name}`))];
  const rows = groups.map((group) => [
    ...[by === "provider" ? providerName(group.key) : group.key],
    ...sums.map(([name, currency]) => group[name][currency] ?? "0"),
    ...COUNTS.map((name) => group[name]),
  ]);
  const text = [head, ...rows].map((row) => row.map(cell).join(",")).join("\r\n");
  const url = URL.createObjectURL(new Blob(["\ufeff", text, "\r\n"], { type: "text/csv;charset=utf-8" }));
  const name = ["imagegen-usage", by, from ?? groups[0].key, to ?? dayOf(serviceTime())].filter(Boolean).join("-");
  const link = Object.assign(document.createElement("a"), { href: url, download: `${name.replace(/[^\w.-]/g, "_")}.csv` });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 60_000); // once the browser has it
}

function cell(value) {
  const text = String(value);
  const harmless = /^[=+\-@\uff1d\uff0b\uff0d\uff20\t\r\n]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

function usualRange(by) {
  return by === "month" ? 365 : 30;
}

function read(query) {
  const by = GROUPS.includes(query.get("by")) ? query.get("by") : "day";
  const own = query.has("from") || query.has("to");
  if (own) return { by, range: null, from: query.get("from"), to: query.get("to") };
  const range = query.has("range") ? Number(query.get("range")) || 0 : usualRange(by);
  const today = new Date(serviceTime());
  const first = new Date(today.getFullYear(), today.getMonth(), today.getDate() - range + 1);
  if (by === "month") first.setDate(1); // no month is cut short
  return { by, range, from: range ? dayOf(first) : null, to: null };
}

function way({ by, range, from, to }) {
  const query = new URLSearchParams();
  if (by !== "day") query.set("by", by);
  if (range === null) {
    if (from) query.set("from", from);
    if (to) query.set("to", to);
  } else if (range !== usualRange(by)) {
    query.set("range", range);
  }
  return query.size ? `/usage?${query}` : "/usage";
}
