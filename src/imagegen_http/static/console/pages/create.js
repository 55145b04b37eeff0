// The page on which images are asked for: a form, and beside it what has become of it.

import { choiceOf } from "../lib/requests.js";
import { draft } from "../lib/drafts.js";
import { t } from "../lib/i18n.js";
import { catalogue, loadProviders, problem } from "../lib/store.js";
import { Empty } from "../parts/empty.js";
import { Problem } from "../parts/problem.js";
import { follow } from "./create-feed.js";
import { CreateForm } from "./create-form.js";
import { Results } from "./create-results.js";
import { html, useEffect, useRef } from "../vendor/index.js";

export default function Page() {
  const results = useRef(null);
  useEffect(follow, []);
  const choice = choiceOf(draft.value);
  return html`<div class="page create">
    <h1 class="unseen">${t("pages.create")}</h1>
    <div class="ask">
      ${choice && html`<${CreateForm} choice=${choice} results=${results} />`}
      ${!choice && problem.value && html`<${Problem} error=${problem.value} again=${loadProviders} />`}
      ${!choice && catalogue.value && html`<${Empty} icon="providers" title=${t("create.no_model")} why=${t("create.no_model_why")}>
        <a class="button main" href="/providers">${t("create.to_providers")}</a><//>`}
      ${!choice && !catalogue.value && !problem.value && html`<p class="loading" aria-busy="true"></p>`}
    </div>
    <${Results} heading=${results} />
  </div>`;
}
