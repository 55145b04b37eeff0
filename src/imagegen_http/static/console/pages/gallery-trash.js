// The trash: deleted images, how long they can be restored, and what can be done with them.

import { OrderChoice } from "./gallery-filters.js";
import { forgetLists } from "./gallery-list.js";
import { get, now, remove } from "../lib/api.js";
import { t } from "../lib/i18n.js";
import { batch, bringBack, finishDeleting, hasTrash } from "../lib/images.js";
import { complain } from "../lib/marks.js";
import { place } from "../lib/router.js";
import { Icon, Problem, toast } from "../parts/basics.js";
import { Thumbnail } from "../parts/card.js";
import { confirm } from "../parts/dialog.js";
import { html, useEffect, useRef, useState } from "../vendor/index.js";

const PATH = "/api/v1/trash";
const PAGE_SIZE = 50;
const DAY = 86_400_000; // milliseconds
const DIFFERENCE = 5000; // milliseconds that two clocks may be apart: what was deleted now has 30 days, not 31

export function Trash() {
  const [state, setState] = useState({ items: null, total: 0, cursor: null, error: null });
  const [order, setOrder] = useState(place.peek().query.get("order") ?? "");
  const room = useRef(null);
  const leaves = useRef(false); // whether the control with the focus leaves
  const more = async (cursor, before) => {
    try {
      const { items, total, next_cursor } = await get(PATH, { page_size: PAGE_SIZE, cursor, order });
      setState({ items: [...before, ...items], total, cursor: next_cursor, error: null });
    } catch (error) {
      setState((state) => ({ ...state, error }));
    }
  };
  const again = () => more(null, []);
  useEffect(() => void finishDeleting().then(again), [order]);
  useEffect(() => {
    if (!leaves.current) return;
    leaves.current = false;
    (room.current.querySelector("li button") ?? room.current).focus({ preventScroll: true });
  }, [state.items]);

  const act = async (run) => {
    leaves.current = true;
    await run().catch(complain);
    await again(); // another tab may have been quicker: what is there now is shown
  };
  const restore = (id) =>
    act(async () => {
      const missing = await batch([id], "restore");
      bringBack([id]);
      forgetLists();
      toast(t(missing.length ? "trash.missing" : "trash.restored"), { kind: missing.length ? "wrong" : "told" });
    });
  const drop = async (id) => {
    const words = { title: t("trash.delete"), text: t("trash.delete_why"), act: t("trash.delete"), danger: true };
    if (await confirm(words)) await act(() => batch([id], "delete"));
  };
  const empty = async () => {
    const words = { title: t("trash.empty"), text: t("trash.empty_why", { n: state.total }), act: t("trash.empty"), danger: true };
    if (await confirm(words)) await act(() => remove(PATH));
  };

  const { items, total, cursor, error } = state;
  return html`<div class="thrown" ref=${room} tabindex="-1" aria-busy=${!items && !error}>
    ${error && html`<${Problem} error=${error} again=${again} />`}
    <p class="muted" role="status">${items && t(total ? "trash.total" : hasTrash ? "trash.none" : "trash.off", { n: total })}</p>
    ${total > 0 && html`<button type="button" class="danger" onClick=${empty}><${Icon} name="trash" />${t("trash.empty")}</button>`}
    ${total > 1 && html`<${OrderChoice} order=${order} choose=${setOrder} />`}
    <ul>${items?.map((image) => html`<${Thrown} key=${image.id} image=${image} onRestore=${() => restore(image.id)} onDrop=${() => drop(image.id)} />`)}</ul>
    ${cursor && html`<button type="button" onClick=${() => more(cursor, items)}>${t("trash.more")}</button>`}
  </div>`;
}

function Thrown({ image, onRestore, onDrop }) {
  const days = Math.max(0, Math.ceil((Date.parse(image.expires_at) - now.value - DIFFERENCE) / DAY));
  const name = image.prompt || t("images.unnamed", { id: image.id });
  return html`<li>
    <${Thumbnail} image=${image} alt="" />
    <div><p class="words" title=${name}><bdi>${name}</bdi></p><p class="muted">${t("trash.left", { n: days })}</p>
      <div class="acts">
        <button type="button" aria-label=${`${t("trash.restore")}: ${name}`} onClick=${onRestore}><${Icon} name="undo" />${t("trash.restore")}</button>
        <button type="button" class="bare wrong" aria-label=${`${t("trash.delete")}: ${name}`} onClick=${onDrop}>${t("trash.delete")}</button>
      </div></div>
  </li>`;
}
