// An address that names no page.

import { t } from "../lib/i18n.js";
import { Empty } from "../parts/empty.js";
import { html } from "../vendor/index.js";

export function Nowhere() {
  return html`<${Empty} icon="search" title=${t("nowhere.title")} why=${t("nowhere.why")}>
    <a class="button main" href="/">${t("nowhere.act")}</a>
  <//>`;
}
