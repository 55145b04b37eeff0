// What is asked for: what waits, what runs, what ended and how. Failures stay until they are dismissed.

import { TaskCard } from "./tasks-card.js";
import { usePassedFocus } from "./tasks-focus.js";
import { TaskList } from "./tasks-list.js";
import { catalogue, post } from "../lib/api.js";
import { language, t } from "../lib/i18n.js";
import { dismiss } from "../lib/kept.js";
import { counts, refreshCounts } from "../lib/live.js";
import { go, place } from "../lib/router.js";
import { Empty, Problem, toast } from "../parts/basics.js";
import { confirm } from "../parts/dialog.js";
import { html, useEffect, useMemo, useRef, useState } from "../vendor/index.js";

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
  const provider = query.get("provider") ?? "";
  const cursor = query.get("cursor") ?? "";
  const list = useMemo(() => new TaskList({ status, provider, cursor }), [status, provider, cursor, language.value]);

  const root = useRef(null);
  useEffect(() => list.follow(), [list]);
  usePassedFocus(root);

  return html`<div class="page" ref=${root}>
    <header>
      <h1 tabindex="-1">${t("pages.tasks")}</h1>
      <div class="acts"><a class="button" href="/batches">${t("pages.batches")}</a>
        ${(!status || status === "pending") && html`<${CancelAll} provider=${provider} />`}</div>
    </header>
    <nav class="chips" aria-label=${t("tasks.by_status")}>
      ${["", ...STATUSES].map((each) => html`<${StatusLink} key=${each} status=${each} provider=${provider} current=${each === status} />`)}
    </nav>
    <${ProviderChoice} status=${status} provider=${provider} />
    ${list.failures && html`<${Failures} list=${list} provider=${provider} />`}
    <${Tasks} list=${list} status=${status} provider=${provider} cursor=${cursor} />
  </div>`;
}

function Tasks({ list, status, provider, cursor }) {
  const [all, error, next] = [list.tasks.items.value, list.error.value, list.next.value];
  const above = new Set((list.failures?.shown.value ?? []).map(({ task_id }) => task_id));
  const items = all?.filter(({ task_id }) => !above.has(task_id));
  if (error?.status === 404) return html`<${Empty} icon="tasks" title=${t("tasks.gone")} why=${t("tasks.gone_why")}><a class="button main" href="/tasks">${t("tasks.show_all")}</a><//>`;
  if (error && !items) return html`<${Problem} error=${error} again=${() => list.again()} />`;
  if (!items) return html`<p class="loading" aria-busy="true"><span class="unseen">${t("state.loading")}</span></p>`;
  if (!items.length && above.size) return null;
  if (!items.length) {
    const filtered = Boolean(status || provider || cursor);
    return html`<${Empty} icon="tasks" title=${t(filtered ? "tasks.none_such" : "tasks.none")} why=${t(filtered ? "tasks.none_such_why" : "tasks.none_why")}>
      <a class="button main" href=${filtered ? "/tasks" : "/"}>${t(filtered ? "tasks.show_all" : "tasks.make_one")}</a><//>`;
  }
  return html`${error && html`<${Problem} error=${error} again=${() => list.again()} />`}
    <ol class="tasks">${items.map((task) => html`<${TaskCard} key=${task.task_id} task=${task} list=${list} />`)}</ol>
    <nav class="acts pages" aria-label=${t("tasks.more")}>
      ${cursor && html`<a class="button" href=${way({ status, provider })}>${t("tasks.newest")}</a>`}
      ${next && html`<a class="button" href=${way({ status, provider, cursor: next })}>${t("tasks.older")}</a>`}
    </nav>`;
}

/** What went wrong and was not dismissed, wherever in the list it is. */
function Failures({ list, provider }) {
  const [shown, total] = [list.failures.shown.value, list.failures.total.value];
  if (!shown.length) return null;
  const more = total - shown.length;
  const name = more > 0 ? t("tasks.dismiss_these", { n: shown.length }) : t("tasks.dismiss_all");
  return html`<section class="failures" aria-labelledby="failures">
    <header>
      <h2 id="failures">${t("tasks.failures", { n: total })}</h2>
      <button type="button" onClick=${() => dismiss(shown.map(({ task_id }) => task_id))}>${name}</button>
    </header>
    <ol class="tasks">${shown.map((task) => html`<${TaskCard} key=${task.task_id} task=${task} list=${list} dismissable />`)}</ol>
    ${more > 0 && html`<p><a href=${way({ status: "failed", provider })}>${t("tasks.more_failures", { n: more })}</a></p>`}
  </section>`;
}

function StatusLink({ status, provider, current }) {
  const told = counts.value;
  const total = told && (status ? told[status] : STATUSES.reduce((sum, each) => sum + told[each], 0));
  return html`<a class="button chip" href=${way({ status, provider })} aria-current=${current ? "page" : undefined}>
    ${status ? t(`state.${status}`) : t("tasks.all")}
    ${told && html`<span class="number" data-status=${status || "all"}>${total.toLocaleString()}</span>`}
  </a>`;
}

function ProviderChoice({ status, provider }) {
  const providers = catalogue.value?.providers ?? [];
  if (providers.length < 2 && !provider) return null;
  return html`<label class="choice">${t("tasks.provider")}
    <select value=${provider} onChange=${({ target }) => go(way({ status, provider: target.value }))}>
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
