// Parameters by name and value, for models that take any.

import { Icon } from "./basics.js";
import { change, draft } from "../lib/drafts.js";
import { fetchSentences, t } from "../lib/i18n.js";
import { readExtra } from "../lib/requests.js";
import { html, useId, useRef } from "../vendor/index.js";

await fetchSentences("extras");

const MAX_EXTRAS = 50;

/** `errors` has what is wrong by the row, as `extras.0`, or by the name of a parameter. */
export function Extras({ errors }) {
  const list = useRef(null);
  const { extras } = draft.value;
  const edit = (at, changes) => change({ extras: draft.peek().extras.map((row, one) => (one === at ? { ...row, ...changes } : row)) });
  const add = () => {
    change({ extras: [...draft.peek().extras, { name: "", text: "" }] });
    requestAnimationFrame(() => list.current?.querySelector("li:last-child input").focus());
  };
  const drop = (at) => {
    change({ extras: draft.peek().extras.filter((_, one) => one !== at) });
    requestAnimationFrame(() => {
      const rows = list.current?.querySelectorAll(".drop") ?? [];
      (rows[at] ?? rows[at - 1] ?? list.current?.nextElementSibling).focus();
    });
  };
  return html`<fieldset class="extras"><legend>${t("extras.extras")}</legend>
    <p class="hint">${t("extras.extras_hint")}</p>
    <ol ref=${list}>${extras.map(
      (row, at) => html`<${Extra} key=${at} row=${row} number=${at + 1} error=${errors[`extras.${at}`] ?? errors[row.name.trim()]}
        onChange=${(changes) => edit(at, changes)} onDrop=${() => drop(at)} />`,
    )}</ol>
    <button type="button" disabled=${extras.length >= MAX_EXTRAS} onClick=${add}><${Icon} name="plus" />${t("extras.add_extra")}</button>
  </fieldset>`;
}

function Extra({ row, number, error, onChange, onDrop }) {
  const id = useId();
  const control = { "aria-describedby": `${id}-hint`, "aria-invalid": error ? "true" : undefined, autocomplete: "off", spellcheck: false };
  return html`<li class="field">
    <div class="pair">
      <input ...${control} value=${row.name} placeholder=${t("extras.extra_name")} aria-label=${t("extras.extra_name_of", { n: number })}
        autocapitalize="none" maxlength="100" onInput=${({ target }) => onChange({ name: target.value })} />
      <textarea ...${control} rows="1" value=${row.text} placeholder=${t("extras.extra_value")} aria-label=${t("extras.extra_value_of", { n: number })}
        onInput=${({ target }) => onChange({ text: target.value })}></textarea>
      <button type="button" class="bare drop" aria-label=${t("extras.drop_extra", { n: number })} onClick=${onDrop}><${Icon} name="close" /></button>
    </div>
    <p id=${`${id}-hint`} class=${error ? "error" : "hint"} role=${error ? "alert" : undefined}>${error || kindOf(row.text)}</p>
  </li>`;
}

/** As what the text will be sent. */
function kindOf(text) {
  const { value, problem } = readExtra(text);
  if (problem) return "";
  const kind = value === null ? "null" : Array.isArray(value) ? "array" : typeof value;
  return t(`extras.kind_${kind}`);
}
