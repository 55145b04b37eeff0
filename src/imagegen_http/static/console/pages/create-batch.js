// One press that made several tasks: all their frames together, and those of each model in a column where there are several.

import { Failure, Frames, numberOf, Press, proportionOf, timeOf, Words } from "./create-group.js";
import { get, modelOf, post, providerName } from "../lib/api.js";
import { cost, duration, exactMoment, shortQuote } from "../lib/format.js";
import { fetchSentences, t } from "../lib/i18n.js";
import { ENDED } from "../lib/live.js";
import { firstOf } from "../lib/reuse.js";
import { fetchLater } from "../lib/router.js";
import { modelKey } from "../lib/usual.js";
import { Icon, toast } from "../parts/basics.js";
import { html, useEffect, useState } from "../vendor/index.js";

await Promise.all([fetchSentences("kits"), fetchLater("kits")]);

const MAX_EMPTY = 40; // frames of tasks that are still to come
const MAX_COMPARED = 4;
const MAX_REPEATED = 500; // tasks that are read again; larger batches come from files, which their senders have
const PAGE = 100;

/** `entry` is a row of `rows`, whose `cells` are there where it was asked for on this page. */
export function BatchGroup({ entry, onEdit, onRetried }) {
  const { batch_id, created_at, cells = [], tasks = [], over } = entry;
  const places = placesOf(entry);
  const byModel = new Map();
  for (const place of places) byModel.set(modelKey(place), [...(byModel.get(modelKey(place)) ?? []), place]);
  const columns = [...byModel.values()];
  const ended = tasks.filter(({ status }) => ENDED.includes(status));
  const size = Math.max(cells.length, tasks.length);
  const words = entry.prompt ?? tasks.at(-1)?.prompt ?? "";
  const since = created_at ?? tasks.at(-1)?.created_at;
  const compared = columns.map((column) => column.flatMap(({ image_ids = [] }) => image_ids)[0]).filter(Boolean).slice(0, MAX_COMPARED);
  return html`<article class="group batch-group" data-batch=${batch_id} aria-label=${t("tasks.task_of", { prompt: words })}>
    <header>
      <div><${Words} text=${words} /><p class="facts">
        ${columns.length === 1 && html`<span>${titleOf(columns[0][0])}</span>`}
        <span>${t("kits.progress", { n: tasks.filter(({ status }) => status === "completed").length, size })}</span>
        ${ended.length > 0 && html`<span>${sumOf(ended)}</span>`}
        ${since && html`<time datetime=${since} title=${exactMoment(since)}>${timeOf(since)}</time>`}
      </p></div>
      <div class="acts">
        ${columns.length > 1 && compared.length > 1 && html`<a class="button" href=${`/gallery?compare=${compared.join(",")}`}><${Icon} name="compare" />${t("kits.compare")}</a>`}
        ${batch_id && !over && ended.length < size && html`<${Press} run=${() => post(`/api/v1/batches/${batch_id}/cancel`)}>${t("act.cancel")}<//>`}
        ${batch_id && html`<${OnceMore} entry=${entry} />`}
        ${entry.wish && html`<button type="button" onClick=${() => onEdit(entry)}>${t("kits.change")}</button>`}
        ${batch_id && html`<a class="button" href=${`/batches/${batch_id}`}>${t("pages.batches")}</a>`}
      </div>
    </header>
    <div class=${columns.length > 1 ? "columns" : ""} style=${{ "--models": Math.min(4, columns.length) }}>
      ${columns.map((column) => html`<${Column} key=${modelKey(column[0])} places=${column} isNamed=${columns.length > 1} onEdit=${onEdit} onRetried=${onRetried} />`)}
    </div>
  </article>`;
}

/** The whole batch again, but for its seeds, with its price. Of one that this page did not ask for, the service knows what it was. */
function OnceMore({ entry }) {
  const { batch_id, body } = entry;
  const [batch, setBatch] = useState(null);
  useEffect(() => void (body || get(`/api/v1/batches/${batch_id}`).then(setBatch, () => null)), [batch_id]);
  if (!body && !(batch?.submitted === batch?.tasks && batch?.tasks <= MAX_REPEATED)) return null; // what is still to come is not known here
  const send = async () => {
    const [{ askForBatch }, again] = await Promise.all([import("./create-kits.js"), body ? entry : readAgain(batch)]);
    const { cells, wish, prompt = again.cells[0].prompt } = again;
    if (!(await askForBatch(unseeded(again.body), { cells, wish, prompt }))) toast(t("create.same_task"));
  };
  const amount = shortQuote({ costs: (body ? entry : batch).estimates }, " + ");
  return html`<${Press} run=${send}><${Icon} name="again" />${t("tasks.once_more")}${amount && html`<span class="price">${amount}</span>`}<//>`;
}

