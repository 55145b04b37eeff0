// The images of a list: justified rows under sticky headings, one stop of the Tab key, and only what can be seen.

import { show, useGridKeys } from "./gallery-keys.js";
import { lay, rowAt, shapeOf } from "./gallery-layout.js";
import { useLongPress } from "./gallery-long-press.js";
import { beginAt, isSelected, selected, selectTo, toggle } from "./gallery-selection.js";
import { depthOf, useWidth, useWindow } from "./gallery-window.js";
import { day } from "../lib/format.js";
import { t } from "../lib/i18n.js";
import { current } from "../lib/images.js";
import { recallShared } from "../lib/kept.js";
import { OLDEST } from "../lib/list-query.js";
import { rememberedScroll, rememberScroll } from "../lib/router.js";
import { Icon } from "../parts/basics.js";
import { Card } from "../parts/card.js";
import { html, signal, useEffect, useLayoutEffect, useMemo, useRef } from "../vendor/index.js";

const AHEAD = 3; // screens below the lower edge whose images are fetched already
const MAX_EXPECTED = 2000; // images whose place is kept before they are fetched

/** The size of the images, of `SIZES`, as somebody last chose it here. */
export const size = signal(recallShared("gallery-size") ?? "medium");

/** `day` is a signal: the day whose images are to be shown, as soon as they are there. */
export function Grid({ list, day: wanted }) {
  const element = useRef(null);
  const width = useWidth(element);
  const images = list.images.value;
  const layout = useLayout(list, images, width, size.value);
  const anchor = useRef(null);
  const restored = useRef(false);

  const moved = () => {
    anchor.current = anchorOf(layout, images.items, depthOf(element.current));
    if (layout.height - depthOf(element.current) < (AHEAD + 1) * innerHeight && !list.problem.value) list.more();
  };
  const seen = useWindow(element, moved);
  useEffect(moved, [layout]); // what came may not be enough

  useLayoutEffect(() => {
    if (!layout.count) return;
    if (!restored.current) {
      restored.current = true;
      scrollTo(0, rememberedScroll());
      const at = list.hasStrayed ? images.items.findIndex(({ id }) => id === list.focus) : -1;
      list.hasStrayed = false;
      if (at >= 0) show(layout, at, element.current); // where somebody went on from the image that was opened
      if (list.focus) focusOn(element.current, list.focus);
    } else if (anchor.current && !layout.goesOn) keep(anchor.current, layout, images.items, element.current);
  }, [layout]);
  useLayoutEffect(() => {
    const section = wanted.value && layout.sections.find(({ group }) => (list.parameters.order === OLDEST ? group >= wanted.value : group <= wanted.value));
    if (!section) return;
    wanted.value = null;
    scrollBy(0, section.top - depthOf(element.current) - (document.querySelector(".top")?.offsetHeight ?? 0));
  }, [layout, wanted.value]);
  useScrollKept();
  useLongPress(element, (target) => {
    const id = idOf(target);
    if (id !== null && !isSelected(id)) toggle(id);
  });

  const keys = useGridKeys({ list, layout, images: images.items, element });
  const stop = Math.max(0, images.items.findIndex(({ id }) => id === list.focus)); // place of the image that Tab goes to
  const rest = Math.max(0, Math.min(list.total.value - layout.count, MAX_EXPECTED));
  const expected = layout.count && list.state.value.more ? (layout.height / layout.count) * rest : 0;

  return html`<div class="grid" ref=${element} role="group" aria-label=${t("gallery.images")} aria-describedby="grid-keys"
    style=${{ height: `${layout.height + expected}px` }} onClick=${(event) => press(event, list, images.items)} onKeyDown=${keys}
    onFocusIn=${({ target }) => (list.focus = idOf(target) ?? list.focus)}>
    ${layout.sections.map((section) => html`<${Section} key=${section.group} section=${section} images=${images.items} seen=${seen} list=${list} stop=${stop} />`)}
  </div>`;
}

