// What can be done with the images that are selected.

import { MAX_COMPARED, MIN_COMPARED, showComparison, showPanel } from "./gallery-panels.js";
import { clearSelection, selectAll, selected } from "./gallery-selection.js";
import { get } from "../lib/api.js";
import { number } from "../lib/format.js";
import { t } from "../lib/i18n.js";
import { current, deleteImages, star } from "../lib/images.js";
import { complain } from "../lib/marks.js";
import { useKeys } from "../lib/router.js";
import { downloadZip, MAX_ZIPPED } from "../lib/zip.js";
import { Icon, toast } from "../parts/basics.js";
import { html, useEffect, useRef, useState } from "../vendor/index.js";

const MAX_SELECTED = 10_000; // ids that the service gives at once

export function SelectionBar({ list }) {
  const ids = selected.value;
  const [busy, setBusy] = useState(false);
  useFocusKept(ids.length > 0);
  useKeys({ Escape: clearSelection }, ids.length > 0);
  if (!ids.length) return null;
  const all = list.images.value.items;
  const isChosen = new Set(ids);
  const chosen = all.filter(({ id }) => isChosen.has(id));
  const canHaveAll = chosen.length >= all.length && ids.length < Math.min(list.total.value, MAX_SELECTED);
  const selectWhole = async () => {
    if (busy) return;
    setBusy(true);
    try {
      const whole = await get("/api/v1/images/ids", list.parameters);
      selectAll(whole.ids);
      if (whole.has_more) toast(t("gallery.selected_first", { n: whole.ids.length }));
    } catch (error) {
      complain(error);
    }
    setBusy(false);
  };
  const starred = chosen.length > 0 && chosen.every((image) => current(image).favourite);
  const zip = () => {
    if (busy) return;
    setBusy(true);
    downloadZip(ids).catch(complain).finally(() => setBusy(false));
  };
  /** What cannot be done says why, whatever it is pressed with. */
  const limited = (fits, hint, run) => [fits ? run : () => toast(hint), { "aria-disabled": busy || !fits, title: hint }];
  const act = (icon, name, run, { count = null, ...more } = {}) =>
    html`<button type="button" class="bare" aria-label=${name} onClick=${run} ...${more}><${Icon} name=${icon} filled=${icon === "star" && starred} /><span class="name">${name}</span>${count && html`<span class="count">${number(count)}</span>`}</button>`;
  return html`<div class="selection" role="region" aria-label=${t("gallery.selection")}>
    ${act("close", t("gallery.selected", { n: ids.length }), clearSelection, { count: ids.length, "aria-label": t("gallery.unselect", { n: ids.length }) })}
    ${canHaveAll
      ? act("check", t("gallery.select_whole", { n: Math.min(list.total.value, MAX_SELECTED) }), selectWhole, { "aria-disabled": busy })
      : act("check", t("gallery.select_all"), () => selectAll(all.map(({ id }) => id)), { disabled: ids.length >= all.length })}
    <span class="gap"></span>
    ${act("star", t(starred ? "act.unstar" : "act.star"), () => star(ids, !starred))}
    ${act("tag", t("gallery.tag"), () => showPanel("tags"))}
    ${act("folder", t("gallery.collection"), () => showPanel("collect"))}
    ${act("compare", t("gallery.compare"), ...limited(ids.length >= MIN_COMPARED && ids.length <= MAX_COMPARED, t("gallery.compare_hint"), () => showComparison(ids)))}
    ${act("download", t("gallery.zip"), ...limited(ids.length <= MAX_ZIPPED, t("gallery.zip_hint", { n: MAX_ZIPPED }), zip))}
    ${act("trash", t("act.delete"), () => deleteImages(ids))}
  </div>`;
}

/** When the bar leaves with the focus, an image has it: the one that the keyboard is at. */
function useFocusKept(isOn) {
  const wasOn = useRef(false);
  useEffect(() => {
    if (wasOn.current && !isOn && document.activeElement === document.body) document.querySelector(".grid a[tabindex='0']")?.focus({ preventScroll: true });
    wasOn.current = isOn;
  }, [isOn]);
}
