// A task until it is an image: how far it is, or why it failed.

import { now } from "../lib/clock.js";
import { connection } from "../lib/events.js";
import { duration } from "../lib/format.js";
import { t } from "../lib/i18n.js";
import { retry } from "../lib/retried.js";
import { providerName } from "../lib/store.js";
import { ENDED } from "../lib/tasks.js";
import { Icon } from "../parts/icon.js";
import { toast } from "../parts/toast.js";
import { usePartialImage } from "./create-partials.js";
import { html, useState } from "../vendor/index.js";

const NEEDS_KEY = ["auth_failed", "provider_not_configured", "provider_disabled"];

export function TaskCard({ entry, onCancel, onDismiss, onEdit, onRetried }) {
  const failed = entry.status === "failed";
  const partial = usePartialImage(entry);
  return html`<article class="task ${failed ? "failed" : ""}" aria-label=${t("tasks.task_of", { prompt: entry.prompt || t(`operations.${entry.operation}`) })}>
    ${partial && html`<img class="partial" src=${partial} alt="" />`}
    <p class="what">${entry.prompt || t(`operations.${entry.operation}`)}</p>
    <p class="hint">${[providerName(entry.provider), entry.num > 1 && t("tasks.images", { n: entry.num })].filter(Boolean).join(t("create.hint_joint"))}</p>
    ${failed ? html`<${Failure} entry=${entry} />` : html`<${Progress} entry=${entry} />`}
    <div class="acts">
      ${failed && NEEDS_KEY.includes(entry.error?.code) && html`<a class="button" href=${`/providers/${encodeURIComponent(entry.provider)}`}>
        <${Icon} name="key" />${t("tasks.set_key")}</a>`}
      ${failed && html`<${Retry} entry=${entry} onRetried=${onRetried} />`}
      ${failed && html`<button type="button" onClick=${() => onEdit(entry)}><${Icon} name="edit" />${t("tasks.edit_again")}</button>`}
      ${failed && html`<button type="button" class="bare" onClick=${() => onDismiss(entry.task_id)}>${t("tasks.dismiss")}</button>`}
      ${!failed && html`<button type="button" disabled=${entry.cancel_requested} onClick=${({ detail }) => detail > 1 || onCancel(entry.task_id)}>${t(entry.cancel_requested ? "state.cancelling" : "act.cancel")}</button>`}
    </div>
  </article>`;
}

function Retry({ entry, onRetried }) {
  const [busy, setBusy] = useState(false);
  const press = async ({ detail, currentTarget }) => {
    if (busy || detail > 1) return; // a double click is one press
    const card = currentTarget.closest(".task");
    setBusy(true);
    try {
      const task = await retry(entry);
      if (ENDED.includes(task.status)) toast(t("tasks.again_before"));
      onRetried(entry, task, card);
    } catch (error) {
      toast(error.text ?? error.message, { kind: "wrong" });
      setBusy(false);
    }
  };
  return html`<button type="button" aria-disabled=${busy} onClick=${press}>${t(entry.error?.possible_charge ? "tasks.retry_charged" : "tasks.retry")}</button>`;
}

function Failure({ entry: { error } }) {
  return html`<p class="error">${error?.message ?? t("state.failed")}</p>
    ${error?.possible_charge && html`<p><span class="mark warn">${t("cost.possible")}</span></p>`}`;
}

function Progress({ entry }) {
  const { status, progress, queue_position, started_at } = entry;
  const running = status === "processing";
  const percent = Math.round(progress * 100);
  const lost = connection.value === "lost";
  return html`<p class="state">
      <span>${lost ? t("connection.lost") : t(`state.${status}`)}${running && percent > 0 && html` ${percent}%`}</span>
      ${running && started_at && !lost && html`<${Elapsed} since=${Date.parse(started_at)} />`}
      ${!running && queue_position && html`<span>${t("tasks.queue_place", { n: queue_position })}</span>`}
    </p>
    ${running && html`<progress aria-label=${t("tasks.progress")} max="100" value=${percent > 0 ? percent : undefined}></progress>`}`;
}

function Elapsed({ since }) {
  return html`<span class="elapsed">${duration((now.value - since) / 1000)}</span>`;
}
