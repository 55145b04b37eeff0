// The seed: random until one is typed, rolled or locked, and then it stays. Digits of any length are kept as they are.

import { Field, Icon } from "./basics.js";
import { named, t } from "../lib/i18n.js";
import { html } from "../vendor/index.js";

const MAX_ROLLED = 2 ** 32 - 1;

/** `last` is the seed of the newest image, which locking begins with; `onChange` gets digits, or undefined for random. */
export function SeedField({ of, value, last, error, onChange }) {
  const locked = value !== undefined && value !== "";
  const roll = () => {
    const [random] = crypto.getRandomValues(new Uint32Array(1));
    return String(random % (Math.min(of.maximum ?? MAX_ROLLED, MAX_ROLLED) + 1));
  };
  return html`<${Field} label=${named(of.label, of.name)} hint=${t(locked ? "more.seed_locked" : "more.seed_random")} error=${error} className="seed">
    ${(control) => html`<div class="joined">
      <input ...${control} name="seed" inputmode="numeric" autocomplete="off" maxlength="20" value=${value ?? ""}
        placeholder=${t("more.random")} onInput=${({ target }) => onChange(target.value.trim() || undefined)} />
      <button type="button" aria-label=${t("more.seed_roll")} title=${t("more.seed_roll")} onClick=${() => onChange(roll())}>
        <${Icon} name="dice" /></button>
      <button type="button" aria-pressed=${locked} aria-label=${t("more.seed_lock")} title=${t("more.seed_lock")}
        onClick=${() => onChange(locked ? undefined : (last ?? roll()))}><${Icon} name=${locked ? "lock" : "unlock"} /></button>
    </div>`}
  <//>`;
}
