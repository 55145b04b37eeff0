// A window over the page: it has the focus until it is closed, and gives it back.

import { Icon } from "./basics.js";
import { t } from "../lib/i18n.js";
import { html, render, useId, useLayoutEffect, useRef } from "../vendor/index.js";

const STOPS = "a[href], button:not(:disabled), input:not(:disabled), select, textarea, [tabindex='0']";

/**
 * `kind` is `dialog`, in the middle, or `drawer`, at the side. `onClose` is called for Escape, the cross and a press
 * beside it. `next` is a selector of what gets the focus where that which opened it is gone.
 */
export function Dialog({ title, kind = "dialog", onClose, children, foot = null, next = null }) {
  const element = useRef(null);
  const heading = useId();
  // Before anything is painted: keys that are pressed meanwhile would reach the page behind it.
  useLayoutEffect(() => {
    const dialog = element.current;
    const before = withAncestors(document.activeElement);
    dialog.showModal();
    return () => {
      dialog.close(); // until then, nothing behind it can have the focus
      giveBack(before, next);
    };
  }, []);
  const beside = (event) => event.target === element.current && onClose();
  const cancel = (event) => {
    event.preventDefault();
    onClose();
  };
  return html`<dialog class=${kind} ref=${element} aria-labelledby=${heading} onCancel=${cancel} onPointerDown=${beside}>
    <header>
      <h2 id=${heading}>${title}</h2>
      <button type="button" class="bare" aria-label=${t("act.close")} onClick=${onClose}><${Icon} name="close" /></button>
    </header>
    <div class="body">${children}</div>
    ${foot && html`<footer>${foot}</footer>`}
  </dialog>`;
}

function withAncestors(element) {
  return element && element !== document.body ? [element, ...withAncestors(element.parentElement)] : [];
}

/** Give the focus to what had it, else to `next`, else to what is nearest to where that was, else to the page's heading. */
function giveBack([opener, ...around], next) {
  const tries = [
    () => opener?.isConnected && opener,
    () => next && document.querySelector(next),
    () => around.find((one) => one.isConnected && one.querySelector(STOPS))?.querySelector(STOPS),
  ];
  for (const find of tries) {
    const found = find();
    if (!found) continue;
    found.focus({ preventScroll: true });
    if (document.activeElement === found) return;
  }
  const heading = document.querySelector("#main h1");
  if (heading) heading.tabIndex = -1;
  heading?.focus({ preventScroll: true });
}

/** Ask whether to go on; resolve to true or false. `back` is what the button is called that does not. */
export function confirm({ title, text, act, back = t("act.cancel"), danger = false }) {
  const room = document.body.appendChild(document.createElement("div"));
  return new Promise((resolve) => {
    const answer = (value) => {
      render(null, room);
      room.remove();
      resolve(value);
    };
    const foot = html`<button type="button" onClick=${() => answer(false)}>${back}</button>
      <button type="button" class=${danger ? "danger" : "main"} onClick=${() => answer(true)}>${act}</button>`;
    render(html`<${Dialog} title=${title} onClose=${() => answer(false)} foot=${foot}><p>${text}</p><//>`, room);
  });
}
