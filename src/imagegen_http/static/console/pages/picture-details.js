// What is known of an image: its words, what was asked beside what was used, and where it is kept.

import { tell } from "./picture-acts.js";
import { modelOf, providerName } from "../lib/api.js";
import { copyText } from "../lib/clipboard.js";
import { bytes, cost, exactMoment, moment } from "../lib/format.js";
import { t } from "../lib/i18n.js";
import { parameterRows } from "../lib/parameter-rows.js";
import { Icon } from "../parts/basics.js";
import { html, useEffect, useRef } from "../vendor/index.js";

export function Prompt({ prompt, metadata }) {
  const revised = metadata?.revised_prompt;
  return html`<section class="words">
    <${Words} title=${t("picture.prompt")} text=${prompt || t("picture.no_prompt")} copy=${prompt} />
    ${revised && revised !== prompt && html`<${Words} title=${t("picture.revised")} text=${revised} copy=${revised} />`}
  </section>`;
}

/** Words that are longer than their place are scrolled by keys, too. */
function Words({ title, text, copy }) {
  const place = useRef(null);
  useEffect(() => {
    const observer = new ResizeObserver(([{ target }]) => (target.tabIndex = target.scrollHeight > target.clientHeight ? 0 : -1));
    observer.observe(place.current);
    return () => observer.disconnect();
  }, [text]);
  return html`<header><h2>${title}</h2>${copy && html`<${Copy} name=${t("picture.copy_of", { name: title })} text=${copy} />`}</header><p ref=${place}>${text}</p>`;
}

function Copy({ name, text }) {
  return html`<button type="button" class="bare" aria-label=${name} title=${name} onClick=${() => tell(copyText(text))}><${Icon} name="copy" /></button>`;
}

/** What was asked for beside what the image has: a row each, a second value only where they differ. */
export function Parameters({ image }) {
  const rows = parameterRows(image);
  if (!rows.length) return null;
  return html`<section><h2>${t("picture.parameters")}</h2>
    <table><thead><tr><th scope="col"><span class="unseen">${t("picture.parameter")}</span></th><th scope="col">${t("picture.asked")}</th><th scope="col">${t("picture.used")}</th></tr></thead>
    <tbody>${rows.map(({ label, asked, used }) => html`<tr key=${label}><th scope="row">${label}</th><td>${asked}</td><td>${used}</td></tr>`)}</tbody></table></section>`;
}

export function Facts({ image, task }) {
  const seconds = task?.started_at && task?.completed_at ? (new Date(task.completed_at) - new Date(task.started_at)) / 1000 : null;
  const rows = [
    ["cost", cost(image.cost)],
    ["provider", providerName(image.provider)],
    ["model", modelOf(image.provider, image.model_id)?.name ?? image.model_id],
    ["operation", t(`operations.${image.operation}`)],
    ["file", `${image.mime_type.replace(/^image\/|\+xml$/g, "").toUpperCase()} · ${bytes(image.size_bytes)}`],
    ["storage", t(`picture.stored.${image.storage}`)],
    ["time", html`<time datetime=${image.created_at} title=${exactMoment(image.created_at)}>${moment(image.created_at)}</time>`],
    seconds !== null && ["took", t("picture.seconds", { n: Math.round(seconds * 10) / 10 })],
    ["task", html`<code>${image.task_id}</code> <${Copy} name=${t("picture.copy_of", { name: t("picture.task") })} text=${image.task_id} />`],
  ];
  return html`<section><h2>${t("picture.facts")}</h2>
    <dl class="facts">${rows.filter(Boolean).map(([name, value]) => html`<div key=${name}><dt>${t(`picture.${name}`)}</dt><dd>${value}</dd></div>`)}</dl></section>`;
}
