// What went wrong where something should be shown, and a way to try again.

import { t } from "../lib/i18n.js";
import { Icon } from "./icon.js";
import { html } from "../vendor/index.js";

export function Problem({ error, again = null }) {
  return html`<div class="problem" role="alert">
    <${Icon} name="warning" />
    <p>${error.text ?? error.message}</p>
    ${again && html`<button type="button" onClick=${again}>${t("act.again")}</button>`}
  </div>`;
}
