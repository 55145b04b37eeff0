// Says that another model than the one that was meant is chosen, and why.

import { modelOf } from "../lib/api.js";
import { fetchSentences, t } from "../lib/i18n.js";
import { html } from "../vendor/index.js";

await fetchSentences("inputs");

export function Instead({ choice }) {
  return html`<p class="error" role="alert">${sentence(choice)}</p>`;
}

function sentence({ provider, model, operation: does, instead: { provider: name, model: meant, model_id, operation } }) {
  const act = t(`operations.${operation}`);
  if (does !== operation) return t("inputs.none_able", { operation: act });
  const to = t("inputs.of_provider", { model: model.name || model.id, provider: provider.display_name || provider.name });
  if (meant) return t("inputs.unable", { model: meant.name || meant.id, operation: act, to });
  return modelOf(name, "") ? t("inputs.model_gone", { model: model_id, to }) : t("inputs.provider_gone", { provider: name, to });
}
