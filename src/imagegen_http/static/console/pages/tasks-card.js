// One task: how far it is, what it became, why it failed, and what can be done now.

import { mayBeCharged, modelOf, now, post, providerName } from "../lib/api.js";
import { replaceDraft } from "../lib/drafts.js";
import { cost, duration, exactMoment, moment } from "../lib/format.js";
import { t } from "../lib/i18n.js";
import { dismiss } from "../lib/kept.js";
import { ENDED } from "../lib/live.js";
import { repeatOf, rerun, retry } from "../lib/retried.js";
import { draftOf } from "../lib/reuse.js";
import { go } from "../lib/router.js";
import { modelKey } from "../lib/usual.js";
import { Icon, toast } from "../parts/basics.js";
import { useThumbnail } from "../parts/card.js";
import { html, useState } from "../vendor/index.js";

const TASKS = "/api/v1/tasks";
const OPEN = ["pending", "processing"];
const MARKS = { pending: "", processing: "", completed: "ok", failed: "wrong", cancelled: "" };
const NEEDS_A_PROVIDER = ["auth_failed", "quota_exhausted", "provider_not_configured", "provider_disabled"];

export function TaskCard({ task, list, dismissable = false }) {
  const open = OPEN.includes(task.status);
  const state = open && task.cancel_requested ? "cancelling" : task.status;
  const usual = list.usual.value.get(modelKey(task));
  return html`<li><div class="task ${task.status}" data-id=${task.task_id} role="group" aria-labelledby=${`task-${task.task_id}`}>
    <${Pictures} task=${task} />
    <div class="what">
      <p class="prompt" id=${`task-${task.task_id}`}>${task.prompt || t(`operations.${task.operation}`)}</p>
      <p class="muted facts">
        <span class="mark ${MARKS[task.status]}">${t(`state.${state}`)}</span>
        ${mayBeCharged(task) && html`<span class="mark warn">${t("cost.possible")}</span>`}
        <span>${t(`operations.${task.operation}`)}</span>
        <span>${providerName(task.provider)} · ${modelOf(task.provider, task.model_id)?.name ?? task.model_id}</span>
        <time datetime=${task.created_at} title=${exactMoment(task.created_at)}>${moment(task.created_at)}</time>
        ${(task.costs ?? []).map((each) => html`<span>${cost(each)}</span>`)}
      </p>
      ${open && html`<${Progress} task=${task} usual=${usual} />`}
      ${task.error && task.status !== "cancelled" && html`<${Reason} error=${task.error} />`}
      <${Repeat} task=${task} />
      ${(task.warnings ?? []).map((warning) => html`<p class="warning">${warning}</p>`)}
      <${Details} task=${task} />
    </div>
    <${Acts} task=${task} list=${list} dismissable=${dismissable} />
  </div></li>`;
}

function Pictures({ task }) {
  const [id] = task.image_ids;
  const more = task.image_ids.length > 1 && `+${task.image_ids.length - 1}`;
  const image = { ...task.images?.find((one) => one.id === id), id, prompt: "" }; // its card is called by the prompt already
  const { thumbnail, label } = useThumbnail({ image }, t("images.open", { prompt: t("images.unnamed", { id }) }), more);
  if (!id) return html`<span class="picture none"><${Icon} name=${task.status === "failed" ? "warning" : "clock"} /></span>`;
  return html`<a class="picture" href=${`/p/${id}`} aria-label=${label}>
    ${thumbnail}${more && html`<span class="more">${more}</span>`}</a>`;
}

function Progress({ task, usual }) {
  const running = task.status === "processing";
  const label = t(`state.${task.cancel_requested ? "cancelling" : task.status}`);
  const value = task.progress > 0 ? { value: task.progress } : {};
  return html`<div class="progress">
    ${running && html`<progress max="1" aria-label=${label} ...${value}></progress>`}
    <p class="muted">${task.queue_position && t("tasks.place", { n: task.queue_position })}<${Elapsed} since=${task.started_at ?? task.created_at} running=${running} />
      ${usual >= 1 && html` · ${t("tasks.usual", { time: duration(usual) })}`}</p>
  </div>`;
}

