import { t } from "../lib/i18n.js";
import { html } from "../vendor/index.js";

export default function Page() {
  return html`<div class="page"><header><h1>${t("pages.create")}</h1></header></div>`;
}
