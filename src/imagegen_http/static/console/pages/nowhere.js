// An address that names no page.

import { fetchSentences, t } from "../lib/i18n.js";
import { Empty } from "../parts/basics.js";
import { html } from "../vendor/index.js";

await fetchSentences("more");

export function Nowhere() {
  return html`<${Empty} icon="search" title=${t("more.nowhere_title")} why=${t("more.nowhere_why")}>
    <a class="button main" href="/">${t("nowhere.act")}</a>
  <//>`;
}
