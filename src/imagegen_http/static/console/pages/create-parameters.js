// The other parameters of a model that are shown at once.

import { Parameter } from "../parts/parameter.js";
import { html } from "../vendor/index.js";

/** The fields that are shown at once. */
export function MainParameters({ of, params, errors, onChange }) {
  return html`<div class="parameters">${of.map((one) => control(one, params, errors, onChange))}</div>`;
}

export function control(one, params, errors, onChange) {
  return html`<${Parameter} key=${one.name} of=${one} value=${params[one.name]} error=${errors[one.name]} onChange=${(value) => onChange(one.name, value)} />`;
}
