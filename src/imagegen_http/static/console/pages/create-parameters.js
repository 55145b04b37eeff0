// The other parameters of a model: a few at once, the rest by the service's groups.

import { named, t } from "../lib/i18n.js";
import { setParameter } from "../lib/drafts.js";
import { catalogue } from "../lib/store.js";
import { Extras } from "../parts/extras.js";
import { Icon } from "../parts/icon.js";
import { Parameter } from "../parts/parameter.js";
import { SeedField } from "../parts/seed-field.js";
import { recent } from "./create-feed.js";
import { html } from "../vendor/index.js";

/** The fields that are shown at once. */
export function MainParameters({ of, params, errors, onChange }) {
  return html`<div class="parameters">${of.map((one) => control(one, params, errors, onChange))}</div>`;
}

/** The others, in the service's groups. */
export function AdvancedParameters({ seed, of, choice, params, errors, onChange, unknown }) {
  return html`${seed && html`<${SeedField} of=${seed} value=${params.seed} last=${lastSeed()} error=${errors.seed} onChange=${(value) => onChange("seed", value)} />`}
    ${catalogue.value.groups.map(({ id, label }) => {
      const members = ordered(of.filter(({ group }) => group === id), choice.model.form);
      if (!members.length) return null;
      return html`<fieldset key=${id}><legend>${named(label)}</legend>
        <div class="parameters">${members.map((one) => control(one, params, errors, onChange))}</div></fieldset>`;
    })}
    ${choice.model.accepts_extras && html`<${Extras} errors=${errors} />`}
    ${unknown.length > 0 && html`<${Unknown} names=${unknown} params=${params} />`}`;
}

/** Values that came from another model: kept, and not sent. */
function Unknown({ names, params }) {
  return html`<div class="unknown"><p class="hint">${t("create.kept_values", { n: names.length })}</p>
    <ul class="chips">${names.map(
      (name) => html`<li key=${name}><button type="button" class="chip" aria-label=${t("create.drop_value", { name })} onClick=${() => setParameter(name, undefined)}>
        <code>${name}</code> ${String(params[name])}<${Icon} name="close" /></button></li>`,
    )}</ul></div>`;
}

function control(one, params, errors, onChange) {
  return html`<${Parameter} key=${one.name} of=${one} value=${params[one.name]} error=${errors[one.name]} onChange=${(value) => onChange(one.name, value)} />`;
}

function ordered(members, form) {
  const place = ({ name }) => (form.includes(name) ? form.indexOf(name) : form.length);
  return [...members].sort((a, b) => place(a) - place(b));
}

function lastSeed() {
  const seed = recent.value?.[0]?.metadata?.seed;
  return seed === undefined || seed === null ? undefined : String(seed);
}
