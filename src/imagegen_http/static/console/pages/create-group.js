// One press of the button in the feed: its head, its frames, and what can be done with each.

import { begin, cancel, dismiss, groups, imagesOf } from "./create-feed.js";
import { mayBeCharged, modelOf, now, providerName } from "../lib/api.js";
import { cost, dayOf, duration, exactMoment, moment, shortQuote } from "../lib/format.js";
import { locale, t } from "../lib/i18n.js";
import { current, deleteImages, isVector, star } from "../lib/images.js";
import { connection, ENDED } from "../lib/live.js";
import { countOf, shapeOf } from "../lib/requests.js";
import { rerun, retry } from "../lib/retried.js";
import { go } from "../lib/router.js";
import { modelKey, usualTimes } from "../lib/usual.js";
import { Icon, toast } from "../parts/basics.js";
import { Thumbnail } from "../parts/card.js";
import { html, useEffect, useRef, useState } from "../vendor/index.js";

// What images of a running task look like so far, where its request asked for that.

const MAX_STREAMS = 2; // a browser has six connections to a host

let streams = 0;

/** Return data URLs of the latest partial images by their place, and a function that forgets the one of a place. */
export function usePartialImages({ task_id, status, params }) {
  const [partials, setPartials] = useState({});
  const wanted = status === "processing" && Number(params.partial_images) > 0;
  useEffect(() => {
    if (!wanted || streams >= MAX_STREAMS) return undefined;
    streams += 1;
    const source = new EventSource(`/api/v1/tasks/${task_id}/events`);
    source.addEventListener("partial_image", ({ data }) => {
      const { image_index, mime_type, b64_json } = JSON.parse(data);
      setPartials((before) => ({ ...before, [image_index]: `data:${mime_type};base64,${b64_json}` }));
    });
    return () => {
      source.close();
      streams -= 1;
    };
  }, [task_id, wanted]);
  return [partials, (at) => setPartials(({ [at]: _, ...others }) => others)];
}

// What can be done to an image where it is shown: by its buttons, by a key, and in a sheet.

/** `onVector`: also to an SVG, which is no input of anything. */
export const ACTS = [
  { name: "star", key: "F", icon: "star", onVector: true, run: (image) => star([image.id], !current(image).favourite) },
  { name: "reference", key: "R", icon: "image", run: reference },
  { name: "edit", key: "E", icon: "edit", run: (image) => go(`/p/${image.id}/edit`) },
  { name: "vary", key: "V", icon: "dice", onVector: true, run: vary },
  { name: "download", key: "D", icon: "download", onVector: true, run: download },
  { name: "delete", key: "Delete", icon: "trash", onVector: true, run: (image) => deleteImages([image.id]) },
];

/** Do it, and say why it was not done. */
async function act({ run }, image) {
  try {
    await run(image);
  } catch (error) {
    toast(error.text ?? error.message, { kind: "wrong" });
  }
}

function nameOf({ name }, image) {
  if (name === "star") return t(current(image).favourite ? "act.unstar" : "act.star");
  return t({ reference: "tasks.reference", vary: "tasks.vary" }[name] ?? `act.${name}`);
}

/** Ask for something like it, of the model that made it; one more reference where the form has some of that model already. */
async function reference(image) {
  const [{ fillForm, madeBy }, { addImage, draft }] = await Promise.all([import("../lib/reuse.js"), import("../lib/drafts.js")]);
  const { operation, provider, model_id, images, prompt } = draft.peek();
  const fits = operation === "reference" && provider === image.provider && model_id === image.model_id && images.length;
  if (fits) addImage("reference", image.id);
  else fillForm({ ...madeBy(image), operation: "reference", prompt, images: [{ role: "reference", image_id: image.id }] });
  write();
}

/** Ask for the same again, of another seed. */
async function vary(image) {
  const { get } = await import("../lib/api.js");
  const whole = image.task_id ? image : await get(`/api/v1/images/${image.id}`);
  const [{ again, fillForm }, { inputs }] = await Promise.all([import("../lib/reuse.js"), get(`/api/v1/tasks/${whole.task_id}`).catch(() => ({ inputs: [] }))]);
  fillForm(await again(whole, inputs, { withSeed: false }));
  write();
}

function download({ id }) {
  const link = Object.assign(document.createElement("a"), { href: `/api/v1/images/${id}/content`, download: "" });
  document.body.append(link);
  link.click();
  link.remove();
}

/** Go on where the words are. */
function write() {
  const box = document.querySelector(".create textarea");
  box?.focus({ preventScroll: true });
  box?.scrollIntoView({ block: "nearest" });
}

