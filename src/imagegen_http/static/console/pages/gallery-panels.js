// What opens over the gallery. Each has an address, and Back closes it.

import { selected } from "./gallery-selection.js";
import { t } from "../lib/i18n.js";
import { current } from "../lib/images.js";
import { galleryAddress } from "../lib/list-query.js";
import { MAX_TAGS, tag } from "../lib/marks.js";
import { close, go, place } from "../lib/router.js";
import { CollectionChoice, CollectionList } from "../parts/collections.js";
import { Lazy } from "../parts/basics.js";
import { Dialog } from "../parts/dialog.js";
import { TagEditor } from "../parts/tag-editor.js";
import { html } from "../vendor/index.js";

export const MIN_COMPARED = 2;
export const MAX_COMPARED = 4;

const loadComparison = async () => (await import("./gallery-comparison.js")).Comparison;
const loadTrash = async () => (await import("./gallery-trash.js")).Trash;

export function showPanel(name) {
  open({ panel: name });
}

export function showComparison(ids) {
  open({ compare: ids.join(",") });
}

function open(more) {
  const address = new URL(galleryAddress(place.peek().query), location.origin);
  for (const [name, value] of Object.entries(more)) address.searchParams.set(name, value);
  go(address.pathname + address.search, { still: true });
}

export function Panel({ list }) {
  const { query } = place.value;
  const shut = () => close(galleryAddress(query));
  const panel = query.get("panel");
  const compared = (query.get("compare") ?? "").split(",").map(Number).filter((id) => id > 0);
  const loaded = new Map(list.images.value.items.map((image) => [image.id, image]));
  const chosen = selected.value.map((id) => loaded.get(id) ?? { id });
  if (compared.length) return html`<${Lazy} load=${loadComparison} ids=${compared.slice(0, MAX_COMPARED)} onClose=${shut} />`;
  if (panel === "collections") {
    return html`<${Dialog} kind="drawer" title=${t("gallery.manage")} onClose=${shut}>
      <${CollectionList} onShow=${(id) => go(`/gallery?collection=${id}`, { replace: true })} /><//>`;
  }
  if (panel === "trash") return html`<${Dialog} kind="drawer" title=${t("trash.title")} onClose=${shut}><${Lazy} load=${loadTrash} /><//>`;
  if (!chosen.length) return null; // opened again without what was selected
  const title = t("gallery.for_selected", { n: chosen.length });
  if (panel === "tags") return html`<${Dialog} title=${`${t("gallery.tag")} · ${title}`} onClose=${shut}><${Tags} images=${chosen} /><//>`;
  if (panel === "collect") return html`<${Dialog} title=${`${t("gallery.collection")} · ${title}`} onClose=${shut}><${CollectionChoice} images=${chosen} /><//>`;
  return null;
}

function Tags({ images }) {
  const all = [...new Set(images.flatMap((image) => current(image).tags ?? []))];
  const full = images.every((image) => (current(image).tags ?? []).length >= MAX_TAGS) ? t("tags.full", { n: MAX_TAGS }) : "";
  return html`<${TagEditor} tags=${all} full=${full} onAdd=${(name) => tag(images, name, true)} onRemove=${(name) => tag(images, name, false)} />`;
}
