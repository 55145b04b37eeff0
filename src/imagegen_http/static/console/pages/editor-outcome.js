// What becomes of an edit, where its image was painted: the frame that develops, then the result over the original.

import { dismiss, follow, groups } from "./create-feed.js";
import { Cancel, Failure, Frames } from "./create-group.js";
import { get } from "../lib/api.js";
import { cost } from "../lib/format.js";
import { t } from "../lib/i18n.js";
import { gone } from "../lib/images.js";
import { dismissed } from "../lib/kept.js";
import { ENDED, onResume, onTask } from "../lib/live.js";
import { keepEdit } from "../lib/masks.js";
import { go } from "../lib/router.js";
import { Icon, Problem } from "../parts/basics.js";
import { frameOf } from "../parts/mask.js";
import { html, useEffect, useRef, useState } from "../vendor/index.js";

/**
 * Return `{ entry, error, isOpen }` of what was pressed, or of the task that it has become; null where there is neither. `entry`
 * is a group of the feed; null until it is known.
 */
export function useOutcome(task_id, pressed) {
  const [told, setTold] = useState({});
  useEffect(follow, []);
  useEffect(() => {
    if (!task_id) return undefined;
    let current = true;
    const look = () =>
      get(`/api/v1/tasks/${task_id}`).then(
        (task) => current && setTold({ task_id, task }),
        (error) => current && setTold({ task_id, error }),
      );
    look();
    const stops = [onTask((change) => change.task_id === task_id && ENDED.includes(change.status) && look()), onResume(look)];
    return () => {
      current = false;
      for (const stop of stops) stop();
    };
  }, [task_id]);
  if (pressed) return { entry: groups.value.find(({ wish }) => wish === pressed) ?? null, error: null, isOpen: true };
  if (!task_id || dismissed.value.has(task_id)) return null;
  const { task = null, error = null } = told.task_id === task_id ? told : {};
  const heard = groups.value.find((one) => one.task_id === task_id);
  const entry = task && (ENDED.includes(task.status) || !heard) ? { ...heard, ...task, image_ids: task.images.map(({ id }) => id) } : (heard ?? null);
  return { entry, error, isOpen: !error && !ENDED.includes(entry?.status) };
}

/** `wish` is the draft of the edit, whose model goes on with the result. */
export function Outcome({ image, sides, wish, entry, error }) {
  const heading = useRef(null);
  const status = entry?.status;
  const back = () => {
    if (status === "failed") dismiss(entry.task_id);
    keepEdit(image.id, { task_id: null });
  };
  const result = status === "completed" && entry.images?.find(({ id }) => !gone.value.has(id));
  useEffect(() => {
    if (document.activeElement === document.body) heading.current.focus({ preventScroll: true });
  }, [status]);
  const goOn = () => {
    keepEdit(result.id, { from: image.id, provider: wish.provider, model_id: wish.model_id });
    go(`/p/${result.id}/edit`);
  };
  const isOpen = !error && !ENDED.includes(status);
  const state = t(`editor.${error ? "unknown" : result ? "result" : isOpen ? "making" : status === "completed" ? "result_gone" : status}`);
  return html`<section class="outcome">
    <h2 ref=${heading} tabindex="-1">${state}</h2>
    <p class="unseen" role="status">${state}</p>
    ${error && html`<${Problem} error=${error} />`}
    ${(entry?.warnings ?? []).map((warning) => html`<p class="warning">${warning}</p>`)}
    ${result && html`<${Versus} image=${image} sides=${sides} result=${result} />`}
    ${entry && isOpen && html`<div class="developing"><${Frames} entry=${entry} /></div>`}
    ${status === "failed" && html`<${Failure} entry=${entry} onEdit=${back} onRetried=${(_, { task_id }) => keepEdit(image.id, { task_id })} />`}
    <div class="acts">
      ${result && html`<button type="button" class="main" onClick=${goOn}><${Icon} name="edit" />${t("editor.go_on")}</button>`}
      ${isOpen && entry?.task_id && html`<${Cancel} entry=${entry} />`}
      ${status !== "sending" && status !== "failed" && html`<button type="button" onClick=${back}><${Icon} name="undo" />${t("editor.to_original")}</button>`}
      ${result && html`<a class="button" href=${`/p/${result.id}`}><${Icon} name="gallery" />${t("editor.open")}</a>`}
      ${result && entry.costs && html`<span class="muted">${entry.costs.length ? entry.costs.map(cost).join(" + ") : t("cost.none")}</span>`}
    </div>
  </section>`;
}

/** The original at the left of a line, the result at its right. */
function Versus({ image, sides, result }) {
  const [at, setAt] = useState(50);
  const [broken, setBroken] = useState(false);
  const { width, height } = frameOf(image, sides);
  const share = (part, whole) => `${(part / whole) * 100}%`;
  const place = { left: share(sides.left, width), top: share(sides.top, height), width: share(image.width, width), height: share(image.height, height) };
  if (broken) return html`<p class="broken" role="alert">${t("images.broken")}</p>`;
  return html`<div class="versus" style=${{ "--ratio": (width / height).toFixed(4), "--at": `${at}%` }}>
    <img src=${result.image_url} alt=${t("editor.result_of", { prompt: result.prompt })} onError=${() => setBroken(true)} />
    <div class="before"><img src=${image.image_url} alt=${t("editor.original")} style=${place} /></div>
    <i aria-hidden="true"></i>
    <span class="mark">${t("editor.original")}</span><span class="mark">${t("editor.result_short")}</span>
    <input type="range" min="0" max="100" value=${at} aria-label=${t("editor.compare")} aria-valuetext=${t("editor.compare_at", { n: at })}
      onInput=${({ target }) => setAt(target.valueAsNumber)} />
  </div>`;
}
