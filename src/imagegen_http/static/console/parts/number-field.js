// A small whole number, with a button for each step.

import { t } from "../lib/i18n.js";
import { Field } from "./field.js";
import { Icon } from "./icon.js";
import { html } from "../vendor/index.js";

export function NumberField({ label, value, min = 1, max, error = "", onChange }) {
  const set = (next) => onChange(Math.min(max, Math.max(min, Math.round(next) || min)));
  return html`<${Field} label=${label} error=${error} className="count">
    ${(control) => html`<div class="joined">
      <button type="button" aria-label=${t("create.less")} disabled=${value <= min} onClick=${() => set(value - 1)}><${Icon} name="minus" /></button>
      <input ...${control} type="number" inputmode="numeric" min=${min} max=${max} value=${value}
        onInput=${({ target }) => target.value && set(target.valueAsNumber)} onBlur=${({ target }) => (target.value = value)} />
      <button type="button" aria-label=${t("create.more")} disabled=${value >= max} onClick=${() => set(value + 1)}><${Icon} name="plus" /></button>
    </div>`}
  <//>`;
}
