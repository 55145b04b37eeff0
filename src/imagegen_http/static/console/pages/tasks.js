// What is asked for: what waits, what runs, what ended and how. Failures stay until they are dismissed, below what has not ended.

import { TaskCard } from "./tasks-card.js";
import { usePassedFocus } from "./tasks-focus.js";
import { TaskList } from "./tasks-list.js";
import { catalogue, post, serviceTime } from "../lib/api.js";
import { dayOf, number } from "../lib/format.js";
import { language, t } from "../lib/i18n.js";
import { dismiss } from "../lib/kept.js";
import { timeZone } from "../lib/list-query.js";
import { counts, ENDED, refreshCounts } from "../lib/live.js";
import { go, place } from "../lib/router.js";
import { Empty, Icon, Problem, toast } from "../parts/basics.js";
import { confirm } from "../parts/dialog.js";
import { Finder } from "../parts/finder.js";
import { html, useEffect, useMemo, useRef, useState } from "../vendor/index.js";

const PAUSE = 250; // milliseconds after the last key of a search
const STATUSES = ["pending", "processing", "completed", "failed", "cancelled"];

export default function Page({ id }) {
  return id ? html`<${OneTask} key=${id} id=${id} />` : html`<${AllTasks} />`;
}

/** One task, with all that there is to say of it. */
function OneTask({ id }) {
  const list = useMemo(() => new TaskList({ id }), [id, language.value]);
  const root = useRef(null);
  useEffect(() => list.follow(), [list]);
  usePassedFocus(root);
  return html`<div class="page" ref=${root}>
    <header><h1 tabindex="-1">${t("tasks.one")}</h1><a href="/tasks">${t("tasks.show_all")}</a></header>
    <${Tasks} list=${list} />
  </div>`;
}

function AllTasks() {
  const { query } = place.value;
  const status = STATUSES.includes(query.get("status")) ? query.get("status") : "";
  const [provider, q, from, to, cursor] = ["provider", "q", "from", "to", "cursor"].map((name) => query.get(name) ?? "");
  const filter = { status, provider, q, from, to };
  const tz = from || to ? timeZone() : "";
  const list = useMemo(() => new TaskList({ ...filter, tz, cursor }), [...Object.values(filter), cursor, language.value]);
  const isWhole = !q && !tz; // what can be counted, and cancelled at once

  const root = useRef(null);
  useEffect(() => list.follow(), [list]);
  usePassedFocus(root);

  return html`<div class="page" ref=${root}>
    <header>
      <h1 tabindex="-1">${t("pages.tasks")}</h1>
      <div class="acts"><a class="button" href="/batches">${t("pages.batches")}</a>
        ${isWhole && (!status || status === "pending") && html`<${CancelAll} provider=${provider} />`}</div>
    </header>
    <nav class="chips" aria-label=${t("tasks.by_status")}>
      ${["", ...STATUSES].map((each) => html`<${StatusLink} key=${each} filter=${{ ...filter, status: each }} counted=${isWhole} current=${each === status} />`)}
    </nav>
    <${Filters} filter=${filter} />
    <${Tasks} list=${list} filter=${filter} cursor=${cursor} />
  </div>`;
}

/** Words of the prompt, days, and the provider: all of it in the address. */
function Filters({ filter }) {
  const [waiting, room] = [useRef(null), useRef(null)];
  useEffect(() => () => clearTimeout(waiting.current), []);
  useEffect(() => {
    const box = room.current.querySelector("input[type=search]");
    if (box !== document.activeElement) box.value = filter.q; // it was Back that changed it
  }, [filter.q]);
  const choose = (changes, replace = false) => {
    clearTimeout(waiting.current);
    const to = way({ ...filter, ...changes });
    if (to !== way(filter)) go(to, { replace });
  };
  const find = (q) => {
    clearTimeout(waiting.current);
    waiting.current = setTimeout(() => choose({ q }, filter.q !== ""), PAUSE); // one step back leaves the search
  };
  const day = (name) => {
    const typed = ({ target }) => (!target.value || target.value >= "2000") && choose({ [name]: target.value }); // a year on its way is none
    return html`<label class="choice">${t(`tasks.${name}`)}<input type="date" value=${filter[name]} max=${dayOf(serviceTime())} onChange=${typed} /></label>`;
  };
  return html`<div class="task-filters" ref=${room} role="search" aria-label=${t("tasks.find")}>
    <${Finder} key=${language.value} name=${t("tasks.find")} value=${filter.q} onFind=${find} />
    ${day("from")}${day("to")}
    <${ProviderChoice} provider=${filter.provider} choose=${choose} />
  </div>`;
}

