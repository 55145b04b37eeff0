// The lower edge of the form: what it will cost, what went wrong, and the button.

import { isAbort, post } from "../lib/api.js";
import { money } from "../lib/format.js";
import { language, t } from "../lib/i18n.js";
import { estimateOf } from "../lib/requests.js";
import { Lazy } from "../parts/lazy.js";
import { html, signal, useEffect, useState } from "../vendor/index.js";

const PAUSE = 400; // milliseconds after the last change
const MAC = /mac|iphone|ipad/i.test(navigator.platform);
const loadInstead = async () => (await import("./create-instead.js")).Instead; // most drafts get the model that they mean

export function Foot({ draft, choice, valid, sending, problem }) {
  const twice = (event) => (event.detail > 1 || (event.repeat && event.key === "Enter")) && event.preventDefault(); // a double click is one task, and a key that is kept down
  return html`<div class="foot">
    ${choice.instead && html`<${Lazy} load=${loadInstead} choice=${choice} />`}
    ${problem && html`<p class="error" role="alert">${problem}</p>`}
    <${Estimate} draft=${draft} choice=${choice} valid=${valid} />
    <button type="submit" class="main go" disabled=${sending} aria-busy=${sending} onClick=${twice} onKeyDown=${twice}>
      ${t("create.go")}<kbd aria-hidden="true">${MAC ? "⌘↵" : "Ctrl ↵"}</kbd></button>
  </div>`;
}

/** What the draft as it is now would cost; undefined where that is not known. */
export const estimate = signal(undefined);

function Estimate({ draft, choice, valid }) {
  const [costs, setCosts] = useState(undefined); // empty is free; undefined is not known yet
  const body = valid ? estimateOf(draft, choice) : null;
  const { prompt: _, ...params } = body?.params ?? {};
  const asked = body && JSON.stringify({ ...body, prompt: Boolean(draft.prompt), params }); // no price is by the words
  useEffect(() => {
    estimate.value = undefined;
    if (!asked) {
      setCosts(undefined);
      return undefined;
    }
    const stop = new AbortController();
    const told = (answer) => {
      estimate.value = answer;
      setCosts(answer);
    };
    const wait = setTimeout(() => ask(body, stop.signal).then(told, (error) => isAbort(error) || setCosts([{ basis: "unknown" }])), PAUSE);
    return () => {
      clearTimeout(wait);
      stop.abort();
    };
  }, [asked]);
  return html`<p class="estimate" role="status" lang=${language.value === "zh" ? "zh-CN" : "en"}>${costs === undefined ? "" : sentence(costs)}</p>`;
}

async function ask(body, signal) {
  const { cost, costs = cost ? [cost] : [] } = await post("/api/v1/tasks/estimate", body, { signal });
  return costs;
}

function sentence(costs) {
  const [cost] = costs;
  if (!cost) return t("cost.none");
  if (cost.basis === "unknown" || !cost.amount) return t("cost.unknown");
  return t("create.estimate", { amount: costs.map((each) => money(each.amount, each.currency)).join(" / ") });
}
