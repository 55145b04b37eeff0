// Which images of the gallery are selected: it is kept while the list is the same.

import { gone } from "../lib/images.js";
import { computed, signal } from "../vendor/index.js";

const chosen = signal(new Set());
let anchor = null; // where a range begins

/** The ids that are selected, in the order in which they were. */
export const selected = computed(() => [...chosen.value].filter((id) => !gone.value.has(id)));

export function isSelected(id) {
  return chosen.value.has(id);
}

export function toggle(id) {
  const next = new Set(chosen.value);
  if (!next.delete(id)) next.add(id);
  anchor = id;
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
  chosen.value = new Set([...chosen.value, ...ids.slice(Math.min(from, to), Math.max(from, to) + 1)]);
}

export function selectAll(ids) {
  chosen.value = new Set(ids);
}

/** Let a range begin here. */
export function beginAt(id) {
  anchor = id;
}

export function clearSelection() {
  anchor = null;
  if (chosen.value.size) chosen.value = new Set();
}