function Elapsed({ since, running }) {
  const time = duration((now.value - new Date(since)) / 1000);
  return t(running ? "tasks.elapsed" : "tasks.waited", { time });
}

function Reason({ error }) {
  return html`<p class="reason"><${Icon} name="warning" /><span>${error.message}</span></p>`;
}

/** The task that this one has become. */
function Repeat({ task }) {
  const id = repeatOf(task);
  return id && html`<p class="again">${t(task.status === "completed" ? "tasks.rerun_before" : "tasks.retried")}
    <a href=${`/tasks/${id}`}>${t("tasks.see_repeat")}</a></p>`;
}

function Details({ task }) {
  const facts = [
    [t("tasks.id"), html`<a href=${`/tasks/${task.task_id}`}><code>${task.task_id}</code></a>`],
    [t("tasks.attempts"), task.attempts],
    [t("tasks.asked"), asked(task)],
    [t("tasks.started"), task.started_at && exactMoment(task.started_at)],
    [t("tasks.ended"), task.completed_at && exactMoment(task.completed_at)],
    [t("tasks.upstream"), task.error?.upstream_status],
    [t("tasks.upstream_code"), task.error?.upstream_code],
    [t("tasks.address"), task.config_snapshot?.api_base],
    [t("tasks.retry_of"), task.retry_of && html`<a href=${`/tasks/${task.retry_of}`}><code>${task.retry_of}</code></a>`],
  ].filter(([, value]) => value !== null && value !== undefined && value !== "");
  return html`<details><summary>${t("tasks.details")}</summary>
    <dl>${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl></details>`;
}

/** Whose turn it was, where it was more than one provider's, and why each made nothing. */
function asked({ attempt_history = [] }) {
  if (attempt_history.length < 2) return "";
  return attempt_history.map(({ provider, code }) => (code ? `${providerName(provider)} (${code})` : providerName(provider))).join(" → ");
}

function Acts({ task, list, dismissable }) {
  const [busy, setBusy] = useState(false);
  const act = (what) => async (event) => {
    if (event.detail > 1) return; // a double click is one press
    setBusy(true);
    try {
      await what();
    } catch (error) {
      toast(error.text ?? error.message, { kind: "wrong" });
    }
    setBusy(false);
  };
  const cancel = act(async () => list.update(await post(`${TASKS}/${task.task_id}/cancel`)));
  const repeat = (ask) =>
    act(async () => {
      const { status } = await ask(task);
      if (task.status === "failed") dismiss([task.task_id]);
      toast(t(ENDED.includes(status) ? "tasks.again_before" : "tasks.again_told"));
      list.look();
    });
  const change = act(async () => {
    replaceDraft(await draftOf(task));
    go("/");
  });
  const button = (name, what, kind = "") => html`<button type="button" class=${kind} disabled=${busy} onClick=${what}>${name}</button>`;
  if (OPEN.includes(task.status)) {
    return html`<div class="acts">${button(t("act.cancel"), cancel)}</div>`;
  }
  const { error } = task;
  const isDone = task.status === "completed";
  const price = Number(task.cost?.amount) > 0; // what it was; nobody asks before for each task of a list
  return html`<div class="acts">
    ${error && NEEDS_A_PROVIDER.includes(error.code) && html`<a class="button" href=${`/providers/${task.provider}`}><${Icon} name="key" />${t("tasks.set_key")}</a>`}
    ${isDone && button(price ? t("tasks.rerun_for", { cost: cost(task.cost) }) : t("tasks.rerun"), repeat(rerun))}
    ${!isDone && !repeatOf(task) && button(t(mayBeCharged(task) ? "tasks.retry_charged" : "tasks.retry"), repeat(retry))}
    ${button(t(isDone ? "tasks.reuse" : "tasks.change"), change)}
    ${dismissable && button(t("tasks.dismiss"), () => dismiss([task.task_id]), "bare")}
  </div>`;
}
