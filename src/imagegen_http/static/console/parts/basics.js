// The small parts of every page: icons, fields, notices, and what is fetched later.

import { t } from "../lib/i18n.js";
import { html, signal, useEffect, useId, useState } from "../vendor/index.js";

// Line icons on a grid of 24, in the colour of the text. They say nothing to assistive software: their control does.

const PATHS = {
  create: "M12 3l1.9 5.6L19.5 10.5l-5.6 1.9L12 18l-1.9-5.6L4.5 10.5l5.6-1.9zM19 16v4M17 18h4",
  gallery: "M4 4h7v7H4zM13 4h7v7h-7zM4 13h7v7H4zM13 13h7v7h-7z",
  tasks: "M9 6h11M9 12h11M9 18h11M4 6h1M4 12h1M4 18h1",
  providers: "M4 5h16v6H4zM4 13h16v6H4zM8 8h.01M8 16h.01",
  usage: "M4 20V4M4 20h16M8 16v-4M12 16V8M16 16v-6",
  settings: "M4 7h10M18 7h2M4 17h2M10 17h10M14 4.5v5M6 14.5v5",
  search: "M11 4a7 7 0 1 0 0 14a7 7 0 0 0 0-14zM16 16l5 5",
  sun: "M12 8a4 4 0 1 0 0 8a4 4 0 0 0 0-8zM12 2v3M12 19v3M2 12h3M19 12h3M5 5l2 2M17 17l2 2M5 19l2-2M17 7l2-2",
  moon: "M20 14.5A8.5 8.5 0 1 1 9.5 4a6.5 6.5 0 0 0 10.5 10.5z",
  close: "M6 6l12 12M18 6L6 18",
  plus: "M12 5v14M5 12h14",
  minus: "M5 12h14",
  star: "M12 3.5l2.6 5.4 5.9.8-4.3 4.1 1 5.9-5.2-2.8-5.2 2.8 1-5.9L3.5 9.7l5.9-.8z",
  trash: "M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13M10 11v6M14 11v6",
  download: "M12 4v11M7 11l5 5 5-5M4 20h16",
  upload: "M12 16V4M7 9l5-5 5 5M4 20h16",
  tag: "M4 4h7l9 9-7 7-9-9zM8 8h.01",
  folder: "M3 6h6l2 2h10v11H3z",
  compare: "M12 3v18M4 6h5v12H4zM15 6h5v12h-5z",
  left: "M15 5l-7 7 7 7",
  right: "M9 5l7 7-7 7",
  down: "M5 9l7 7 7-7",
  up: "M5 15l7-7 7 7",
  order: "M8 5v14M4 15l4 4 4-4M15 7h6M15 12h4M15 17h2",
  check: "M5 12.5l4.5 4.5L19 7.5",
  dice: "M4 4h16v16H4zM8.5 8.5h.01M15.5 8.5h.01M12 12h.01M8.5 15.5h.01M15.5 15.5h.01",
  lock: "M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3",
  unlock: "M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 6.7-1.4",
  undo: "M8 5L4 9l4 4M4 9h10a6 6 0 0 1 0 12h-3",
  redo: "M16 5l4 4-4 4M20 9H10a6 6 0 0 0 0 12h3",
  invert: "M12 3a9 9 0 1 0 0 18zM12 3a9 9 0 0 1 0 18",
  brush: "M20 4L9.5 14.5M9 14c-3 0-3 3-3 4s-1 2-2 2c2 1 7 1 7-3 0-1.5-.8-3-2-3z",
  eraser: "M8 20l-5-5L14 4l7 7-9 9zM8.5 9.5l7 7M12 20h9",
  lasso: "M12 5c5 0 8 2 8 5s-3 5-8 5-8-2-8-5 3-5 8-5zM7 14c-2 1-2 3 0 4s2 2 1 3",
  rectangle: "M4 6h16v12H4z",
  zoom: "M11 4a7 7 0 1 0 0 14a7 7 0 0 0 0-14zM16 16l5 5M8 11h6M11 8v6",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  link: "M10 14l4-4M8.5 11.5L6 14a4 4 0 0 0 6 6l2-2M15.5 12.5L18 10a4 4 0 0 0-6-6l-2 2",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  warning: "M12 4l9 16H3zM12 10v4M12 17h.01",
  again: "M4 12a8 8 0 0 1 14-5.3L20 9M20 4v5h-5M20 12a8 8 0 0 1-14 5.3L4 15M4 20v-5h5",
  image: "M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15.5 9h.01",
  edit: "M4 20l1-4L16 5l3 3L8 19zM14 7l3 3",
  full: "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5",
  key: "M8 11a4 4 0 1 0 0 8a4 4 0 0 0 0-8zM11 12l9-9M17 6l2 2M14.5 8.5l1.5 1.5",
  logout: "M10 4H5v16h5M14 8l4 4-4 4M9 12h9",
  document: "M6 3h8l4 4v14H6zM14 3v4h4M9 12h6M9 16h6",
  language: "M4 6h9M8.5 4v2c0 4-2 7-4.5 9M6 10c1 3 4 5 6 5M12 20l4.5-11L21 20M13.5 16.5h6",
  clock: "M12 3a9 9 0 1 0 0 18a9 9 0 0 0 0-18zM12 7v5l3 3",
};

