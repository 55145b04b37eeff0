// What the service does beside its tasks anyway, started by hand: it runs while this page waits for it.

import { get, isAbort, post } from "../lib/api.js";
import { bytes, number } from "../lib/format.js";
import { t } from "../lib/i18n.js";
import { Problem } from "../parts/basics.js";
import { html, useEffect, useState } from "../vendor/index.js";

const PAUSE = 1000; // milliseconds between two looks at how far a pass is
const MAX_FINDINGS = 20;

const PASSES = {
  verify: { path: "/api/v1/storage/verify", body: { dry_run: true, checksums: true } },
  sync: { path: "/api/v1/storage/sync", body: { dry_run: false } },
  expire: { path: "/api/v1/storage/expire", body: { dry_run: false } },
  reindex: { path: "/api/v1/search/reindex" },
};

export function Passes() {
  const [running, setRunning] = useState(null); // { name, stop }
  const [result, setResult] = useState(null); // { name, told } or { name, error }
  const [index, setIndex] = useState(null);
  useEffect(() => {
    get("/api/v1/search/index").then(setIndex, () => null);
  }, [result]);
  useEffect(() => () => running?.stop.abort(), [running]);

  const start = async (name) => {
    const stop = new AbortController();
    setRunning({ name, stop });
    setResult(null);
    try {
      setResult({ name, told: await post(PASSES[name].path, PASSES[name].body, { signal: stop.signal }) });
    } catch (error) {
      setResult(isAbort(error) ? { name, stopped: true } : { name, error });
    }
    setRunning(null);
  };
  return html`<section class="panel passes" aria-labelledby="passes">
    <h2 id="passes">${t("settings.passes")}</h2>
    <ul>${Object.keys(PASSES).map((name) => html`<li key=${name}>
      <div><h3>${t(`settings.${name}`)}
          ${name === "reindex" && index && html` <span class="mark ${index.state === "current" ? "ok" : "warn"}">${t(`settings.index_${index.state}`)}</span>`}</h3>
        <p class="muted">${t(`settings.${name}_why`)}</p>
        ${running?.name === name && html`<${Progress} name=${name} />`}
        ${result?.name === name && html`<${Result} ...${result} />`}</div>
      ${running?.name === name
        ? html`<button type="button" onClick=${() => running.stop.abort()}>${t("settings.stop")}</button>`
        : html`<button type="button" disabled=${running !== null} onClick=${() => start(name)}>${t(`settings.${name}_act`)}</button>`}
    </li>`)}</ul>
  </section>`;
}

function Progress({ name }) {
  const [told, setTold] = useState(null);
  useEffect(() => {
    const timer = setInterval(() => get("/api/v1/storage").then(setTold, () => null), PAUSE);
    return () => clearInterval(timer);
  }, []);
  const value = told?.total ? { value: told.done / told.total } : {};
  return html`<div role="status">
    <progress max="1" aria-label=${t(`settings.${name}`)} ...${value}></progress>
    <p class="muted">${told?.done ? t("settings.done_so_far", { n: told.done }) : t("settings.running")}</p></div>`;
}

function Result({ name, told, error, stopped }) {
  if (error) return html`<${Problem} error=${error} />`;
  if (stopped) return html`<p role="status" class="muted">${t("settings.stopped")}</p>`;
  const findings = (told.findings ?? []).slice(0, MAX_FINDINGS);
  return html`<div role="status">
    <p>${sentence(name, told)}</p>
    ${told.unreachable && html`<p class="error">${t("settings.unreachable")}</p>`}
    ${(told.last_error ?? told.archive_error) && html`<p class="error">${told.last_error ?? told.archive_error}</p>`}
    ${findings.length > 0 && html`<ul class="findings">${findings.map((each) => html`<li>${finding(each)}</li>`)}</ul>`}
  </div>`;
}

function finding({ kind, key, image_id }) {
  return html`${t(`settings.finding_${kind}`)}: ${image_id ? html`<a href=${`/p/${image_id}`}>${t("images.unnamed", { id: image_id })}</a>` : html`<code>${key}</code>`}`;
}

function sentence(name, told) {
  if (name === "verify") return t("settings.verify_told", { images: number(told.pictures), wrong: number(told.wrong), orphans: number(told.orphans) });
  if (name === "sync") return t("settings.sync_told", { uploaded: number(told.uploaded), size: bytes(told.uploaded_bytes), failed: number(told.failed) });
  if (name === "expire") return t("settings.expire_told", { expired: number(told.expired), size: bytes(told.freed_bytes) });
  return t("settings.reindex_told");
}
