// Batches: many images of one request. Begin one, see how far each is, stop it, and look through what it has made.

import { NewBatch } from "./batches-new.js";
import { get, inLanguage, isAbort, post } from "../lib/api.js";
import { byCurrency, cost, exactMoment, exactMoney, moment, number, shortQuote } from "../lib/format.js";
import { t } from "../lib/i18n.js";
import { onResume, onTask, reading } from "../lib/live.js";
import { place } from "../lib/router.js";
import { Empty, Icon, Problem, toast } from "../parts/basics.js";
import { Card } from "../parts/card.js";
import { confirm } from "../parts/dialog.js";
import { html, useEffect, useMemo, useRef, useState } from "../vendor/index.js";

const PATH = "/api/v1/batches";
const PAUSE = 2000; // milliseconds between reads
const UNTOLD = 10_000; // milliseconds after which is seen what changes no task: a pause in another window
const MARKS = { running: "", paused: "warn", completed: "ok", cancelled: "" };
const SHEET = 60; // images of a page of the contact sheet

export default function Page({ id }) {
  return id ? html`<${OneBatch} key=${id} id=${id} />` : html`<${AllBatches} />`;
}

/** Return what `read` gives, read again as tasks change, and each `pause` milliseconds where there is one; `{ value, error, again }`. */
function useReading(read, inputs, pause = 0) {
  const [value, setValue] = useState(null);
  const source = useMemo(() => reading(PAUSE, async () => setValue(await read())), inputs);
  useEffect(() => {
    setValue(null);
    source.again();
    const timer = pause && setInterval(() => document.hidden || source.look(), pause);
    const stops = [onTask(source.look), onResume(source.look), () => clearInterval(timer)];
    return () => stops.forEach((stop) => stop());
  }, [source]);
  return { value, error: source.error.value, again: source.again };
}

function AllBatches() {
  const cursor = place.value.query.get("cursor") ?? "";
  const { value, error, again } = useReading(() => get(PATH, { cursor }), [cursor], UNTOLD);
  return html`<div class="page">
    <header><h1 tabindex="-1">${t("pages.batches")}</h1></header>
    <${NewBatch} onCreated=${again} />
    ${error && html`<${Problem} error=${error} again=${again} />`}
    ${value && !value.items.length && html`<${Empty} icon="tasks" title=${t("batches.none")} why=${t("batches.none_why")} />`}
    ${value && html`<ol class="batches">${value.items.map((batch) => html`<li key=${batch.batch_id}><${Batch} batch=${batch} again=${again} /></li>`)}</ol>`}
    <nav class="acts" aria-label=${t("batches.more")}>
      ${cursor && html`<a class="button" href="/batches">${t("batches.newest")}</a>`}
      ${value?.next_cursor && html`<a class="button" href=${`/batches?${new URLSearchParams({ cursor: value.next_cursor })}`}>${t("batches.older")}</a>`}
    </nav>
  </div>`;
}

function OneBatch({ id }) {
  const path = `${PATH}/${encodeURIComponent(id)}`;
  const { value, error, again } = useReading(() => get(path), [id], UNTOLD);
  if (error?.status === 404) return html`<${Empty} icon="tasks" title=${t("batches.gone")} why=${t("batches.gone_why")}><a class="button main" href="/batches">${t("batches.show_all")}</a><//>`;
  return html`<div class="page">
    <header><h1 tabindex="-1">${t("batches.one")}</h1><a href="/batches">${t("batches.show_all")}</a></header>
    ${error && html`<${Problem} error=${error} again=${again} />`}
    ${value && html`<${Batch} batch=${value} again=${again} /><${Sheet} id=${id} done=${value.counts.completed} path=${path} />`}
  </div>`;
}

