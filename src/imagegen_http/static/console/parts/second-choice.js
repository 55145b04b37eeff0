// Who is asked next where the first has provably charged nothing.

import { Field } from "./basics.js";
import { catalogue } from "../lib/api.js";
import { fetchSentences, t } from "../lib/i18n.js";
import { html, useEffect } from "../vendor/index.js";

await fetchSentences("more");

/** `onChange` gets `{ fallback }`; one that is there no longer, or cannot do this, is dropped. */
export function SecondChoice({ draft: { fallback }, choice, onChange }) {
  const [named] = fallback;
  const others = othersOf(choice);
  const at = others.findIndex(({ target }) => target.provider === named?.provider && target.model_id === named.model_id);
  const choose = (one) => onChange({ fallback: one ? [one.target] : [] });
  useEffect(() => named && at < 0 && choose(null), [named, at]);
  if (!others.length) return null;
  return html`<${Field} label=${t("more.second")} hint=${at < 0 ? "" : t("more.second_hint")}>
    ${(control) => html`<select ...${control} name="fallback" value=${String(at)} onChange=${({ target }) => choose(others[target.selectedIndex - 1])}>
      <option value="-1">${t("more.no_second")}</option>
      ${others.map(({ title }, one) => html`<option value=${String(one)} key=${title}>${title}</option>`)}
    </select>`}
  <//>`;
}

/** The models of other providers that can do the operation; the demo would draw something else. */
function othersOf({ provider, operation }) {
  const others = catalogue.value.providers.filter(({ name, kind }) => name !== provider.name && kind !== "demo");
  return others.flatMap(({ name, display_name, models }) =>
    models
      .filter(({ capabilities, lifecycle }) => capabilities.includes(operation) && lifecycle?.status !== "retired")
      .map(({ id, name: model }) => ({ target: { provider: name, model_id: id }, title: `${display_name || name} · ${model || id}` })),
  );
}