function Tasks({ list, filter = {}, cursor }) {
  const [items, error, next] = [list.tasks.items.value, list.error.value, list.next.value];
  const failed = list.failures?.shown.value ?? [];
  const above = new Set(failed.map(({ task_id }) => task_id));
  if (error?.status === 404) return html`<${Empty} icon="tasks" title=${t("tasks.gone")} why=${t("tasks.gone_why")}><a class="button main" href="/tasks">${t("tasks.show_all")}</a><//>`;
  if (error && !items) return html`<${Problem} error=${error} again=${() => list.again()} />`;
  if (!items) return html`<p class="loading" aria-busy="true"><span class="unseen">${t("state.loading")}</span></p>`;
  const searched = filter.q && html`<p class="muted" role="status">${t("tasks.searched", { n: list.looked.value, found: items.length })}</p>`;
  const older = next && html`<a class="button" href=${way({ ...filter, cursor: next })}>${t(filter.q ? "tasks.search_older" : "tasks.older")}</a>`;
  if (!items.length && !above.size) {
    const filtered = Boolean(cursor || Object.values(filter).some(Boolean));
    return html`${searched}<${Empty} icon="tasks" title=${t(filtered ? "tasks.none_such" : "tasks.none")} why=${t(filtered ? "tasks.none_such_why" : "tasks.none_why")}>
      ${older}<a class="button main" href=${filtered ? "/tasks" : "/"}>${t(filtered ? "tasks.show_all" : "tasks.make_one")}</a><//>`;
  }
  const open = filter.status ? [] : items.filter(({ status }) => !ENDED.includes(status));
  const rest = items.filter((task) => !open.includes(task) && !above.has(task.task_id));
  const cards = (tasks) => tasks.length > 0 && html`<ol class="tasks">${tasks.map((task) => html`<${TaskCard} key=${task.task_id} task=${task} list=${list} />`)}</ol>`;
  return html`${error && html`<${Problem} error=${error} again=${() => list.again()} />`}
    ${searched}
    ${open.length > 0 && failed.length > 0 && html`<${ToFailures} total=${list.failures.total.value} />`}
    ${cards(open)}
    ${failed.length > 0 && html`<${Failures} list=${list} provider=${filter.provider} />`}
    ${cards(rest)}
    <nav class="acts pages" aria-label=${t("tasks.more")}>
      ${cursor && html`<a class="button" href=${way(filter)}>${t("tasks.newest")}</a>`}
      ${older}
    </nav>`;
}

/** Leads to the failures, which lie below what has not ended. */
function ToFailures({ total }) {
  const go = () => document.querySelector("#failures").focus();
  return html`<p><button type="button" class="bare to-failures" onClick=${go}><${Icon} name="warning" />${t("tasks.failures", { n: total })}</button></p>`;
}

/** What went wrong and was not dismissed, wherever in the list it is. */
function Failures({ list, provider }) {
  const [shown, total] = [list.failures.shown.value, list.failures.total.value];
  const more = total - shown.length;
  const name = more > 0 ? t("tasks.dismiss_these", { n: shown.length }) : t("tasks.dismiss_all");
  return html`<section class="failures" aria-labelledby="failures">
    <header>
      <h2 id="failures" tabindex="-1">${t("tasks.failures", { n: total })}</h2>
      <button type="button" onClick=${() => dismiss(shown.map(({ task_id }) => task_id))}>${name}</button>
    </header>
    <ol class="tasks">${shown.map((task) => html`<${TaskCard} key=${task.task_id} task=${task} list=${list} dismissable />`)}</ol>
    ${more > 0 && html`<p><a href=${way({ status: "failed", provider })}>${t("tasks.more_failures", { n: more })}</a></p>`}
  </section>`;
}

function StatusLink({ filter, counted, current }) {
  const told = counted && counts.value;
  const { status } = filter;
  const total = told && (status ? told[status] : STATUSES.reduce((sum, each) => sum + told[each], 0));
  return html`<a class="button chip" href=${way(filter)} aria-current=${current ? "page" : undefined}>
    ${status ? t(`state.${status}`) : t("tasks.all")}
    ${told && html`<span class="number" data-status=${status || "all"}>${number(total)}</span>`}
  </a>`;
}

function ProviderChoice({ provider, choose }) {
  const providers = catalogue.value?.providers ?? [];
  if (providers.length < 2 && !provider) return null;
  return html`<label class="choice">${t("tasks.provider")}
    <select value=${provider} onChange=${({ target }) => choose({ provider: target.value })}>
      <option value="">${t("tasks.all_providers")}</option>
      ${providers.map(({ name, display_name }) => html`<option key=${name} value=${name}>${display_name}</option>`)}
    </select></label>`;
}

/** Cancels what waits; what runs already may be charged and is cancelled one by one. */
function CancelAll({ provider }) {
  const [busy, setBusy] = useState(false);
  const waiting = counts.value?.pending ?? 0;
  if (!waiting) return null;
  const cancel = async () => {
    const [text, act, back] = [t("tasks.cancel_all_why"), t("tasks.cancel_waiting"), t("tasks.back")];
    if (!(await confirm({ title: t("tasks.cancel_all_sure"), text, act, back, danger: true }))) return;
    setBusy(true);
    try {
      const { cancelled } = await post("/api/v1/tasks/cancel", { status: "pending", provider: provider || null });
      toast(t("tasks.cancelled_many", { n: cancelled }));
      await refreshCounts();
    } catch (error) {
      toast(error.text ?? error.message, { kind: "wrong" });
    }
    setBusy(false);
  };
  return html`<button type="button" disabled=${busy} onClick=${cancel}>${t("tasks.cancel_all")}</button>`;
}

function way(query) {
  const kept = Object.entries(query).filter(([, value]) => value);
  return kept.length ? `/tasks?${new URLSearchParams(kept)}` : "/tasks";
}
