// A frame of a group: empty, then what its image looks like so far, then the image, and what can be done to that.

import { now } from "../lib/clock.js";
import { connection } from "../lib/events.js";
import { duration } from "../lib/format.js";
import { t } from "../lib/i18n.js";
import { current, isVector } from "../lib/images.js";
import { modelKey, usualTimes } from "../lib/usual.js";
import { Thumbnail } from "../parts/card.js";
import { Icon } from "../parts/icon.js";
import { ACTS, act, nameOf } from "./create-acts.js";
import { groups } from "./create-feed.js";
import { html, useEffect, useRef, useState } from "../vendor/index.js";

const FADE = 180; // milliseconds, as in feed.css
const ALMOST = 95; // percent that an estimate goes to
const TICK = 1; // seconds in which the line goes on to where it will be

const { usual, learn } = usualTimes(groups);

export function Frame({ entry, image = null, ratio, partial = null, onDone = null, isFirst = false }) {
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
    ${image && html`<${Finished} image=${image} className=${fades ? (ready ? "fading" : "hidden") : ""} onReady=${done} />`}
    ${!(image && ready) && html`<${Waiting} entry=${entry} tells=${isFirst} />`}
  </li>`;
}

/** The image, a link to its own page, with its keys; what the buttons do is in the sheet, too. */
function Finished({ image, className, onReady }) {
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
  const lose = () => {
    setBroken(true);
    onReady();
  };
  useEffect(() => isVector(image) && onReady(), []);
  return html`<div class="finished ${className}" onKeyDown=${press}>
    <a href=${`/p/${image.id}`} aria-label=${label} aria-keyshortcuts=${acts.map(({ key }) => key).join(" ")}>
      <${Thumbnail} image=${image} onBroken=${lose} onLoad=${onReady} /></a>
    <button type="button" class="bare more" aria-haspopup="dialog" aria-label=${t("tasks.acts_of", { prompt: name })} onClick=${openSheet}><${Icon} name="more" /></button>
    <div class="over">
      ${acts.map((one) => html`<button type="button" class="bare" key=${one.name} tabindex="-1" aria-label=${nameOf(one, image)} title=${`${nameOf(one, image)} (${one.key})`}
        aria-pressed=${one.name === "star" ? favourite : undefined} onClick=${() => act(one, image)}><${Icon} name=${one.icon} filled=${one.name === "star" && favourite} /></button>`)}
    </div>
    ${Sheet && html`<${Sheet} image=${image} acts=${acts} onClose=${() => setSheet(null)} />`}
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
