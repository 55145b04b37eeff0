// The parameters of a task, among which are some that their model has no field for.

import { ownNames, readExtra } from "./requests.js";

/** Return the draft with what has no field where it can be edited, if the model takes it. */
export function withExtras(draft, { model }) {
  if (!model.accepts_extras) return draft;
  const own = ownNames(model);
  const entries = Object.entries(draft.params);
  const extras = entries.filter(([name]) => !own.has(name)).map(([name, value]) => ({ name, text: extraText(value) }));
  return { ...draft, params: Object.fromEntries(entries.filter(([name]) => own.has(name))), extras };
}

/** The text of a value. */
function extraText(value) {
  return typeof value === "string" && readExtra(value).value === value ? value : JSON.stringify(value);
}