// A frame of a group: empty, then what its image looks like so far, then the image, and what can be done to that.

const FADE = 180; // milliseconds, as in feed.css
const [TALL, NARROW, FORM] = [400, 900, 500]; // pixels, as there: of a frame, of a page whose form is above, and of what is beside the frames
const ALMOST = 95; // percent that an estimate goes to
const TICK = 1; // seconds in which the line goes on to where it will be

const { usual, learn } = usualTimes(groups);

export function Frame({ entry, image = null, ratio, wide = 0, partial = null, onDone = null, isFirst = false }) {
  const [ready, setReady] = useState(image !== null); // one that was there before has nothing to fade in over
  const fades = useRef(!ready).current;
  useEffect(() => {
    if (!ready || !partial) return undefined;
    const wait = setTimeout(onDone, FADE);
    return () => clearTimeout(wait);
  }, [ready, partial]);
  const done = () => setReady(true);
  return html`<li class="frame picture" style=${ratio && { "--ratio": ratio.toFixed(4) }} data-id=${image?.id}>
    ${partial && html`<img class="partial" src=${partial} alt="" />`}
    ${image && html`<${Finished} image=${image} wide=${wide} className=${fades ? (ready ? "fading" : "hidden") : ""} onReady=${done} />`}
    ${!(image && ready) && html`<${Waiting} entry=${entry} tells=${isFirst} />`}
  </li>`;
}

/** The image, a link to its own page, with its keys; what the buttons do is in the sheet, too. */
function Finished({ image, wide, className, onReady }) {
  const [broken, setBroken] = useState(false);
  const [Sheet, setSheet] = useState(null);
  const { favourite = false } = current(image);
  const name = image.prompt || t("images.unnamed", { id: image.id });
  const label = [t("images.open", { prompt: name }), favourite && t("images.starred"), broken && t("images.broken")].filter(Boolean).join(", ");
  const acts = ACTS.filter(({ onVector }) => onVector || !isVector(image));
  const press = (event) => {
    const found = acts.find(({ key }) => key.toLowerCase() === event.key.toLowerCase());
    if (!found || event.ctrlKey || event.metaKey || event.altKey || event.repeat || Sheet) return;
    event.preventDefault();
    event.stopPropagation();
    act(found, image);
  };
  const openSheet = async () => {
    const { ActSheet } = await import("./create-act-sheet.js");
    setSheet(() => ActSheet);
  };
  const lose = (is) => {
    setBroken(is);
    onReady();
  };
  useEffect(() => isVector(image) && onReady(), []);
  return html`<div class="finished ${className}" onKeyDown=${press}>
    <a href=${`/p/${image.id}`} aria-label=${label} aria-keyshortcuts=${acts.map(({ key }) => key).join(" ")}>
      <${Thumbnail} image=${image} wide=${wide} onBroken=${lose} onLoad=${onReady} /></a>
    <button type="button" class="bare more" aria-haspopup="dialog" aria-label=${t("tasks.acts_of", { prompt: name })} onClick=${openSheet}><${Icon} name="more" /></button>
    <div class="over">
      ${acts.map((one) => html`<button type="button" class="bare" key=${one.name} tabindex="-1" aria-label=${nameOf(one, image)} title=${`${nameOf(one, image)} (${one.key})`}
        aria-pressed=${one.name === "star" ? favourite : undefined} onClick=${() => act(one, image)}><${Icon} name=${one.icon} filled=${one.name === "star" && favourite} /></button>`)}
    </div>
    ${Sheet && html`<${Sheet} image=${image} acts=${acts} nameOf=${nameOf} onAct=${act} onClose=${() => setSheet(null)} />`}
  </div>`;
}

/** How far it is: a line at the foot, and in the first frame how long it may take. */
function Waiting({ entry, tells }) {
  const { status, progress, started_at } = entry;
  useEffect(learn, []);
  const running = status === "processing";
  const seconds = running && started_at ? (now.value - Date.parse(started_at)) / 1000 : 0;
  const usually = usual.value.get(modelKey(entry));
  const percent = progress > 0 ? Math.round(progress * 100) : usually && Math.min(ALMOST, Math.round(((seconds + TICK) / usually) * 100));
  const named = tells ? { "aria-label": t("tasks.progress") } : { "aria-hidden": true };
  return html`${tells && html`<p class="state"><span>${stateOf(entry, usually - seconds)}</span>
      ${running && connection.value !== "lost" && html`<span class="elapsed">${duration(seconds)}</span>`}</p>`}
    ${running && html`<progress max="100" value=${percent > 0 ? percent : undefined} ...${named}></progress>`}`;
}

