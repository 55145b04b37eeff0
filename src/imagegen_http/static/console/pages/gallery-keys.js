// The keys of the gallery's images: arrows between them, and what can be done to the one that has the focus.

import { current, deleteImages, gone, star } from "../lib/images.js";
import { neighbour, rowAt } from "./gallery-layout.js";
import { clearSelection, isSelected, selectAll, selected, selectTo, toggle } from "./gallery-selection.js";
import { depthOf } from "./gallery-window.js";
import { useLayoutEffect, useRef, useState } from "../vendor/index.js";

/** Return the listener of key presses. */
export function useGridKeys({ list, layout, images, element }) {
  const [wanted, setWanted] = useState(null); // id of the image that is to have the focus once it is on the page
  useLayoutEffect(() => {
    if (wanted === null) return;
    const link = element.current.querySelector(`[data-id="${wanted}"] a`);
    if (!link) return;
    link.focus({ preventScroll: true });
    setWanted(null);
  });
  useFocusKept({ list, images, setWanted });

  const go = (at, extend) => {
    const next = Math.max(0, Math.min(images.length - 1, at));
    const { id } = images[next];
    if (extend) {
      if (!selected.value.length) toggle(list.focus ?? id);
      selectTo(id, images.map((image) => image.id));
    }
    list.focus = id;
    show(layout, next, element.current);
    setWanted(id);
  };

  return (event) => {
    if (event.isComposing || event.altKey) return;
    const at = images.findIndex(({ id }) => id === list.focus);
    const many = event.ctrlKey || event.metaKey;
    const act = actOf(event.key, many, { at: Math.max(at, 0), images, layout, go, extend: event.shiftKey });
    if (!act) return;
    event.preventDefault();
    act();
  };
}

function actOf(key, many, { at, images, layout, go, extend }) {
  const image = images[at];
  if (!image) return null;
  const ids = isSelected(image.id) ? selected.value : [image.id];
  if (many) return key.toLowerCase() === "a" ? () => selectAll(images.map(({ id }) => id)) : null;
  const acts = {
    ArrowLeft: () => go(at - 1, extend),
    ArrowRight: () => go(at + 1, extend),
    ArrowUp: () => go(neighbour(layout, at, -1), extend),
    ArrowDown: () => go(neighbour(layout, at, 1), extend),
    Home: () => go(0, extend),
    End: () => go(images.length - 1, extend),
    PageUp: () => go(aScreenFrom(layout, at, -1), extend),
    PageDown: () => go(aScreenFrom(layout, at, 1), extend),
    s: () => star(ids, !current(image).favourite),
    x: () => toggle(image.id),
    Delete: () => deleteImages(ids),
    Backspace: () => deleteImages(ids),
    Escape: selected.value.length ? clearSelection : null,
  };
  return acts[key.length === 1 ? key.toLowerCase() : key];
}

/** Return the place of the image a screen further. */
function aScreenFrom(layout, at, step) {
  const start = topOf(layout, at);
  let place = at;
  while (Math.abs(topOf(layout, place) - start) < innerHeight * 0.7) {
    const next = neighbour(layout, place, step);
    if (next === place) break;
    place = next;
  }
  return place;
}

function topOf(layout, at) {
  const { section, row } = rowAt(layout, at);
  return section.top + row.top;
}

/** Scroll just so far that the row of an image can be seen below its heading. */
export function show(layout, at, element) {
  if (at === 0) {
    scrollTo(0, 0); // what is above the images can be seen, too
    return;
  }
  const { section, row } = rowAt(layout, at);
  const above = document.querySelector(".top")?.offsetHeight ?? 0;
  const below = parseFloat(getComputedStyle(document.documentElement).scrollPaddingBottom) || 0;
  const depth = depthOf(element);
  const top = section.top + row.top;
  const upper = depth + above + section.rows[0].top;
  const lower = depth + innerHeight - below;
  if (top < upper) scrollBy(0, top - upper);
  else if (top + row.height > lower) scrollBy(0, top + row.height - lower);
}

/**
 * When the image with the focus leaves, the next one has it; when it comes back by an undo, so does the focus. At once:
 * the heading of a page that was just opened takes a focus that nothing has.
 */
function useFocusKept({ list, images, setWanted }) {
  const left = gone.value; // as of these images: it may be another one by the time of the effect
  const before = useRef({ list, images, left });
  useLayoutEffect(() => {
    const old = before.current;
    before.current = { list, images, left };
    if (old.list !== list || old.left === left) return;
    if (left.size < old.left.size) list.focus = images.find(({ id }) => old.left.has(id))?.id ?? list.focus;
    else if (left.has(list.focus)) list.focus = after(old.images, list.focus, images)?.id ?? null;
    if (list.focus !== null && document.activeElement === document.body) setWanted(list.focus);
  });
}

function after(images, id, left) {
  const ids = new Set(left.map((image) => image.id));
  return images.slice(images.findIndex((image) => image.id === id)).find((image) => ids.has(image.id)) ?? left.at(-1);
}
