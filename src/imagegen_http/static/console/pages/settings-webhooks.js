// Who hears of tasks that end: the endpoints, what was delivered to them, and their secrets, each shown once.

import { copy } from "./settings-agents.js";
import { get, isAbort, patch, post, remove } from "../lib/api.js";
import { moment } from "../lib/format.js";
import { t } from "../lib/i18n.js";
import { Field, Icon, Problem, toast } from "../parts/basics.js";
import { confirm } from "../parts/dialog.js";
import { html, useEffect, useState } from "../vendor/index.js";

const PATH = "/api/v1/webhooks";
const EVENTS = ["task.completed", "task.failed", "task.cancelled", "batch.completed"];
const MAX_DELIVERIES = 10;

export function Webhooks() {
  const [told, setTold] = useState({ webhooks: null, error: null });
  const [secret, setSecret] = useState(null); // { id, secret } of the endpoint that has a new one
  const look = async () => {
    try {
      setTold({ webhooks: (await get(PATH)).items, error: null });
    } catch (error) {
      if (!isAbort(error)) setTold({ webhooks: null, error });
    }
  };
  useEffect(() => void look(), []);
  const add = async (body) => {
    setSecret(await post(PATH, body));
    await look();
  };
  const act = async (change) => {
    try {
      await change();
    } catch (error) {
      toast(error.text, { kind: "wrong" });
    }
    await look();
  };
  return html`<section class="panel passes webhooks" aria-labelledby="webhooks">
    <h2 id="webhooks" tabindex="-1">${t("webhooks.title")}</h2>
    <p class="muted">${t("webhooks.why")}</p>
    ${told.error && html`<${Problem} error=${told.error} again=${look} />`}
    ${secret && html`<${Secret} ...${secret} onClose=${() => (setSecret(null), passFocus())} />`}
    ${told.webhooks && !told.webhooks.length && html`<p class="muted">${t("webhooks.none")}</p>`}
    <ul>${told.webhooks?.map((webhook) => html`<li key=${webhook.id}><${Endpoint} webhook=${webhook} act=${act} setSecret=${setSecret} /></li>`)}</ul>
    ${told.webhooks && html`<${NewEndpoint} add=${add} />`}
  </section>`;
}

/** Let the heading have the focus before what has it goes. */
function passFocus() {
  document.querySelector("#webhooks").focus({ preventScroll: true });
}

/** A new secret: no other answer has it. */
function Secret({ id, secret, onClose }) {
  return html`<div class="secret" role="status">
    <p>${t("webhooks.secret_once", { id })}</p>
    <div class="acts"><code>${secret}</code>
      <button type="button" onClick=${() => copy(secret)}><${Icon} name="copy" /> ${t("webhooks.copy")}</button>
      <button type="button" onClick=${onClose}>${t("webhooks.kept")}</button></div>
  </div>`;
}

function NewEndpoint({ add }) {
  const [url, setUrl] = useState("");
  const [events, setEvents] = useState(EVENTS);
  const [told, setTold] = useState({ busy: false, error: null });
  const submit = async (event) => {
    event.preventDefault();
    if (told.busy) return;
    setTold({ busy: true, error: null });
    try {
      await add({ url, events });
      setUrl("");
      setTold({ busy: false, error: null });
    } catch (error) {
      setTold({ busy: false, error });
    }
  };
  const choose = (name, on) => setEvents(EVENTS.filter((each) => (each === name ? on : events.includes(each))));
  return html`<form class="new" onSubmit=${submit}>
    <${Field} label=${t("webhooks.url")} hint=${t("webhooks.url_hint")} error=${told.error?.text ?? ""}>${(control) =>
      html`<input ...${control} type="url" required maxlength="2048" placeholder="https://…" value=${url} onInput=${({ target }) => setUrl(target.value)} />`}<//>
    <fieldset class="acts"><legend class="unseen">${t("webhooks.events")}</legend>${EVENTS.map((name) => html`<label class="check" key=${name}>
      <input type="checkbox" checked=${events.includes(name)} onChange=${({ target }) => choose(name, target.checked)} /> ${t(`webhooks.${name.replace(".", "_")}`)}</label>`)}
      <button disabled=${!events.length} aria-disabled=${told.busy}>${t("act.add")}</button></fieldset>
  </form>`;
}

