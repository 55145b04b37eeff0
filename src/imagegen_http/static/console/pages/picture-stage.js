// The image itself: its thumbnail at once, then the whole of it, with the ways to its neighbours.

import { useZoom } from "./picture-zoom.js";
import { shortened } from "../lib/format.js";
import { t } from "../lib/i18n.js";
import { denser, isVector } from "../lib/images.js";
import { useKeys } from "../lib/router.js";
import { Icon } from "../parts/basics.js";
import { html, useEffect, useRef, useState } from "../vendor/index.js";

const MUCH = 1024 ** 2; // bytes of an image that is waited for

/** `onGo` is called with the id of a neighbour, `onClose` when the image is to be closed. */
export function Stage({ id, image, onGo, onClose }) {
  const stage = useRef(null);
  const { shown, broken } = useWhole(id, isVector(image) ? null : image);
  const { width = 512, height = 512, previous = null, next = null } = image ?? {};
  const step = (by) => {
    const to = by > 0 ? next : previous;
    if (to !== null) onGo(to);
  };
  const zoom = useZoom(stage, { key: id, width, height, onSwipe: step });
  const screen = () => (document.fullscreenElement ? document.exitFullscreen() : stage.current.requestFullscreen?.());
  useKeys({
    ArrowLeft: () => step(-1),
    ArrowRight: () => step(1),
    "+": zoom.zoomIn,
    "=": zoom.zoomIn,
    "-": zoom.zoomOut,
    0: zoom.fit,
    1: zoom.actual,
    f: screen,
    Escape: onClose,
    ...zoom.arrows,
  });
  const button = (icon, name, run, className = "", more = {}) =>
    html`<button type="button" class="bare ${className}" aria-label=${name} title=${name} onClick=${run} ...${more}><${Icon} name=${icon} /></button>`;
  return html`<div class="stage ${zoom.isFitted ? "" : "zoomed"}" ref=${stage}>
    ${broken && !shown ? html`<p class="broken" role="alert"><${Icon} name="image" />${t("images.broken")}</p>` : null}
    ${isVector(image) ? html`<p class="broken"><${Icon} name="image" />${t("images.vector")}</p>` : html`<${Whole} key=${id} id=${id} image=${image} shown=${shown} zoom=${zoom} className=${image && !(broken && !shown) ? "" : "unready"} />`}
    ${button("close", t("act.close"), onClose, "shut")}
    ${button("left", t("picture.previous"), () => step(-1), "way back", { disabled: previous === null })}
    ${button("right", t("picture.next"), () => step(1), "way on", { disabled: next === null })}
    <div class="zoom" role="group" aria-label=${t("picture.zoom")}>
      ${button("minus", t("picture.smaller"), zoom.zoomOut, "", { disabled: zoom.isFitted })}
      <button type="button" class="bare" title=${t("picture.actual")} aria-label=${t("picture.actual_now", { percent: Math.round(zoom.scale * 100) })}
        aria-pressed=${Math.abs(zoom.scale - 1) < 0.001} onClick=${zoom.actual}>${Math.round(zoom.scale * 100)} %</button>
      ${button("plus", t("picture.larger"), zoom.zoomIn)}
      ${button("rectangle", t("picture.fit"), zoom.fit, "", { "aria-pressed": zoom.isFitted })}
      ${document.fullscreenEnabled && button("full", t("picture.full"), screen)}
    </div>
  </div>`;
}

/** The image, and until the whole of it is there its thumbnail; of one that takes long, on a dense screen the large one. */
export function Whole({ id, image, shown, zoom, className = "" }) {
  const meanwhile = !shown && image?.size_bytes > MUCH ? denser(image, image.width * zoom.scale) : {};
  const lose = ({ target }) => (target.srcset ? target.removeAttribute("srcset") : (target.hidden = true));
  return html`<img ...${meanwhile} src=${shown ?? `/api/v1/images/${id}/thumbnail`} alt=${shortened(image?.prompt ?? "")} style=${zoom.style} class=${className} draggable=${false}
    onError=${lose} onLoad=${({ target }) => (target.hidden = false)} />`;
}

/** The whole image once it can be shown at once, null before. */
export function useWhole(id, image) {
  const [whole, setWhole] = useState({ id: null, url: null, broken: false });
  const url = image?.image_url;
  useEffect(() => {
    if (!url) return undefined;
    let current = true;
    const loading = Object.assign(new Image(), { src: url });
    loading.decode().then(
      () => current && setWhole({ id, url, broken: false }),
      () => current && setWhole({ id, url: null, broken: true }),
    );
    return () => {
      current = false;
    };
  }, [id, url]);
  return whole.id === id ? { shown: whole.url, broken: whole.broken } : { shown: null, broken: false };
}
