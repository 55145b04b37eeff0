// A window over the page: it has the focus until it is closed, and gives it back.

import { t } from "../lib/i18n.js";
import { Icon } from "./icon.js";
import { html, render, useId, useLayoutEffect, useRef } from "../vendor/index.js";

/**
 * `kind` is `dialog`, in the middle, or `drawer`, at the side. `onClose` is called for Escape, the cross and a press
 * beside it.
 */
export function Dialog({ title, kind = "dialog", onClose, children, foot = null }) {
  const element = useRef(null);
  const heading = useId();
  // Before anything is painted: keys that are pressed meanwhile would reach the page behind it.
  useLayoutEffect(() => {
    const before = document.activeElement;
    element.current.showModal();
    return () => before?.isConnected && before.focus({ preventScroll: true });
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
