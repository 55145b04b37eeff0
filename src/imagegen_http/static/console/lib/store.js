// What several pages know of the service: its providers, their models, the operations.

import { get } from "./api.js";
import { computed, signal } from "../vendor/index.js";

/** The operations, and where each is asked for. */
export const OPERATIONS = {
  generate: "/api/v1/tasks/generate",
  reference: "/api/v1/images/generate-with-references",
  edit: "/api/v1/images/edit",
  upscale: "/api/v1/images/upscale",
  recontext: "/api/v1/images/recontext",
  segment: "/api/v1/images/segment",
};

/** The answer of `GET /api/v1/providers`, as a rule without the models of presets; null until it is there. `problem` is why it is not. */
export const catalogue = signal(null);
export const problem = signal(null);

/** Whether nothing but the demo can be used. */
export const onlyDemo = computed(() => catalogue.value?.providers.every(({ kind }) => kind === "demo") ?? false);

/** Ask what can be used now. */
export async function loadProviders() {
  try {
    catalogue.value = await get("/api/v1/providers", { preset_models: false });
    problem.value = null;
  } catch (error) {
    problem.value = error;
  }
}

/** Return a provider and one of its models; its default model where none is named; null where there is none. */
export function modelOf(provider, model) {
  const found = catalogue.value?.providers.find(({ name }) => name === provider);
  if (!found) return null;
  return found.models.find(({ id }) => id === model) ?? (model ? null : (found.models.find((one) => one.default) ?? found.models[0] ?? null));
}

/** Whether what came to nothing may have been charged; what the demo makes is free. */
export function mayBeCharged({ provider, error }) {
  return Boolean(error?.possible_charge) && catalogue.value?.providers.find(({ name }) => name === provider)?.kind !== "demo";
}

/** Return how a provider is called on the page. */
export function providerName(name) {
  return catalogue.value?.providers.find((one) => one.name === name)?.display_name ?? name;
}
