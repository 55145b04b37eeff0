// The control of one parameter of a model, as the service describes it.

import { Field } from "./basics.js";
import { number } from "../lib/format.js";
import { named, t } from "../lib/i18n.js";
import { html } from "../vendor/index.js";

/** `value` is undefined where the model's own default holds; `onChange` gets the value, or undefined. */
export function Parameter({ of, value, error = "", onChange }) {
  const label = named(of.label, of.name);
  const range = rangeOf(of);
  const hint = [named(of.description), range].filter(Boolean).join(t("create.hint_joint"));
  return html`<${Field} label=${label} unit=${named(of.unit)} hint=${hint} error=${error} className=${of.enum || of.type !== "string" ? "" : "wide"}>
    ${(control) => (choices(of) ? choose(of, value, onChange, control) : write(of, value, onChange, control))}
  <//>`;
}

function choices({ enum: values, type }) {
  return values ?? (type === "boolean" ? [true, false] : null);
}

function choose(of, value, onChange, control) {
  const values = choices(of);
  const at = values.findIndex((one) => String(one) === String(value));
  const unset = of.default === undefined ? t("create.default") : t("create.default_is", { value: nameOf(of, of.default) });
  return html`<select ...${control} name=${of.name} value=${at < 0 ? "" : at}
    onChange=${({ target }) => onChange(target.value === "" ? undefined : values[Number(target.value)])}>
    <option value="">${unset}</option>
    ${values.map((one, index) => html`<option value=${index} key=${index}>${nameOf(of, one)}</option>`)}
  </select>`;
}

function write(of, value, onChange, control) {
  if (of.type === "string" && of.name.endsWith("prompt")) {
    return html`<textarea ...${control} name=${of.name} rows="2" value=${value ?? ""} onInput=${({ target }) => onChange(target.value === "" ? undefined : target.value)}></textarea>`;
  }
  const numeric = of.type === "integer" || of.type === "number";
  const list = !numeric && of.value_labels ? `${control.id}-values` : undefined;
  return html`<input ...${control} name=${of.name} inputmode=${numeric ? "decimal" : undefined} autocomplete="off" value=${value ?? ""} list=${list}
      placeholder=${of.default === undefined ? t("create.default") : t("create.default_is", { value: nameOf(of, of.default) })}
      onKeyDown=${numeric ? (event) => step(event, of, onChange) : undefined}
      onInput=${({ target }) => onChange(target.value === "" ? undefined : target.value)} />
    ${list && html`<datalist id=${list}>${Object.keys(of.value_labels).map((one) => html`<option value=${one} key=${one}>${nameOf(of, one)}</option>`)}</datalist>`}`;
}

/** One step up or down, within the range. */
function step(event, { type, minimum, maximum, multiple_of, default: otherwise }, onChange) {
  const way = { ArrowUp: 1, ArrowDown: -1 }[event.key];
  if (!way || event.isComposing) return;
  event.preventDefault();
  const now = Number(event.target.value === "" ? (otherwise ?? minimum ?? 0) : event.target.value);
  if (Number.isNaN(now)) return;
  const size = multiple_of ?? (type === "integer" || (maximum ?? 100) - (minimum ?? 0) > 10 ? 1 : 0.1);
  const next = Math.min(maximum ?? Infinity, Math.max(minimum ?? -Infinity, now + way * size));
  onChange(String(Number(next.toFixed(6))));
}

function nameOf({ value_labels, type }, value) {
  if (type === "boolean") return t(value ? "create.on" : "create.off");
  return named(value_labels?.[value], typeof value === "number" ? number(value) : String(value));
}

function rangeOf({ minimum, maximum, type }) {
  if (type !== "integer" && type !== "number") return "";
  if (minimum !== undefined && maximum !== undefined) return t("create.range", { min: minimum, max: maximum });
  if (minimum !== undefined) return t("create.at_least", { min: minimum });
  return maximum === undefined ? "" : t("create.at_most", { max: maximum });
}
