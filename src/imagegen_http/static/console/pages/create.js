// Create: the form beside what it made.

import { dismiss, follow, groups, keyOf, known, news, reload, replace, rows, trouble } from "./create-feed.js";
import { CreateForm, firstVisit, isEmpty, isFirstVisit, loadFirst } from "./create-form.js";
import { catalogue, loadProviders, problem } from "../lib/api.js";
import { draft, replaceDraft } from "../lib/drafts.js";
import { fetchSentences, t } from "../lib/i18n.js";
import { recallShared } from "../lib/kept.js";
import { counts, ENDED } from "../lib/live.js";
import { choiceOf } from "../lib/requests.js";
import { fetchLater } from "../lib/router.js";
import { Empty, Lazy, Problem } from "../parts/basics.js";
import { html, useEffect, useRef, useState } from "../vendor/index.js";

// What has become of it: a group for each press of the button, newest first.

/** A first visit has none. */
async function loadGroup() {
  const [{ Group }] = await Promise.all([import("./create-group.js"), fetchSentences("tasks"), fetchLater("feed")]);
  return Group;
}

const loadBatch = async () => (await Promise.all([loadGroup(), import("./create-batch.js")]))[1].BatchGroup;

const STOPS = ".frame, .group";

export function Results({ heading }) {
  const list = useRef(null);
  const asks = Boolean(draft.value.prompt);
  useEffect(() => void (asks && loadGroup()), [asks]); // it is there when the button is pressed
  const empty = known.value && !rows.value.length;
  /** Have the focus where it was, or near there, when what had it goes. */
  const keepFocus = (event) => {
    const before = event.target.closest(STOPS);
    const group = before?.closest(".group");
    const at = [...list.current.querySelectorAll(STOPS)].indexOf(before);
    if (at < 0) return;
    setTimeout(() => {
      if (document.activeElement !== document.body || !list.current) return; // it is where it was
      const all = [...list.current.querySelectorAll(STOPS)];
      const next = before.isConnected ? before : group.isConnected ? group : (all[at] ?? all.at(-1));
      (next?.querySelector("a, button") ?? heading.current)?.focus({ preventScroll: true });
    }, 100);
  };
  const retried = (entry, task, target) => {
    keepFocus({ target });
    replace(entry, task);
  };
  const edit = async (entry) => {
    const { draftOf, firstOf } = await import("../lib/reuse.js");
    replaceDraft(entry.wish ? { ...entry.wish, ...firstOf(entry) } : await draftOf(entry));
    if (entry.task_id) dismiss(entry.task_id);
    document.querySelector(".create textarea")?.focus();
  };
  return html`<section class="results">
    <header>
      <h2 ref=${heading} tabindex="-1">${t(isFirstVisit.value ? "create.connect" : "create.recent")}</h2>
      ${!empty && html`<${More} />`}
      ${known.value && !empty && html`<a href="/gallery">${t("create.to_gallery")}</a>`}
    </header>
    <p class="unseen" role="status">${news.value}</p>
    ${trouble.value && html`<${Problem} error=${trouble.value} again=${reload} />`}
    ${empty && (isFirstVisit.value ? firstVisit.value && html`<${firstVisit.value.RealProviders} />` : html`<p class="muted">${t("create.nothing_yet")}</p>`)}
    <div class="feed" ref=${list} onClickCapture=${keepFocus} onKeyDownCapture=${(event) => event.key === "Delete" && keepFocus(event)} aria-busy=${!known.value && !trouble.value}>
      ${rows.value.map((entry) => html`<${Lazy} load=${entry.tasks || entry.cells ? loadBatch : loadGroup} key=${keyOf(entry)} entry=${entry} onEdit=${edit} onRetried=${retried} />`)}
    </div>
  </section>`;
}

/** That there are more tasks than are shown. */
function More() {
  const shown = groups.value.filter(({ status }) => !ENDED.includes(status)).length;
  const more = (counts.value?.pending ?? 0) + (counts.value?.processing ?? 0) - shown;
  return more > 0 && shown >= 20 ? html`<a href="/tasks">${t("create.more_tasks", { n: more })}</a>` : null;
}

// The page on which images are asked for: a form, and beside it what has become of it.

const PATIENCE = 5000; // milliseconds until the form is there, whatever has not come

export default function Page() {
  const results = useRef(null);
  const [late, setLate] = useState(false);
  useEffect(follow, []);
  const isNew = isEmpty.value || (!known.value && !recallShared("draft")); // most likely a first visit: it is asked for at once
  useEffect(() => void (isNew && loadFirst().catch(() => setLate(true))), [isNew]);
  useEffect(() => {
    const wait = setTimeout(() => setLate(true), PATIENCE);
    return () => clearTimeout(wait);
  }, []);
  const choice = choiceOf(draft.value);
  const isWhole = (catalogue.value || problem.value) && (known.value || trouble.value) && (!isEmpty.value || firstVisit.value);
  if (!isWhole && !late) { // what came first would be moved by what comes next
    return html`<div class="page create" aria-busy="true"><h1 class="unseen">${t("pages.create")}</h1><p class="loading"></p></div>`;
  }
  return html`<div class="page create">
    <h1 class="unseen">${t("pages.create")}</h1>
    <div class="ask">
      ${choice && html`<${CreateForm} choice=${choice} results=${results} />`}
      ${!choice && problem.value && html`<${Problem} error=${problem.value} again=${loadProviders} />`}
      ${!choice && catalogue.value && html`<${Empty} icon="providers" title=${t("create.no_model")} why=${t("create.no_model_why")}>
        <a class="button main" href="/providers">${t("create.to_providers")}</a><//>`}
      ${!choice && !catalogue.value && !problem.value && html`<p class="loading" aria-busy="true"></p>`}
    </div>
    <${Results} heading=${results} />
  </div>`;
}
