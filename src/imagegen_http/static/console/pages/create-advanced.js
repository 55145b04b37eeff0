// Which of a model's other parameters are shown at once, and which when they are asked for.

import { writtenExtras } from "../lib/extras.js";
import { t } from "../lib/i18n.js";
import { parameter, parametersOf } from "../lib/requests.js";
import { Lazy } from "../parts/lazy.js";
import { html, useEffect, useState } from "../vendor/index.js";

const AT_ONCE = ["basic", "size", "look", "editing"]; // groups whose fields of the form need not be opened
const loadMain = async () => (await import("./create-parameters.js")).MainParameters;
const loadAdvanced = async () => (await import("./create-more.js")).AdvancedParameters;

export function Parameters({ choice, unknown, extras, ...shared }) {
  const [open, setOpen] = useState(false);
  const fields = parametersOf(choice).filter(hasChoice);
  const main = fields.filter((one) => isMain(one, choice.model));
  const rest = fields.filter((one) => !isMain(one, choice.model));
  const seed = parameter(choice, "seed");
  const names = [...rest.map(({ name }) => name), ...(seed ? ["seed"] : [])];
  const more = choice.model.accepts_extras ? writtenExtras(extras) : [];
  const wrong = [...names, ...more.map(({ name }) => name.trim()), ...more.map((row) => `extras.${extras.indexOf(row)}`)].some((name) => shared.errors[name]);
  useEffect(() => wrong && setOpen(true), [wrong]);
  const set = names.filter((name) => (shared.params[name] ?? "") !== "").length + more.length;
  return html`${main.length > 0 && html`<${Lazy} load=${loadMain} of=${main} ...${shared} />`}
    ${(names.length > 0 || unknown.length > 0 || choice.model.accepts_extras) &&
    html`<details class="advanced" open=${open} onToggle=${({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>${t("create.advanced")}${set > 0 && html` <span class="badge">${set}</span>`}</summary>
      ${open && html`<${Lazy} load=${loadAdvanced} seed=${seed} of=${rest} choice=${choice} unknown=${unknown} ...${shared} />`}
    </details>`}`;
}

function isMain({ name, group }, { form }) {
  return form.includes(name) && AT_ONCE.includes(group) && name !== "negative_prompt";
}

/** A single value is no choice. */
function hasChoice({ enum: values }) {
  return !values || values.length > 1;
}
