// Which images of the gallery are selected: it is kept while the list is the same.

import { gone } from "../lib/images.js";
import { go, place } from "../lib/router.js";
import { computed, signal, useLayoutEffect, useRef } from "../vendor/index.js";

const chosen = signal(new Set());
let anchor = null; // where a range begins
let ranged = new Set(); // what the range from there has added: another range from there takes its place

/** The ids that are selected, in the order in which they were. */
export const selected = computed(() => [...chosen.value].filter((id) => !gone.value.has(id)));

export function isSelected(id) {
  return chosen.value.has(id);
}

export function toggle(id) {
  const next = new Set(chosen.value);
  if (!next.delete(id)) next.add(id);
  beginAt(id);
  chosen.value = next;
}

/** Select all from the last one that was pressed to this one; `ids` are those of the list. */
export function selectTo(id, ids) {
  const from = ids.indexOf(anchor);
  if (from < 0) {
    toggle(id);
    return;
  }
  const to = ids.indexOf(id);
  const others = [...chosen.value].filter((one) => !ranged.has(one));
  ranged = new Set(ids.slice(Math.min(from, to), Math.max(from, to) + 1).filter((one) => !others.includes(one)));
  chosen.value = new Set([...others, ...ranged]);
}

export function selectAll(ids) {
  ranged = new Set();
  chosen.value = new Set(ids);
}

/** Let a range begin here. */
export function beginAt(id) {
  anchor = id;
  ranged = new Set();
}

export function clearSelection() {
  beginAt(null);
  if (chosen.value.size) chosen.value = new Set();
}

/** Have the selection as a step of the history, so that Back ends it and leaves the page where it is. */
export function useSelectionStep() {
  const began = useRef(null); // depth of that step
  useLayoutEffect(() => {
    const { depth = 0, selecting = false } = history.state ?? {};
    const isOn = selected.peek().length > 0;
    if (isOn && began.current === null) {
      go(location.pathname + location.search, { still: true, state: { selecting: true } });
      began.current = history.state.depth;
    } else if (isOn && depth < began.current) {
      began.current = null;
      clearSelection();
    } else if (!isOn) {
      began.current = null;
      if (selecting) history.back(); // it was ended in another way, or forgotten by a reload
    }
  }, [selected.value.length > 0, place.value]);
}
