// Between the configuration of a provider, as the API has it, and what stands in the fields of a form.

import { ApiError } from "../lib/api.js";
import { t } from "../lib/i18n.js";

const FIELDS = ["provider_name", "display_name", "api_base", "api_key", "models", "timeout_seconds", "max_retries", "extra_config", "document"];
const SPEC = "extra_config.spec";

/** Return what the fields show at first; a key is never among it. */
export function valuesOf(name, config, preset) {
  const models = config?.models ?? preset?.models ?? [];
  const { spec, ...extra } = config?.extra_config ?? preset?.extra_config ?? {};
  return {
    provider_name: name === "+" ? "" : name,
    display_name: config?.display_name ?? "",
    api_key: "",
    api_base: config?.api_base ?? "",
    models: listed(models, config && preset ? preset.models : []),
    timeout_seconds: String(config?.timeout_seconds ?? 60),
    max_retries: String(config?.max_retries ?? 3),
    extra_config: JSON.stringify(extra, null, 2),
    document: documentOf(spec),
    base: documentOf(spec), // what was changed; another tab may have saved another one since
  };
}

/** Return a saved document as text; one that was saved as an object becomes JSON. */
export function documentOf(spec) {
  return spec && typeof spec === "object" ? JSON.stringify(spec, null, 2) : (spec ?? "");
}

/** Return the body that saves them. Throws an ApiError for what cannot be saved. */
export function configOf(values, config, preset) {
  const body = {
    provider_name: values.provider_name.trim(),
    display_name: values.display_name.trim() || null,
    api_base: values.api_base.trim() || null,
    timeout_seconds: Number(values.timeout_seconds),
    max_retries: Number(values.max_retries),
    extra_config: parsed(values.extra_config),
  };
  const saved = config?.extra_config.spec;
  if (values.document.trim()) body.extra_config.spec = values.document === documentOf(saved) ? saved : values.document;
  if (!body.api_base && preset?.needs_api_base) throw refused("api_base", t("providers.base_needed"));
  const kind = config?.kind ?? preset?.kind ?? (body.extra_config.spec && "http");
  if (kind) body.kind = kind;
  if (values.api_key.trim()) body.api_key = values.api_key.trim();
  if (JSON.stringify(values.models) !== JSON.stringify(valuesOf(values.provider_name, config, preset).models)) {
    body.models = values.models.filter(({ used }) => used).map((model) => modelOf(model, config, preset));
  }
  return body;
}

/** Return the reader's price of an image of a model, `{ amount, currency }`, which the extra configuration has; null where it has more, or is no JSON. */
export function ownPrice(extra, id) {
  try {
    const own = JSON.parse(extra || "{}").prices?.[id];
    if (!own) return { amount: "", currency: "" };
    const [{ amount, ...conditions }, ...others] = own.rates;
    return others.length || Object.keys(conditions).length ? null : { amount: String(amount), currency: own.currency };
  } catch {
    return null;
  }
}

/** Return the extra configuration with this price of an image of a model; without an amount it has none. */
export function withOwnPrice(extra, id, { amount, currency }) {
  const { prices = {}, ...others } = JSON.parse(extra || "{}");
  const { [id]: _, ...kept } = prices;
  const all = amount.trim() ? { ...kept, [id]: { currency, rates: [{ amount: amount.trim() }] } } : kept;
  return JSON.stringify({ ...others, ...(Object.keys(all).length && { prices: all }) }, null, 2);
}

/** Return the field that a path such as `models.0.id` belongs to. */
export function fieldOf(path) {
  const name = path.startsWith(SPEC) ? "document" : path.split(/[.[]/)[0];
  return FIELDS.includes(name) ? name : "form";
}

function listed(models, others) {
  const used = models.map(({ id, default: isDefault }) => ({ id, used: true, default: Boolean(isDefault) }));
  const ids = new Set(models.map(({ id }) => id));
  return [...used, ...others.filter(({ id }) => !ids.has(id)).map(({ id }) => ({ id, used: false, default: false }))];
}

function modelOf({ id, default: isDefault }, config, preset) {
  const known = config?.models.find((model) => model.id === id) ?? preset?.models.find((model) => model.id === id);
  return { id, ...(known && known.name !== id && { name: known.name }), default: isDefault };
}

function parsed(text) {
  try {
    return text.trim() ? JSON.parse(text) : {};
  } catch {
    throw refused("extra_config", t("providers.no_json"));
  }
}

function refused(field, message) {
  return new ApiError(message, { status: 400, errors: [{ field, message }] });
}
