// What one press has asked for: the words, the model, what it cost, and a frame for each image, from the first moment on.

import { cost, dayOf, duration, exactMoment, moment, money } from "../lib/format.js";
import { locale, t } from "../lib/i18n.js";
import { countOf } from "../lib/requests.js";
import { rerun, retry } from "../lib/retried.js";
import { shapeOf } from "../lib/sizes.js";
import { mayBeCharged, modelOf, providerName } from "../lib/store.js";
import { ENDED } from "../lib/tasks.js";
import { Icon } from "../parts/icon.js";
import { toast } from "../parts/toast.js";
import { begin, cancel, dismiss, imagesOf } from "./create-feed.js";
import { Frame } from "./create-frame.js";
import { usePartialImages } from "./create-partials.js";
import { html, useEffect, useRef, useState } from "../vendor/index.js";

const NEEDS_KEY = ["auth_failed", "provider_not_configured", "provider_disabled"];
const MAX_FRAMES = 16;
const WIDE = 1.4; // of which two in a row are as much as can be looked at

export function Group({ entry, onEdit, onRetried }) {
  const { status, prompt, operation } = entry;
  const failed = status === "failed";
  const words = prompt || t(`operations.${operation}`);
  return html`<article class=${failed ? "group failed" : "group"} data-id=${entry.task_id} aria-label=${t("tasks.task_of", { prompt: words })}>
    <header>
      <div><${Words} text=${words} /><${Facts} entry=${entry} /></div>
      ${!failed && html`<div class="acts">
        ${!ENDED.includes(status) && status !== "sending" && html`<${Cancel} entry=${entry} />`}
        ${status !== "sending" && html`<${OnceMore} entry=${entry} />`}
      </div>`}
    </header>
    ${ENDED.includes(status) && (entry.warnings ?? []).map((warning) => html`<p class="warning">${warning}</p>`)}
    ${failed ? html`<${Failure} entry=${entry} onEdit=${onEdit} onRetried=${onRetried} />` : html`<${Frames} entry=${entry} />`}
  </article>`;
}

/** The words in two lines, and the rest of them when it is asked for. */
function Words({ text }) {
  const box = useRef(null);
  const [open, setOpen] = useState(false);
  const [isLong, setLong] = useState(false);
  useEffect(() => {
    const words = box.current;
    const measure = () => setLong((before) => (open ? before : words.scrollHeight > words.clientHeight + 1));
    const observer = new ResizeObserver(measure);
    observer.observe(words);
    return () => observer.disconnect();
  }, [text, open]);
  return html`<p class=${open ? "what open" : "what"} ref=${box}>${text}</p>
    ${isLong && html`<button type="button" class="bare whole" aria-expanded=${open} onClick=${() => setOpen(!open)}>${t(open ? "tasks.less_words" : "tasks.all_words")}</button>`}`;
}

function Facts({ entry }) {
  const { provider, model_id, created_at, started_at, completed_at, status, costs } = entry;
  const took = status === "completed" && started_at && completed_at && (Date.parse(completed_at) - Date.parse(started_at)) / 1000;
  return html`<p class="facts">
    <span>${providerName(provider)} · ${modelOf(provider, model_id)?.name || model_id}</span>
    ${status === "completed" && costs && html`<span>${costs.length ? price(costs) || cost(costs[0]) : t("cost.none")}</span>`}
    ${created_at && html`<time datetime=${created_at} title=${exactMoment(created_at)}>${timeOf(created_at)}</time>`}
    ${took >= 0.5 && html`<span>${t("tasks.took", { time: duration(took) })}</span>`}
  </p>`;
}

function Cancel({ entry: { task_id, cancel_requested } }) {
  const press = ({ detail }) => detail > 1 || cancel_requested || cancel(task_id);
  return html`<button type="button" aria-disabled=${Boolean(cancel_requested)} onClick=${press}>${t(cancel_requested ? "state.cancelling" : "act.cancel")}</button>`;
}

/** The same again at once, but for its seed, which would make the same images; with its price, where that is known. */
function OnceMore({ entry }) {
  const send = async () => {
    const { operation, provider, model_id, prompt, params, wish, costs, quote } = entry;
    const asked = begin({ operation, provider, model_id, prompt, params, wish, num: numberOf(entry), shape: proportionOf(entry), quote: costs ?? quote });
    try {
      const task = await rerun(entry, params.seed === undefined ? {} : { seed: null });
      if (!asked.accept(task)) toast(t("create.same_task"));
    } catch (error) {
      asked.drop();
      throw error;
    }
  };
  const amount = price(entry.status === "completed" ? entry.costs : entry.quote);
  return html`<${Press} run=${send}><${Icon} name="again" />${t("tasks.once_more")}${amount && html`<span class="price">${amount}</span>`}<//>`;
}