function stateOf({ status, progress, queue_position, retry, cancel_requested }, left) {
  const wait = retry ? (Date.parse(retry.at) - now.value) / 1000 : 0;
  if (connection.value === "lost") return t("connection.lost");
  if (status === "sending") return t("tasks.sending");
  if (wait > 0) return t(retry.code === "rate_limited" ? "tasks.limited" : "tasks.put_off", { time: duration(Math.ceil(wait)), n: retry.number, max: retry.most });
  if (status === "pending") return queue_position ? t("tasks.queue_place", { n: queue_position }) : t("state.pending");
  if (cancel_requested) return t("tasks.cancel_late");
  if (left > 0) return t("tasks.left", { time: duration(Math.ceil(left)) });
  if (progress > 0) return `${t("state.processing")} ${Math.round(progress * 100)}%`;
  return t(left <= 0 ? "tasks.longer" : "state.processing");
}

// What one press has asked for: the words, the model, what it cost, and a frame for each image, from the first moment on.

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
export function Words({ text }) {
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
    ${status === "completed" && costs && html`<span>${costs.length ? costs.map(cost).join(" + ") : t("cost.none")}</span>`}
    ${created_at && html`<time datetime=${created_at} title=${exactMoment(created_at)}>${timeOf(created_at)}</time>`}
    ${took >= 0.5 && html`<span>${t("tasks.took", { time: duration(took) })}</span>`}
  </p>`;
}

export function Cancel({ entry: { task_id, cancel_requested } }) {
  const press = ({ detail }) => detail > 1 || cancel_requested || cancel(task_id);
  return html`<button type="button" aria-disabled=${Boolean(cancel_requested)} onClick=${press}>${t(cancel_requested ? "state.cancelling" : "act.cancel")}</button>`;
}

/** The same again at once, but for its seed, which would make the same images; with its price, where that is known. */
function OnceMore({ entry }) {
  const send = async () => {
    const { operation, provider, model_id, prompt, params, wish } = entry;
    const asked = begin({ operation, provider, model_id, prompt, params, wish, num: numberOf(entry), shape: proportionOf(entry), quote });
    try {
      const task = await rerun(entry, params.seed === undefined ? {} : { seed: null });
      if (!asked.accept(task)) toast(t("create.same_task"));
    } catch (error) {
      asked.drop();
      throw error;
    }
  };
  const quote = entry.status === "completed" && shortQuote(entry) ? { costs: entry.costs } : entry.quote;
  const amount = shortQuote(quote);
  return html`<${Press} run=${send}><${Icon} name="again" />${t("tasks.once_more")}${amount && html`<span class="price">${amount}</span>`}<//>`;
}

/** A button whose second press counts once the first one is answered. */
export function Press({ run, className = "", children }) {
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
export function Failure({ entry, onEdit, onRetried }) {
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

export function Frames({ entry }) {
  const [partials, drop] = usePartialImages(entry);
  if (entry.status === "pending" && !entry.own) return html`<ul class="frames line"><${Frame} entry=${entry} isFirst /></ul>`;
  const images = imagesOf(entry);
  const places = Array.from({ length: ENDED.includes(entry.status) ? images.length : Math.max(images.length, numberOf(entry)) }, (_, at) => at);
  const ratio = ratioOf(images.find((image) => image?.width)) ?? proportionOf(entry);
  const shown = places.filter((at) => images[at] !== null);
  const columns = columnsOf(shown.length, ratio);
  const waiting = shown.find((at) => !images[at]);
  const wide = Math.min(TALL * ratio, innerWidth < NARROW ? innerWidth / Math.min(2, columns) : (innerWidth - FORM) / columns);
  return html`<ul class="frames" style=${{ "--columns": columns, "--few": Math.min(2, columns), "--ratio": ratio.toFixed(4) }}>
    ${shown.map((at) => html`<${Frame} key=${at} entry=${entry} image=${images[at]} ratio=${ratioOf(images[at]) ?? ratio} wide=${wide}
      partial=${partials[at]} onDone=${() => drop(at)} isFirst=${at === waiting} />`)}
  </ul>`;
}

export function numberOf({ num, params }) {
  return Math.max(1, Math.min(MAX_FRAMES, num ?? countOf(params)));
}

/** How wide the images are to be for their height, as the draft or the task asks for it. */
export function proportionOf({ shape, params, inputs = [], provider, model_id, operation }) {
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

/** Return the time of a moment, with its date where that is not today. */
export function timeOf(text) {
  return dayOf(text) === dayOf(Date.now()) ? new Date(text).toLocaleTimeString(locale(), { timeStyle: "short" }) : moment(text);
}
