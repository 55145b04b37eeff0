// What stands there before the first image: what this is, a try for nothing, and the way to a real provider.

import { change } from "../lib/drafts.js";
import { t } from "../lib/i18n.js";
import { catalogue, onlyDemo } from "../lib/store.js";
import { groups, known } from "./create-feed.js";
import { computed, html } from "../vendor/index.js";

const EXAMPLES = ["cat", "mountain", "poster"];

/** Whether nothing was ever made, and nothing but the demo can make it. */
export const isFirstVisit = computed(() => onlyDemo.value && known.value && !groups.value.length);

/** What the form is good for. */
export function Welcome() {
  return html`<div class="welcome"><h2>${t("create.welcome")}</h2><p>${t("create.welcome_demo")}</p></div>`;
}

/** Prompts that are one press away from an image. */
export function Examples() {
  const draw = ({ currentTarget }, prompt) => {
    const page = currentTarget.closest(".create");
    change({ operation: "generate", prompt });
    page.querySelector("form").requestSubmit();
    page.querySelector(".results h2").focus({ preventScroll: true }); // the examples leave
  };
  return html`<div class="chips examples" role="group" aria-label=${t("create.examples")}>
    ${EXAMPLES.map((name) => t(`create.example_${name}`)).map(
      (prompt) => html`<button type="button" class="chip" key=${prompt} onClick=${(event) => draw(event, prompt)}>${prompt}</button>`,
    )}
  </div>`;
}

export function RealProviders() {
  return html`<p class="muted">${t("create.connect_why")}</p>
    <ul class="tiles">
      ${distinct(catalogue.value.presets).map(
        ({ name, display_name }) => html`<li key=${name}><a class="tile" href=${`/providers/${encodeURIComponent(name)}`}>${display_name}</a></li>`,
      )}
      <li><a class="tile" href="/providers">${t("create.all_providers")}</a></li>
    </ul>`;
}

/** Two ways to the same provider are one tile. */
function distinct(presets) {
  return [...new Map(presets.toReversed().map((preset) => [preset.display_name, preset])).values()].toReversed();
}
