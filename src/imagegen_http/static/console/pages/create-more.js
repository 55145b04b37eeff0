// The parameters of a model that are shown when they are asked for: the seed, then the rest by the service's groups.

import { groups } from "./create-feed.js";
import { control } from "./create-parameters.js";
import { catalogue } from "../lib/api.js";
import { setParameter } from "../lib/drafts.js";
import { fetchSentences, named, t } from "../lib/i18n.js";
import { Icon, Lazy } from "../parts/basics.js";
import { SeedField } from "../parts/seed-field.js";
import { html, useEffect, useRef } from "../vendor/index.js";

await fetchSentences("more");

const loadExtras = async () => (await import("../parts/extras.js")).Extras;

export function AdvancedParameters({ seed, of, choice, params, errors, onChange, unknown }) {
  const first = useRef(null);
  useEffect(() => first.current.closest("details").scrollIntoView({ block: "nearest" }), []); // it opens where it cannot be seen
  return html`<span ref=${first}></span>${seed && html`<${SeedField} of=${seed} value=${params.seed} last=${lastSeed()} error=${errors.seed} onChange=${(value) => onChange("seed", value)} />`}
    ${catalogue.value.groups.map(({ id, label }) => {
      const members = ordered(of.filter(({ group }) => group === id), choice.model.form);
      if (!members.length) return null;
      return html`<fieldset key=${id}><legend>${named(label)}</legend>
        <div class="parameters">${members.map((one) => control(one, params, errors, onChange))}</div></fieldset>`;
    })}
    ${choice.model.accepts_extras && html`<${Lazy} load=${loadExtras} errors=${errors} />`}
    ${unknown.length > 0 && html`<${Unknown} names=${unknown} params=${params} />`}`;
}

/** Values that came from another model: kept, and not sent. */
function Unknown({ names, params }) {
  return html`<div class="unknown"><p class="hint">${t("more.kept_values", { n: names.length })}</p>
    <ul class="chips">${names.map(
      (name) => html`<li key=${name}><button type="button" class="chip" aria-label=${t("more.drop_value", { name })} onClick=${() => setParameter(name, undefined)}>
        <code>${name}</code> ${String(params[name])}<${Icon} name="close" /></button></li>`,
    )}</ul></div>`;
}

function ordered(members, form) {
  const place = ({ name }) => (form.includes(name) ? form.indexOf(name) : form.length);
  return [...members].sort((a, b) => place(a) - place(b));
}

function lastSeed() {
  const seed = groups.value.find(({ images }) => images?.length)?.images[0].metadata?.seed;
  return seed === undefined || seed === null ? undefined : String(seed);
}
