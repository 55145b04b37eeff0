// An image in a list: a link to its own page, and what can be done to it at once.

import { Icon } from "./basics.js";
import { t } from "../lib/i18n.js";
import { current, deleteImages, denser, gone, isVector, star } from "../lib/images.js";
import { onResume } from "../lib/live.js";
import { html, useEffect, useState } from "../vendor/index.js";

/**
 * `query` names the list that the image is shown in, for its page's ways to the neighbours; `tabindex` is that of the
 * link where the list has one tab stop, and then its keys do what the buttons do; `note` is told after its name, `wide` is
 * how many pixels it may be wide, and `children` lie over the image.
 */
export function Card({ image, query = "", tabindex = null, className = "", note = "", wide = 0, style = undefined, children = null }) {
  const { favourite = false } = current(image);
  const within = tabindex === null ? 0 : -1;
  const told = [favourite && t("images.starred"), note].filter(Boolean);
  const name = image.prompt || t("images.unnamed", { id: image.id });
  const { thumbnail, label } = useThumbnail({ image, wide }, t("images.open", { prompt: name }), ...told);
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

/** The `Thumbnail` of what is given, and the label of what it is in: `names`, and that it cannot be had, which is all that is seen then. */
export function useThumbnail(what, ...names) {
  const [broken, setBroken] = useState(false);
  const label = [...names, broken && t("images.broken")].filter(Boolean).join(", ");
  return { thumbnail: html`<${Thumbnail} ...${what} onBroken=${setBroken} />`, label };
}

/**
 * The small picture; where it cannot be had, its place says so until the line is back. An SVG has none, and is never drawn
 * here. `wide` is for dense screens.
 */
export function Thumbnail({ image, wide = 0, onBroken = null, ...more }) {
  const [broken, setBroken] = useState(false);
  const tell = (is) => {
    setBroken(is);
    onBroken?.(is);
  };
  const lose = ({ target }) => {
    if (target.srcset) return target.removeAttribute("srcset"); // the small one may still be there
    tell(true);
  };
  useEffect(() => (broken ? onResume(() => tell(false)) : undefined), [broken]);
  if (isVector(image)) return html`<span class="broken"><${Icon} name="image" />SVG</span>`;
  if (broken) return html`<span class="broken"><${Icon} name="image" />${t("images.broken")}</span>`;
  return html`<img ...${denser(image, wide)} src=${image.thumbnail_url ?? `/api/v1/images/${image.id}/thumbnail`} alt=${image.prompt ?? ""} loading="lazy" decoding="async"
    width=${image.width} height=${image.height} onError=${lose} ...${more} />`;
}
