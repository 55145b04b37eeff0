// Two to four images side by side, all of them zoomed alike.

import { useWhole, Whole } from "./picture-stage.js";
import { useZoom } from "./picture-zoom.js";
import { get, modelOf, providerName } from "../lib/api.js";
import { cost, duration } from "../lib/format.js";
import { fetchSentences, t } from "../lib/i18n.js";
import { isVector } from "../lib/images.js";
import { parameterRows } from "../lib/parameter-rows.js";
import { useKeys } from "../lib/router.js";
import { Icon, Problem } from "../parts/basics.js";
import { Dialog } from "../parts/dialog.js";
import { html, useEffect, useRef, useSignal, useState } from "../vendor/index.js";

await fetchSentences("tasks");

export function Comparison({ ids, onClose }) {
  const [images, setImages] = useState([]);
  const [error, setError] = useState(null);
  const [took, setTook] = useState({}); // seconds by task
  const view = useSignal(null);
  const zoom = useRef({}); // what the first image can do: the others follow
  useEffect(() => {
    Promise.allSettled(ids.map((id) => get(`/api/v1/images/${id}`))).then((told) => {
      setImages(told.filter(({ value }) => value).map(({ value }) => value)); // those that there are
      setError(told.find(({ reason }) => reason)?.reason ?? null);
      const ids = new Set(told.map(({ value }) => value?.task_id).filter(Boolean));
      for (const id of ids) get(`/api/v1/tasks/${id}`).then((task) => setTook((before) => ({ ...before, [id]: secondsOf(task) })), () => null); // its task may be gone
    });
  }, [String(ids)]);
  const larger = () => zoom.current.zoomIn?.();
  const smaller = () => zoom.current.zoomOut?.();
  const fit = () => zoom.current.fit?.();
  const body = useRef(null);
  const rows = differences(images);
  useKeys({ "+": larger, "=": larger, "-": smaller, 0: fit, ...(view.value && zoom.current.arrows) }, true, body);
  const button = (icon, name, run) =>
    html`<button type="button" class="bare" aria-label=${name} title=${name} disabled=${!images.length || (icon !== "plus" && !view.value)} onClick=${run}><${Icon} name=${icon} /></button>`;
  return html`<${Dialog} kind="dialog comparison" title=${t("gallery.compare")} onClose=${onClose}>
    ${error && html`<${Problem} error=${error} />`}
    <div class="compared" ref=${body}>
      ${images.map((image, at) => html`<${Compared} key=${image.id} image=${image} seconds=${took[image.task_id]} rows=${rows.map(({ label, values }) => [label, values[at]])} view=${view} zoom=${at === 0 ? zoom : null} />`)}
    </div>
    <div class="zooms" role="group" aria-label=${t("picture.zoom")}>
      ${button("minus", t("picture.smaller"), smaller)}
      ${button("plus", t("picture.larger"), larger)}
      ${button("rectangle", t("picture.fit"), fit)}
    </div>
  <//>`;
}

function Compared({ image, seconds, rows, view, zoom }) {
  const { id, prompt, provider, model_id, width, height } = image;
  const { shown } = useWhole(id, isVector(image) ? null : image);
  const pane = useRef(null);
  const own = useZoom(pane, { key: id, width, height, onSwipe: () => null, view });
  if (zoom) zoom.current = own;
  return html`<figure>
    <div class="pane ${own.isFitted ? "" : "zoomed"}" ref=${pane}>${isVector(image) ? html`<p class="broken"><${Icon} name="image" />${t("images.vector")}</p>` : html`<${Whole} id=${id} image=${image} shown=${shown} zoom=${own} />`}</div>
    <figcaption><a href=${`/p/${id}`}>${prompt || t("images.unnamed", { id: String(id) })}</a>
      <p class="muted">${providerName(provider)} · ${modelOf(provider, model_id)?.name ?? model_id} · ${width} × ${height}</p>
      <p class="muted">${cost(image.cost)}${seconds >= 0.5 && ` · ${t("tasks.took", { time: duration(seconds) })}`}</p>
      <dl>${rows.map(([label, value]) => html`<div key=${label}><dt>${label}</dt><dd>${value}</dd></div>`)}</dl></figcaption>
  </figure>`;
}

function secondsOf({ started_at, completed_at }) {
  return started_at && completed_at ? (Date.parse(completed_at) - Date.parse(started_at)) / 1000 : 0;
}

/** Return the parameters, but the size, in which the images differ: `{ label, values }` with a value of each image, "–" where it has none. */
function differences(images) {
  const all = images.map((image) => new Map(parameterRows(image).slice(1).map(({ label, asked, used, isTold = true }) => [label, (isTold && used) || asked])));
  const labels = new Set(all.flatMap((rows) => [...rows.keys()]));
  const rows = [...labels].map((label) => ({ label, values: all.map((one) => one.get(label) ?? "–") }));
  return rows.filter(({ values }) => new Set(values).size > 1);
}
