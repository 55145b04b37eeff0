// Images of the gallery to choose from, with a search.

import { Problem } from "./basics.js";
import { useThumbnail } from "./card.js";
import { Dialog } from "./dialog.js";
import { get, isAbort } from "../lib/api.js";
import { t } from "../lib/i18n.js";
import { gone, isVector } from "../lib/images.js";
import { html, useEffect, useState } from "../vendor/index.js";

const PAUSE = 250; // milliseconds after the last key
const PAGE = 40;

/** `max` is how many may be chosen; `onPick` gets their ids in the order in which they were chosen. */
export function GalleryPicker({ title, max, onPick, onClose }) {
  const [words, setWords] = useState("");
  const [list, setList] = useState({ items: null, next: null, error: null });
  const [chosen, setChosen] = useState([]);

  const load = async (cursor, signal) => {
    const query = { page_size: PAGE, cursor, ...(words && { keyword: words }) };
    try {
      const told = await get(words ? "/api/v1/images/search" : "/api/v1/images", query, { signal });
      setList((before) => ({ items: cursor ? [...before.items, ...told.items] : told.items, next: told.next_cursor, error: null }));
    } catch (error) {
      if (!isAbort(error)) setList((before) => ({ ...before, error }));
    }
  };
  useEffect(() => {
    const stop = new AbortController();
    const wait = setTimeout(() => load(null, stop.signal), words ? PAUSE : 0);
    return () => {
      clearTimeout(wait);
      stop.abort();
    };
  }, [words]);

  const typed = ({ target, isComposing }) => !isComposing && setWords(target.value.trim());
  const choose = (id) => {
    if (max === 1) return onPick([id]);
    return setChosen(chosen.includes(id) ? chosen.filter((one) => one !== id) : [...chosen, id].slice(0, max));
  };
  const items = list.items?.filter((image) => !gone.value.has(image.id) && !isVector(image));
  const foot = max > 1 && html`<span class="hint">${t("inputs.chosen", { n: chosen.length, max })}</span>
    <button type="button" class="main" disabled=${!chosen.length} onClick=${() => onPick(chosen)}>${t("inputs.take")}</button>`;
  return html`<${Dialog} title=${title} kind="dialog wide" onClose=${onClose} foot=${foot}>
    <input class="find" type="search" aria-label=${t("inputs.find")} placeholder=${t("inputs.find")} autocomplete="off" maxlength="500"
      onInput=${typed} onCompositionEnd=${typed} />
    ${list.error && html`<${Problem} error=${list.error} again=${() => load(null)} />`}
    ${items?.length === 0 && html`<p class="muted">${t(words ? "inputs.none_found" : "inputs.none_yet")}</p>`}
    <div class="choices" aria-busy=${!items}>
      ${items?.map((image) => html`<${Choice} key=${image.id} image=${image} chosen=${chosen} max=${max} onChoose=${choose} />`)}
    </div>
    ${list.next && html`<button type="button" onClick=${() => load(list.next)}>${t("act.more")}</button>`}
  <//>`;
}

/** An image to choose; of several, with its place among those that are chosen. */
function Choice({ image, chosen, max, onChoose }) {
  const place = chosen.indexOf(image.id) + 1;
  const { thumbnail, label } = useThumbnail({ image }, image.prompt || t("images.unnamed", { id: image.id }), place);
  return html`<button type="button" class="picture" aria-pressed=${max > 1 ? place > 0 : undefined} disabled=${!place && max > 1 && chosen.length >= max}
    aria-label=${label} onClick=${() => onChoose(image.id)}>${thumbnail}${place > 0 && html`<span class="badge">${place}</span>`}</button>`;
}
