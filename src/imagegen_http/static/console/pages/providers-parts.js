// What the list of providers and the drawer of one have in common.

import { ApiError, catalogue, loadProviders, patch, post, providerName } from "../lib/api.js";
import { change } from "../lib/drafts.js";
import { date, exactMoney } from "../lib/format.js";
import { t } from "../lib/i18n.js";
import { go } from "../lib/router.js";
import { Icon, toast } from "../parts/basics.js";
import { html, useState } from "../vendor/index.js";

const MARKS = { ok: ["ok", "check"], failed: ["wrong", "warning"], not_verified: ["warn", "warning"] };

/** Make the provider's one cheap, unpaid call; `told` gets `waiting`, the answer, or an error. */
export async function testProvider(name, told) {
  told("waiting");
  try {
    told(await post(`/api/v1/providers/config/${encodeURIComponent(name)}/test`));
  } catch (error) {
    told(error instanceof ApiError ? { outcome: "failed", detail: error.text } : null);
    if (!(error instanceof ApiError)) throw error;
  }
}

/** How a test went; after one that did not fail, `name` can be made the default. */
export function TestResult({ result, name, changed }) {
  if (result === null) return html`<p role="status"></p>`;
  if (result === "waiting") return html`<p role="status" class="muted">${t("providers.testing")}</p>`;
  const [mark, icon] = MARKS[result.outcome];
  const made = html`<div class="acts"><${Use} name=${name} /><${MakeDefault} key=${name} name=${name} changed=${changed} /></div>`;
  return html`<p role="status" class="test"><span class="mark ${mark}"><${Icon} name=${icon} />${t(`providers.outcome_${result.outcome}`)}</span>
    <span>${result.detail}${result.latency_ms !== undefined && result.outcome === "ok" ? ` · ${result.latency_ms} ms` : ""}</span></p>${result.outcome !== "failed" && made}`;
}

/** Begin with it: where nothing but the demo was asked for by itself, that is asked from now on. */
function Use({ name }) {
  const use = async () => {
    const { providers, default_provider } = catalogue.value;
    try {
      if (providers.find((one) => one.name === default_provider)?.kind === "demo") {
        await patch("/api/v1/settings", { default_provider: name });
        await loadProviders();
      }
      change({ provider: name, model_id: "", fallback: [] });
      go("/");
    } catch (error) {
      toast(error.text ?? error.message, { kind: "wrong" });
    }
  };
  return html`<button type="button" class="main use" onClick=${use}>${t("providers.use")}</button>`;
}

/** Have tasks go there that name no provider. The button stays when it is done, for it has the focus. */
function MakeDefault({ name, changed }) {
  const [busy, setBusy] = useState(false);
  const [done, setDone] = useState(false);
  const isDefault = catalogue.value?.default_provider === name;
  if (isDefault && !done) return null;
  const make = async () => {
    if (busy || isDefault) return;
    setBusy(true);
    try {
      await patch("/api/v1/settings", { default_provider: name });
      setDone(true);
      await changed();
      toast(t("providers.default_made", { name: providerName(name) }));
    } catch (error) {
      toast(error.text ?? error.message, { kind: "wrong" });
    }
    setBusy(false);
  };
  return html`<button type="button" class="make-default" aria-disabled=${busy || isDefault} onClick=${make}>${t(isDefault ? "providers.default_is" : "providers.make_default")}</button>`;
}

/** On or off. What only the configuration file says is switched there. */
export function Switch({ config, changed }) {
  const [busy, setBusy] = useState(false);
  if (config.source !== "database") return null;
  const toggle = async () => {
    if (busy) return;
    setBusy(true);
    try {
      await patch(`/api/v1/providers/config/${encodeURIComponent(config.provider_name)}/toggle`, { enabled: !config.enabled });
      await changed();
    } catch (error) {
      toast(error.text ?? error.message, { kind: "wrong" });
    }
    setBusy(false);
  };
  return html`<button type="button" aria-disabled=${busy} onClick=${toggle}>${t(config.enabled ? "providers.disable" : "providers.enable")}</button>`;
}

/** The price of a model in a line: that of its first rate, and that there are others. */
export function Price({ price }) {
  const rate = leastRate(price?.rates ?? []);
  if (!rate) return null;
  const told = Number(rate.amount) ? `${exactMoney(rate.amount, price.currency)} / ${t(`providers.per_${rate.per}`)}` : t("providers.free");
  const whole = rate.tokens ? t("providers.price_of", { price: told, tokens: t(`providers.tokens_${rate.tokens}`) }) : told;
  return html`<span class="muted">${price.rates.length > 1 ? t("providers.price_from", { price: whole }) : whole}</span>`;
}

/** Return the least rate for an image that is made or changed, else the first for anything but enlarging; null if there is none. */
export function leastRate(rates) {
  const made = rates.filter(({ operations }) => !operations?.every((one) => one === "upscale"));
  return made.filter(({ per }) => per === "image").toSorted((one, other) => one.amount - other.amount)[0] ?? made[0] ?? null;
}

/** When a model ends, and what to use instead. */
export function Lifecycle({ lifecycle }) {
  if (!lifecycle) return null;
  const { status, date: end, replacement } = lifecycle;
  return html`<span class="mark ${status === "retired" ? "wrong" : "warn"}">${t(end ? `providers.${status}` : `providers.${status}_someday`, { date: end && date(end) })}</span>
    ${replacement && html`<span class="muted">→ ${replacement}</span>`}`;
}