function Batch({ batch, again }) {
  const { batch_id: id, counts, tasks, status, reason, detail, max_cost: ceiling, costs, estimates, completed_at: ended } = batch;
  const done = counts.completed + counts.failed + counts.cancelled;
  const name = batch.name || t("batches.unnamed", { at: moment(batch.created_at) });
  const estimate = ended === null && shortQuote({ costs: estimates }, " + "); // until it is known what it has cost
  return html`<section class="panel batch" aria-label=${name}>
    <h2><a href=${`/batches/${id}`}>${name}</a> <span class="mark ${MARKS[status]}">${t(`batches.${status}`)}</span></h2>
    <progress max=${tasks} value=${done} aria-label=${t("batches.progress")}></progress>
    <p class="muted facts">
      <span>${t("batches.done", { done, n: tasks })}</span>
      ${counts.failed > 0 && html`<span class="mark wrong">${t("batches.failed", { n: counts.failed })}</span>`}
      ${counts.processing > 0 && html`<span>${t("batches.processing", { n: counts.processing })}</span>`}
      ${costs.length > 0 && html`<span>${byCurrency(costs).map(cost).join(" + ")}</span>`}
      ${estimate && html`<span>${t("batches.estimate", { cost: estimate })}</span>`}
      ${ceiling && html`<span>${t("batches.ceiling", { amount: exactMoney(ceiling.amount, ceiling.currency) })}</span>`}
      <time datetime=${batch.created_at} title=${exactMoment(batch.created_at)}>${moment(batch.created_at)}</time>
    </p>
    ${reason && html`<p class="warning">${t(`batches.why_${reason}`)}${detail && ` ${detail}`}</p>`}
    <${Acts} id=${id} name=${name} status=${status} failed=${counts.failed} ended=${ended !== null} again=${again} />
  </section>`;
}

function Acts({ id, name, status, failed, ended, again }) {
  const [busy, setBusy] = useState(false);
  const hasActed = useRef(false);
  const room = useRef(null);
  const stop = status === "paused" ? "resume" : "pause"; // one button, which keeps the focus
  useEffect(() => {
    if (hasActed.current && document.activeElement === document.body) room.current.closest(".batch").querySelector("a").focus({ preventScroll: true });
    hasActed.current = false;
  }, [status, failed]);
  const act = async (verb, words = null) => {
    if (busy || (words && !(await confirm(words)))) return;
    hasActed.current = true;
    setBusy(true);
    try {
      await post(`${PATH}/${id}/${verb}`);
    } catch (error) {
      hasActed.current = false;
      if (!isAbort(error)) toast(error.text, { kind: "wrong" });
    }
    setBusy(false);
    again();
  };
  const sure = (verb, danger) => ({ title: t(`batches.${verb}_sure`), text: t(`batches.${verb}_why`, { n: failed }), act: t(`batches.${verb}_act`), back: t("batches.back"), danger });
  const button = (verb, onClick) => html`<button type="button" aria-disabled=${busy} aria-label=${`${t(`batches.${verb}`)}: ${name}`} onClick=${onClick}>${t(`batches.${verb}`)}</button>`;
  return html`<div class="acts" ref=${room}>
    ${["running", "paused"].includes(status) && button(stop, () => act(stop))}
    ${!ended && status !== "cancelled" && button("cancel", () => act("cancel", sure("cancel", true)))}
    ${failed > 0 && status !== "cancelled" && button("retry", () => act("retry-failed", sure("retry", false)))}
  </div>`;
}

/** All that the batch has made, small, and the way to have it as one file. */
function Sheet({ id, done, path }) {
  const cursor = place.value.query.get("cursor") ?? "";
  const { value, error, again } = useReading(() => get("/api/v1/images", { batch_id: id, page_size: SHEET, cursor }), [id, cursor]);
  useEffect(() => void (done && again()), [done]);
  if (error) return html`<${Problem} error=${error} again=${again} />`;
  if (!value?.items.length) return null;
  const older = value.next_cursor && `/batches/${id}?${new URLSearchParams({ cursor: value.next_cursor })}`;
  return html`<section aria-labelledby="sheet">
    <header class="sheet"><h2 id="sheet">${t("batches.images", { n: value.total })}</h2>
      <a class="button" href=${inLanguage(`${path}/zip`)} download><${Icon} name="download" /> ${t("batches.zip")}</a></header>
    <div class="contact">${value.items.map((image) => html`<${Card} key=${image.id} image=${image} />`)}</div>
    <nav class="acts" aria-label=${t("batches.more")}>
      ${cursor && html`<a class="button" href=${`/batches/${id}`}>${t("batches.newest")}</a>`}
      ${older && html`<a class="button" href=${older}>${t("batches.older")} (${number(value.total)})</a>`}
    </nav>
  </section>`;
}
