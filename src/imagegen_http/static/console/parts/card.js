// An image in a list: a link to its own page, and what can be done to it at once.

import { Icon } from "./basics.js";
import { t } from "../lib/i18n.js";
import { current, deleteImages, gone, isVector, star } from "../lib/images.js";
import { html, useState } from "../vendor/index.js";

/**
 * `query` names the list that the image is shown in, for its page's ways to the neighbours; `tabindex` is that of the
 * link where the list has one tab stop, and then its keys do what the buttons do; `note` is told after its name, and
 * `children` lie over the image.
 */
export function Card({ image, query = "", tabindex = null, className = "", note = "", style = undefined, children = null }) {
  const { favourite = false } = current(image);
  const within = tabindex === null ? 0 : -1;
  const told = [favourite && t("images.starred"), note].filter(Boolean);
  const name = image.prompt || t("images.unnamed", { id: image.id });
  const { thumbnail, label } = useThumbnail(image, t("images.open", { prompt: name }), ...told);
  if (gone.value.has(image.id)) return null;
  return html`<figure class="card picture ${className}" style=${style} data-id=${image.id}>
    <a href=${`/p/${image.id}${query && `?${query}`}`} tabindex=${tabindex ?? 0} aria-label=${label}>
      ${thumbnail}</a>
    <figcaption>${name}</figcaption>
    <div class="over">
      <button type="button" class="bare" aria-pressed=${favourite} aria-label=${t(favourite ? "act.unstar" : "act.star")}
        tabindex=${within} onClick=${() => star([image.id], !favourite)}><${Icon} name="star" filled=${favourite} /></button>
      <button type="button" class="bare" aria-label=${t("act.delete")} tabindex=${within}
        onClick=${() => deleteImages([image.id])}><${Icon} name="trash" /></button>
    </div>
    ${children}
  </figure>`;
}

/** The small picture, and the label of what it is in: `names`, and that it cannot be had, which is all that is seen then. */
export function useThumbnail(image, ...names) {
  const [broken, setBroken] = useState(false);
  const label = [...names, broken && t("images.broken")].filter(Boolean).join(", ");
  return { thumbnail: html`<${Thumbnail} image=${image} onBroken=${() => setBroken(true)} />`, label };
}

/** The small picture; where it cannot be had, its place says so. An SVG has none, and is never drawn here. */
export function Thumbnail({ image, onBroken = null, ...more }) {
  const [broken, setBroken] = useState(false);
  const lose = () => {
    setBroken(true);
    onBroken?.();
  };
  if (isVector(image)) return html`<span class="broken"><${Icon} name="image" />SVG</span>`;
  if (broken) return html`<span class="broken"><${Icon} name="image" />${t("images.broken")}</span>`;
  return html`<img src=${image.thumbnail_url ?? `/api/v1/images/${image.id}/thumbnail`} alt=${image.prompt ?? ""} loading="lazy" decoding="async"
    width=${image.width} height=${image.height} onError=${lose} ...${more} />`;
}