/** A button whose second press counts once the first one is answered. */
function Press({ run, className = "", children }) {
  const [busy, setBusy] = useState(false);
  const press = async ({ detail, currentTarget }) => {
    if (busy || detail > 1) return; // a double click is one press
    setBusy(true);
    try {
      await run(currentTarget);
    } catch (error) {
      toast(error.text ?? error.message, { kind: "wrong" });
    }
    setBusy(false);
  };
  return html`<button type="button" class=${className} aria-disabled=${busy} onClick=${press}>${children}</button>`;
}

/** Why there is nothing, and what can be done about it: a line, where frames would be. */
function Failure({ entry, onEdit, onRetried }) {
  const { error, provider } = entry;
  const charged = mayBeCharged(entry);
  const again = async (button) => {
    const task = await retry(entry);
    if (ENDED.includes(task.status)) toast(t("tasks.again_before"));
    onRetried(entry, task, button);
  };
  return html`<div class="failure">
    <p class="error"><${Icon} name="warning" /><span>${error?.message ?? t("state.failed")} ${charged && html`<span class="mark warn">${t("cost.possible")}</span>`}</span></p>
    <div class="acts">
      ${NEEDS_KEY.includes(error?.code) && html`<a class="button" href=${`/providers/${encodeURIComponent(provider)}`}><${Icon} name="key" />${t("tasks.set_key")}</a>`}
      <${Press} run=${again}>${t(charged ? "tasks.retry_charged" : "tasks.retry")}<//>
      <button type="button" onClick=${() => onEdit(entry)}>${t("tasks.edit_again")}</button>
      <button type="button" class="bare" onClick=${() => dismiss(entry.task_id)}>${t("tasks.dismiss")}</button>
    </div>
  </div>`;
}

function Frames({ entry }) {
  const [partials, drop] = usePartialImages(entry);
  if (entry.status === "pending" && !entry.own) return html`<ul class="frames line"><${Frame} entry=${entry} isFirst /></ul>`;
  const images = imagesOf(entry);
  const places = Array.from({ length: ENDED.includes(entry.status) ? images.length : Math.max(images.length, numberOf(entry)) }, (_, at) => at);
  const ratio = ratioOf(images.find((image) => image?.width)) ?? proportionOf(entry);
  const shown = places.filter((at) => images[at] !== null);
  const columns = columnsOf(shown.length, ratio);
  const waiting = shown.find((at) => !images[at]);
  return html`<ul class="frames" style=${{ "--columns": columns, "--few": Math.min(2, columns), "--ratio": ratio.toFixed(4) }}>
    ${shown.map((at) => html`<${Frame} key=${at} entry=${entry} image=${images[at]} ratio=${ratioOf(images[at]) ?? ratio}
      partial=${partials[at]} onDone=${() => drop(at)} isFirst=${at === waiting} />`)}
  </ul>`;
}

function numberOf({ num, params }) {
  return Math.max(1, Math.min(MAX_FRAMES, num ?? countOf(params)));
}

/** How wide the images are to be for their height, as the draft or the task asks for it. */
function proportionOf({ shape, params, inputs = [], provider, model_id, operation }) {
  const model = modelOf(provider, model_id);
  const images = inputs.map(({ role, width, height }) => ({ role, size: [width, height] }));
  return shape ?? (model ? shapeOf({ size: "", params, images }, { model, operation }) : 1);
}

function ratioOf({ width, height } = {}) {
  return width > 0 && height > 0 ? Math.min(4, Math.max(0.25, width / height)) : null;
}

/** How many frames stand in a row where there is room: so that no row has a single one, and each is large enough. */
function columnsOf(number, ratio) {
  const most = ratio >= WIDE ? 2 : 4;
  return number <= most ? number : Math.ceil(number / Math.ceil(number / most));
}

/** Return costs of the API in few words, to two digits, as a button has room for; empty where there is none, or nobody knows. */
function price(costs = []) {
  const style = { style: "currency", currencyDisplay: "narrowSymbol", maximumSignificantDigits: 2, maximumFractionDigits: 0, roundingPriority: "morePrecision" };
  const short = ({ amount, currency }) => {
    try {
      return new Intl.NumberFormat(locale(), { ...style, currency }).format(amount);
    } catch {
      return money(amount, currency);
    }
  };
  return costs.every(({ amount, basis }) => amount && basis !== "unknown") ? costs.map(short).join(" / ") : "";
}

/** Return the time of a moment, with its date where that is not today. */
function timeOf(text) {
  return dayOf(text) === dayOf(Date.now()) ? new Date(text).toLocaleTimeString(locale(), { timeStyle: "short" }) : moment(text);
}
