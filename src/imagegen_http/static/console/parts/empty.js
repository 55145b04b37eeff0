// What a page says when there is nothing on it: one line, why, and one button.

import { Icon } from "./icon.js";
import { html } from "../vendor/index.js";

export function Empty({ icon = "image", title, why = "", children = null }) {
  return html`<section class="empty">
    <${Icon} name=${icon} />
    <h2>${title}</h2>
    ${why && html`<p>${why}</p>`}
    ${children}
  </section>`;
}
