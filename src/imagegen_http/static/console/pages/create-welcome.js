// What stands there before the first image: what this is, a try for nothing, and the way to a real provider.

import { change } from "../lib/drafts.js";
import { t } from "../lib/i18n.js";
import { catalogue } from "../lib/store.js";
import { html } from "../vendor/index.js";

const EXAMPLES = ["cat", "mountain", "poster"];

export function Welcome() {
  const draw = (event, prompt) => {
    change({ operation: "generate", prompt });
    event.currentTarget.closest(".create").querySelector("form").requestSubmit();
  };
  return html`<div class="welcome">
    <p>${t("create.welcome_demo")}</p>
    <div class="chips">
      ${EXAMPLES.map((name) => t(`create.example_${name}`)).map(
        (prompt) => html`<button type="button" class="chip" key=${prompt} onClick=${(event) => draw(event, prompt)}>${prompt}</button>`,
      )}
    </div>
    <h3>${t("create.connect")}</h3>
    <p class="muted">${t("create.connect_why")}</p>
    <ul class="tiles">
      ${distinct(catalogue.value.presets).map(
        ({ name, display_name }) => html`<li key=${name}><a class="tile" href=${`/providers/${encodeURIComponent(name)}`}>${display_name}</a></li>`,
      )}
      <li><a class="tile" href="/providers">${t("create.all_providers")}</a></li>
    </ul>
  </div>`;
}

/** Two ways to the same provider are one tile. */
function distinct(presets) {
  return [...new Map(presets.toReversed().map((preset) => [preset.display_name, preset])).values()].toReversed();
}