/** Return the body and the cells of a batch by its tasks: of those that were made again, the last, in the place of the first. */
async function readAgain({ batch_id, name, mode, concurrency, on_failure, max_cost }) {
  const all = [];
  for (let cursor; cursor !== null; ) {
    const page = await get("/api/v1/tasks", { batch_id, page_size: PAGE, cursor });
    all.push(...page.items);
    cursor = page.next_cursor;
  }
  const places = new Map(all.map((task, at) => [task.task_id, { task, at }])); // newest first
  const placeOf = ({ task_id, retry_of }) => (places.has(retry_of) ? placeOf(places.get(retry_of).task) : places.get(task_id).at);
  const repeated = new Set(all.map(({ retry_of }) => retry_of));
  const cells = all
    .filter(({ task_id }) => !repeated.has(task_id))
    .sort((a, b) => placeOf(b) - placeOf(a))
    .map((task) => {
      const { provider, model_id } = firstOf(task);
      return { prompt: task.prompt, label: task.prompt, provider, model_id, params: task.params, num: numberOf(task), shape: proportionOf(task) };
    });
  const items = cells.map(({ prompt, provider, model_id, params }) => ({ provider, model_id, params: { ...params, prompt } }));
  return { cells, body: { name, mode, concurrency, on_failure, max_cost, items, fallback: all[0].fallback } };
}

/** The same seed would make the same images. */
function unseeded({ params, items, ...body }) {
  const bare = ({ seed: _, ...others }) => others;
  return { ...body, ...(params && { params: bare(params) }), ...(items && { items: items.map((item) => ({ ...item, params: bare(item.params) })) }) };
}

/** What one model makes of it, with what that took. */
function Column({ places, isNamed, onEdit, onRetried }) {
  const ended = places.filter(({ status }) => ENDED.includes(status));
  const single = places.every(({ num = 1, image_ids = [] }) => Math.max(num, image_ids.length) <= 1);
  return html`<section class="model">
    ${isNamed && html`<h3>${titleOf(places[0])}</h3><p class="facts">${ended.length > 0 && html`<span>${sumOf(ended)}</span>${tookOf(ended) && html`<span>${tookOf(ended)}</span>`}`}</p>`}
    <div class=${single && !isNamed ? "cells single" : "cells"} style=${{ "--cells": Math.min(4, places.length) }}>
      ${places.map((place) => html`<div class="cell" key=${place.key ?? place.task_id}>
        ${place.status === "failed" ? html`<${Failure} entry=${place} onEdit=${onEdit} onRetried=${onRetried} />` : html`<${Frames} entry=${place} />`}
        ${places.length > 1 && html`<p class="hint label">${place.label ?? place.prompt}</p>`}
      </div>`)}
    </div>
  </section>`;
}

/** The tasks in the order in which they were asked for, each where its frames have been from the first moment on. */
function placesOf({ key, cells = [], tasks = [], status, over, created_at }) {
  const left = [...tasks].reverse(); // oldest first
  const places = cells.map((cell, at) => {
    const found = left.findIndex(({ prompt, provider, model_id }) => prompt === cell.prompt && provider === cell.provider && model_id === cell.model_id);
    if (found >= 0) return { ...cell, ...left.splice(found, 1)[0], key: `${key} ${at}` };
    const empty = { operation: "generate", status: status ?? "pending", own: true, image_ids: [], params: {}, created_at };
    return over || at >= MAX_EMPTY ? null : { ...empty, ...cell, key: `${key} ${at}` };
  });
  return [...places.filter(Boolean), ...left];
}

function titleOf({ provider, model_id }) {
  return `${providerName(provider)} · ${modelOf(provider, model_id)?.name || model_id}`;
}

/** What tasks cost together, by currency. */
function sumOf(tasks) {
  const sums = new Map();
  const costs = tasks.flatMap(({ costs = [] }) => costs);
  if (!costs.length) return t("cost.none");
  if (costs.some(({ amount, basis }) => !amount || basis === "unknown")) return t("cost.unknown");
  for (const { amount, currency } of costs) sums.set(currency, (sums.get(currency) ?? 0) + Number(amount));
  const { basis } = costs.find((one) => one.basis === "estimated") ?? costs[0];
  return [...sums].sort().map(([currency, amount]) => cost({ currency, basis, amount: String(Number(amount.toFixed(10))) })).join(" + ");
}

/** How long a task took in the middle. */
function tookOf(tasks) {
  const seconds = tasks.filter(({ started_at, completed_at }) => started_at && completed_at).map(({ started_at, completed_at }) => (Date.parse(completed_at) - Date.parse(started_at)) / 1000);
  const middle = seconds.sort((a, b) => a - b)[Math.floor(seconds.length / 2)];
  return middle >= 0.5 ? t("tasks.took", { time: duration(middle) }) : "";
}