export function Icon({ name, filled = false }) {
  return html`<svg class=${filled ? "icon filled" : "icon"} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
    <path d=${PATHS[name]} /></svg>`;
}

// A control with its name, a word of help, and what is wrong with it.

/** `children` is a function that gets `{ id, "aria-describedby", "aria-invalid" }` for the control. */
export function Field({ label, hint = "", error = "", unit = "", className = "", children }) {
  const id = useId();
  const described = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(" ") || undefined;
  const control = children({ id, "aria-describedby": described, "aria-invalid": error ? "true" : undefined });
  return html`<div class="field ${className}">
    <label for=${id}>${label}${unit && html` <span class="unit">${unit}</span>`}</label>
    ${control}
    ${hint && html`<p class="hint" id=${`${id}-hint`}>${hint}</p>`}
    ${error && html`<p class="error" id=${`${id}-error`} role="alert">${error}</p>`}
  </div>`;
}

// A small whole number, with a button for each step.

export function NumberField({ label, value, min = 1, max, error = "", onChange }) {
  const set = (next) => onChange(Math.min(max, Math.max(min, Math.round(next) || min)));
  return html`<${Field} label=${label} error=${error} className="count">
    ${(control) => html`<div class="joined">
      <button type="button" aria-label=${t("create.less")} disabled=${value <= min} onClick=${() => set(value - 1)}><${Icon} name="minus" /></button>
      <input ...${control} type="number" inputmode="numeric" min=${min} max=${max} value=${value}
        onInput=${({ target }) => target.value && set(target.valueAsNumber)} onBlur=${({ target }) => (target.value = value)} />
      <button type="button" aria-label=${t("create.more")} disabled=${value >= max} onClick=${() => set(value + 1)}><${Icon} name="plus" /></button>
    </div>`}
  <//>`;
}

// What a page says when there is nothing on it: one line, why, and one button.

export function Empty({ icon = "image", title, why = "", children = null }) {
  return html`<section class="empty">
    <${Icon} name=${icon} />
    <h2>${title}</h2>
    ${why && html`<p>${why}</p>`}
    ${children}
  </section>`;
}

// What went wrong where something should be shown, and a way to try again.

export function Problem({ error, again = null }) {
  return html`<div class="problem" role="alert">
    <${Icon} name="warning" />
    <p>${error.text ?? error.message}</p>
    ${again && html`<button type="button" onClick=${again}>${t("act.again")}</button>`}
  </div>`;
}

// A component whose module is fetched when it is first shown.

/** `load` resolves to the component, which gets all other properties. */
export function Lazy({ load, ...properties }) {
  const [{ Content, failed }, set] = useState({ Content: null, failed: false });
  useEffect(() => {
    let shown = true;
    load().then(
      (component) => shown && set({ Content: component, failed: false }),
      () => shown && set({ Content: null, failed: true }),
    );
    return () => {
      shown = false;
    };
  }, []);
  if (failed) return html`<${Problem} error=${{ message: t("problem.page") }} again=${() => location.reload()} />`;
  return Content && html`<${Content} ...${properties} />`;
}

// Short messages at the lower edge. They are read aloud, and never take the focus.

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
