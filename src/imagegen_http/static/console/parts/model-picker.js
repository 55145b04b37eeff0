// Which model is asked, of which provider; what is retired says so.

import { t } from "../lib/i18n.js";
import { catalogue } from "../lib/store.js";
import { Field } from "./field.js";
import { html } from "../vendor/index.js";

/** `error` is what the service said of the choice; `onChange` gets `{ provider, model_id, operation }`. */
export function ModelPicker({ choice, error = "", onChange }) {
  const { provider, model } = choice;
  const { providers, default_provider: first } = catalogue.value;
  const groups = [...providers].filter(({ models }) => models.length).sort((a, b) => (b.name === first) - (a.name === first));
  const pick = ({ target }) => {
    const [one, at] = target.value.split("/").map(Number);
    const next = groups[one].models[at];
    const operation = next.capabilities.includes(choice.operation) ? choice.operation : next.capabilities[0];
    onChange({ provider: groups[one].name, model_id: next.id, operation });
  };
  const at = groups.indexOf(provider);
  return html`<${Field} label=${t("create.model")} hint=${provider.kind === "demo" ? t("create.demo") : ""}
      error=${error}>
      ${(control) => html`<select ...${control} name="model" value=${`${at}/${provider.models.indexOf(model)}`} onChange=${pick}>
        ${groups.map(
          ({ name, display_name, models }, one) => html`<optgroup label=${display_name || name} key=${name}>
            ${ordered(models).map((each) => html`<option value=${`${one}/${models.indexOf(each)}`} key=${each.id}>${title(each, models)}</option>`)}
          </optgroup>`,
        )}
      </select>`}
    <//>
    <${Lifecycle} of=${model} provider=${provider} onChange=${onChange} />`;
}

/** That a model ends, and the way to its replacement. */
function Lifecycle({ of: model, provider, onChange }) {
  if (!model.lifecycle || model.lifecycle.status === "active") return null;
  const { status, date, replacement } = model.lifecycle;
  const next = provider.models.find(({ id }) => id === replacement);
  return html`<p class="lifecycle"><span class="mark ${status === "retired" ? "wrong" : "warn"}">${t(`create.${status}`)}</span>
    <span>${date ? t("create.ends", { date }) : t("create.ending")}${replacement && !next && t("create.use_instead", { model: replacement })}</span>
    ${next && html`<button type="button" onClick=${() => onChange({ provider: provider.name, model_id: next.id })}>${t("create.use", { model: next.name || next.id })}</button>`}</p>`;
}

function ordered(models) {
  const rank = (model) => (model.default ? 0 : model.lifecycle?.status === "retired" ? 2 : 1);
  return [...models].sort((a, b) => rank(a) - rank(b));
}

function title(model, models) {
  const marks = [model.default && models.length > 1 && t("create.default")];
  if (model.lifecycle && model.lifecycle.status !== "active") marks.push([t(`create.${model.lifecycle.status}`), model.lifecycle.date].filter(Boolean).join(" "));
  const said = marks.filter(Boolean);
  const isOnly = models.filter(({ name }) => name === model.name).length === 1;
  const name = isOnly || !model.name ? model.name || model.id : `${model.name} · ${model.id}`;
  return said.length ? t("create.model_marked", { name, marks: said.join(t("create.hint_joint")) }) : name;
}