function Section({ section, images, seen, list, stop }) {
  const { top, height, from, to, rows } = section;
  const hasStop = from <= stop && stop < to;
  if (!hasStop && (top > seen.to || top + height < seen.from)) return null;
  const shown = rows.filter((row) => {
    return (row.from <= stop && stop < row.from + row.boxes.length) || (top + row.top <= seen.to && top + row.top + row.height >= seen.from);
  });
  return html`<section style=${pixels({ top, height })}>
    <h2>${list.grouped === "day" ? day(section.group) : t(`gallery.${section.group}`)}</h2>
    ${shown.flatMap((row) =>
      row.boxes.map((box, at) => {
        const image = images[row.from + at];
        const style = pixels({ ...box, top: row.top, height: row.height });
        return html`<${Tile} key=${image.id} image=${image} list=${list} wide=${box.width} style=${style} tabindex=${row.from + at === stop ? 0 : -1} />`;
      }),
    )}
  </section>`;
}

function Tile({ image, list, wide, style, tabindex }) {
  const marked = isSelected(image.id);
  const { favourite } = current(image);
  return html`<${Card} image=${image} query=${list.name} tabindex=${tabindex} wide=${wide} style=${style} note=${marked ? t("gallery.picked") : ""}
    className=${`${marked ? "selected" : ""} ${favourite ? "starred" : ""}`}>
    <button type="button" class="bare select" tabindex="-1" aria-pressed=${marked} aria-label=${t("gallery.pick")}><${Icon} name="check" /></button>
  <//>`;
}

/** The layout of the images; of those that came at the end only. */
function useLayout(list, { epoch, gone, items }, width, tile) {
  const last = useRef(null);
  return useMemo(() => {
    if (!width) return { sections: [], height: 0, count: 0 };
    const before = last.current;
    const goesOn = before?.list === list && before.epoch === epoch && before.gone === gone && before.width === width && before.tile === tile && before.layout.count <= items.length;
    const layout = lay(items, shapeOf(width, tile), (image) => image[list.grouped] ?? "exact", goesOn ? before.layout : null);
    last.current = { list, epoch, gone, width, tile, layout };
    return { ...layout, goesOn };
  }, [list, epoch, gone, items, width, tile]);
}

/** Keep with the entry of the history how far down the page is, for a reload too. */
function useScrollKept() {
  useEffect(() => {
    let waiting = null;
    const soon = () => {
      clearTimeout(waiting);
      waiting = setTimeout(rememberScroll, 200);
    };
    addEventListener("scroll", soon, { passive: true });
    return () => {
      clearTimeout(waiting);
      removeEventListener("scroll", soon);
    };
  }, []);
}

/** Return the first image that can be seen, and how far its row is below the upper edge. */
function anchorOf(layout, images, depth) {
  if (depth <= 0) return null; // at the very top what is new may be seen
  for (const section of layout.sections) {
    if (section.top + section.height < depth) continue;
    for (const row of section.rows) {
      const offset = section.top + row.top - depth;
      if (offset + row.height > 0) return { id: images[row.from].id, offset };
    }
  }
  return null;
}

function keep({ id, offset }, layout, images, element) {
  const at = images.findIndex((image) => image.id === id);
  if (at < 0) return;
  const { section, row } = rowAt(layout, at);
  const moved = section.top + row.top - depthOf(element) - offset;
  if (Math.abs(moved) > 1) scrollBy(0, moved);
}

function press(event, list, images) {
  const id = idOf(event.target);
  if (id === null || event.target.closest(".over")) return;
  const ids = () => images.map((image) => image.id);
  if (event.shiftKey) selectTo(id, ids());
  else if (event.target.closest(".select")) toggle(id);
  else if (event.ctrlKey || event.metaKey) return;
  else if (selected.value.length) toggle(id);
  else {
    list.focus = id;
    beginAt(id);
    return; // the link is followed
  }
  event.preventDefault();
}

function pixels(lengths) {
  return Object.fromEntries(Object.entries(lengths).map(([name, length]) => [name, `${length}px`]));
}

export function idOf(element) {
  const figure = element.closest("figure[data-id]");
  return figure ? Number(figure.dataset.id) : null;
}

/** Give the focus to an image, where nothing else on the page has it. */
function focusOn(element, id) {
  if (document.activeElement && document.activeElement !== document.body) return;
  element.querySelector(`[data-id="${id}"] a`)?.focus({ preventScroll: true });
}