function Endpoint({ webhook, act, setSecret }) {
  const { id, url, events, enabled, disabled_reason } = webhook;
  const path = `${PATH}/${id}`;
  const [result, setResult] = useState(null);
  const [shows, setShows] = useState(false);
  const test = () => act(async () => setResult(await post(`${path}/test`)));
  const toggle = () => act(() => patch(path, { enabled: !enabled }));
  const rotate = async () => {
    const words = { title: t("webhooks.rotate"), text: t("webhooks.rotate_why"), act: t("webhooks.rotate") };
    if (await confirm(words)) await act(async () => setSecret(await post(`${path}/rotate`)));
  };
  const drop = async () => {
    const words = { title: t("webhooks.delete_title", { id }), text: t("webhooks.delete_why"), act: t("act.delete"), danger: true };
    if (!(await confirm(words))) return;
    passFocus();
    await act(() => remove(path));
  };
  const named = (name) => ({ type: "button", "aria-label": `${name}: ${url}` });
  return html`<div>
      <h3><code>${url}</code> <span class="mark ${enabled ? "ok" : "wrong"}">${t(enabled ? "webhooks.on" : "webhooks.off")}</span></h3>
      <p class="muted">${events.filter((name) => EVENTS.includes(name)).map((name) => t(`webhooks.${name.replace(".", "_")}`)).join(" · ")}
        ${webhook.last_success_at && html` · ${t("webhooks.last_success", { at: moment(webhook.last_success_at) })}`}
        ${webhook.last_failure_at && html` · ${t("webhooks.last_failure", { at: moment(webhook.last_failure_at) })}`}</p>
      ${disabled_reason && html`<p class="error">${disabled_reason}</p>`}
      ${result && html`<p role="status" class=${result.ok ? "" : "error"}>${result.ok
        ? t("webhooks.test_ok", { status: result.status, ms: result.latency_ms })
        : result.error ?? t("webhooks.test_status", { status: result.status })}</p>`}
      <div class="acts">
        <button ...${named(t("webhooks.test"))} onClick=${test}>${t("webhooks.test")}</button>
        <button ...${named(t("webhooks.deliveries"))} aria-expanded=${shows} onClick=${() => setShows(!shows)}>${t("webhooks.deliveries")}</button>
        <button ...${named(t(enabled ? "webhooks.disable" : "webhooks.enable"))} onClick=${toggle}>${t(enabled ? "webhooks.disable" : "webhooks.enable")}</button>
        <button ...${named(t("webhooks.rotate"))} onClick=${rotate}>${t("webhooks.rotate")}</button>
        <button ...${named(t("act.delete"))} onClick=${drop}>${t("act.delete")}</button>
      </div>
      ${shows && html`<${Deliveries} path=${path} name=${url} />`}
    </div>`;
}

function Deliveries({ path, name }) {
  const [told, setTold] = useState({ items: null, error: null });
  const look = () => get(`${path}/deliveries`, { page_size: MAX_DELIVERIES }).then(({ items }) => setTold({ items, error: null }), (error) => setTold({ items: null, error }));
  useEffect(() => void look(), []);
  const replay = async (id) => {
    try {
      await post(`${PATH}/deliveries/${id}/replay`);
      toast(t("webhooks.replayed"));
    } catch (error) {
      toast(error.text, { kind: "wrong" });
    }
    await look();
  };
  if (told.error) return html`<${Problem} error=${told.error} again=${look} />`;
  if (!told.items) return html`<p class="muted" aria-busy="true">${t("state.loading")}</p>`;
  if (!told.items.length) return html`<p class="muted">${t("webhooks.no_deliveries")}</p>`;
  const heads = ["when", "event", "state", "tries"];
  return html`<div class="deliveries" tabindex="0" role="region" aria-label=${t("webhooks.deliveries")}><table aria-label=${`${t("webhooks.deliveries")}: ${name}`}>
    <thead><tr>${heads.map((each) => html`<th scope="col" key=${each}>${t(`webhooks.${each}`)}</th>`)}<th scope="col"><span class="unseen">${t("webhooks.replay")}</span></th></tr></thead>
    <tbody>${told.items.map((each) => html`<tr key=${each.id}>
      <th scope="row">${moment(each.created_at)}</th>
      <td>${t(`webhooks.${each.type.replace(".", "_")}`)}</td>
      <td><span class="mark ${{ delivered: "ok", failed: "wrong" }[each.status] ?? "warn"}">${t(`webhooks.${each.status}`)}</span>
        ${each.last_error && html`<p class="muted">${each.last_error}</p>`}</td>
      <td>${each.tries}</td>
      <td><button type="button" aria-label=${`${t("webhooks.replay")}: ${each.event_id}`} onClick=${() => replay(each.id)}>${t("webhooks.replay")}</button></td>
    </tr>`)}</tbody></table></div>`;
}
