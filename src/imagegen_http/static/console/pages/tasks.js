// What is asked for: what waits, what runs, what ended and how. Failures stay until they are dismissed.

import { TaskCard } from "./tasks-card.js";
import { TaskList } from "./tasks-list.js";
import { post } from "../lib/api.js";
import { dismiss, dismissed } from "../lib/dismissed.js";
import { language, t } from "../lib/i18n.js";
import { go, place } from "../lib/router.js";
import { catalogue } from "../lib/store.js";
import { counts, refresh as refreshCounts } from "../lib/tasks.js";
import { confirm } from "../parts/dialog.js";
import { Empty } from "../parts/empty.js";
import { Problem } from "../parts/problem.js";
import { toast } from "../parts/toast.js";
import { html, useEffect, useMemo, useState } from "../vendor/index.js";

const STATUSES = ["pending", "processing", "completed", "failed", "cancelled"];

export default function Page({ id }) {
  return id ? html`<${OneTask} key=${id} id=${id} />` : html`<${AllTasks} />`;
}

/** One task, with all that there is to say of it. */
function OneTask({ id }) {
  const list = useMemo(() => new TaskList({ id }), [id, language.value]);
  useEffect(() => list.follow(), [list]);
  return html`<div class="page">
    <header><h1>${t("tasks.one")}</h1><a href="/tasks">${t("tasks.show_all")}</a></header>
    <${Tasks} list=${list} />
  </div>`;
}

function AllTasks() {
  const { query } = place.value;
  const status = STATUSES.includes(query.get("status")) ? query.get("status") : "";
  const provider = query.get("provider") ?? "";
  const cursor = query.get("cursor") ?? "";
  const list = useMemo(() => new TaskList({ status, provider, cursor }), [status, provider, cursor, language.value]);

  useEffect(() => list.follow(), [list]);

  return html`<div class="page">
    <header>
      <h1>${t("pages.tasks")}</h1>
      <div class="acts"><${CancelAll} provider=${provider} /></div>
    </header>
    <nav class="chips" aria-label=${t("tasks.by_status")}>
      ${["", ...STATUSES].map((each) => html`<${StatusLink} key=${each} status=${each} provider=${provider} current=${each === status} />`)}
    </nav>
    <${ProviderChoice} status=${status} provider=${provider} />
    ${!status && !cursor && html`<${Failures} list=${list} />`}
    <${Tasks} list=${list} status=${status} provider=${provider} cursor=${cursor} />
  </div>`;
}

function Tasks({ list, status, provider, cursor }) {
  const [all, failures, error, next] = [list.tasks.items.value, list.failures.items.value, list.error.value, list.next.value];
  const above = new Set((failures ?? []).map(({ task_id }) => task_id).filter((id) => !dismissed.value.has(id)));
  const items = all?.filter(({ task_id }) => !above.has(task_id));
  if (error && !items) return html`<${Problem} error=${error} again=${() => list.look()} />`;
  if (!items) return html`<p class="loading" aria-busy="true"><span class="unseen">${t("state.loading")}</span></p>`;
  if (!items.length && above.size) return null;
  if (!items.length) {
    const filtered = Boolean(status || provider || cursor);
    return html`<${Empty} icon="tasks" title=${t(filtered ? "tasks.none_such" : "tasks.none")} why=${t(filtered ? "tasks.none_such_why" : "tasks.none_why")}>
      <a class="button main" href=${filtered ? "/tasks" : "/"}>${t(filtered ? "tasks.show_all" : "tasks.make_one")}</a><//>`;
  }
  return html`${error && html`<${Problem} error=${error} again=${() => list.look()} />`}
    <ol class="tasks">${items.map((task) => html`<${TaskCard} key=${task.task_id} task=${task} list=${list} />`)}</ol>
    <nav class="acts pages" aria-label=${t("tasks.more")}>
      ${cursor && html`<a class="button" href=${way({ status, provider })}>${t("tasks.newest")}</a>`}
      ${next && html`<a class="button" href=${way({ status, provider, cursor: next })}>${t("tasks.older")}</a>`}
    </nav>`;
}

/** What went wrong and was not dismissed, wherever in the list it is. */
function Failures({ list }) {
  const left = (list.failures.items.value ?? []).filter(({ task_id }) => !dismissed.value.has(task_id));
  if (!left.length) return null;
  return html`<section class="failures" aria-labelledby="failures">
    <header>
      <h2 id="failures">${t("tasks.failures", { n: left.length })}</h2>
      <button type="button" onClick=${() => dismiss(left.map(({ task_id }) => task_id))}>${t("tasks.dismiss_all")}</button>
    </header>
    <ol class="tasks">${left.map((task) => html`<${TaskCard} key=${task.task_id} task=${task} list=${list} dismissable />`)}</ol>
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
    const text = t("tasks.cancel_all_why");
    if (!(await confirm({ title: t("tasks.cancel_all_sure"), text, act: t("tasks.cancel_all"), danger: true }))) return;
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
