// Short messages at the lower edge. They are read aloud, and never take the focus.

import { t } from "../lib/i18n.js";
import { Icon } from "./icon.js";
import { html, signal } from "../vendor/index.js";

const MILLISECONDS = 6000;
const MAX_TOASTS = 3;

const toasts = signal([]);
let number = 0;

/**
 * Say something for a while. `kind` is `told` or `wrong`; `act` is `{ name, run, keys }`, for which the message is a
 * chance; `ended` is called when the chance is over. What went wrong stays until it is closed. While somebody points at
 * it or has the focus in it, it stays. Returns a function that takes it away, and does what it is called with.
 */
export function toast(text, { kind = "told", milliseconds = kind === "wrong" ? null : MILLISECONDS, act = null, ended = null } = {}) {
  const told = { id: ++number, text, kind, act, ended };
  for (const old of toasts.value.slice(0, Math.max(0, toasts.value.length + 1 - MAX_TOASTS))) end(old);
  toasts.value = [...toasts.value.filter((one) => one.text !== text), told];
  if (milliseconds) told.wait = () => (told.waiting = setTimeout(() => end(told), milliseconds));
  told.wait?.();
  return (done) => end(told, done);
}

function end(told, done = told.ended) {
  if (!toasts.value.includes(told)) return;
  toasts.value = toasts.value.filter((one) => one !== told);
  done?.();
}

export function Toasts() {
  return html`<div class="toasts" role="status" aria-live="polite">
    ${toasts.value.map(
      (told) => html`<div class="toast ${told.kind}" key=${told.id} onPointerEnter=${() => clearTimeout(told.waiting)} onPointerLeave=${told.wait}
        onFocusIn=${() => clearTimeout(told.waiting)} onFocusOut=${told.wait}>
        <p>${told.text}</p>
        ${told.act && html`<button type="button" aria-keyshortcuts=${told.act.keys} onClick=${() => end(told, told.act.run)}>${told.act.name}</button>`}
        <button type="button" class="bare" aria-label=${t("act.close")} onClick=${() => end(told)}><${Icon} name="close" /></button>
      </div>`,
    )}
  </div>`;
}
