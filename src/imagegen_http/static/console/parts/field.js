// A control with its name, a word of help, and what is wrong with it.

import { html, useId } from "../vendor/index.js";

/** `children` is a function that gets `{ id, "aria-describedby", "aria-invalid" }` for the control. */
export function Field({ label, hint = "", error = "", unit = "", className = "", children }) {
  const id = useId();
  const described = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(" ") || undefined;
  const control = children({ id, "aria-describedby": described, "aria-invalid": error ? "true" : undefined });
  return html`<div class="field ${className}">
    <label for=${id}>${label}${unit && html` <span class="unit">${unit}</span>`}</label>
    ${control}
    ${hint && html`<p class="hint" id=${`${id}-hint`}>${hint}</p>`}
    ${error && html`<p class="error" id=${`${id}-error`} role="alert">${error}</p>`}
  </div>`;
}
