// All images: to look through, to find, and to put in order.

import { atMostEvery } from "../lib/tasks.js";
import { onResume, onTask } from "../lib/events.js";
import { t } from "../lib/i18n.js";
import { FILTERS } from "../lib/list-query.js";
import { place } from "../lib/router.js";
import { Empty } from "../parts/empty.js";
import { Problem } from "../parts/problem.js";
import { SelectionBar } from "./gallery-bar.js";
import { Filters } from "./gallery-filters.js";
import { Grid } from "./gallery-grid.js";
import { listOf, spoil } from "./gallery-list.js";
import { Panel, showPanel } from "./gallery-panels.js";
import { clearSelection } from "./gallery-selection.js";
import { html, useEffect, useRef } from "../vendor/index.js";

const PAUSE = 1500; // milliseconds between two looks for new images

export default function Gallery() {
  const { query } = place.value;
  const list = listOf(query);
  const shown = useRef(list);
  if (list.state.value.loaded) shown.current = list; // until then what was there before stays
  useEffect(() => {
    if (!list.state.value.loaded) list.more();
    else if (list.stale) list.refresh();
    clearSelection();
  }, [list]);
  useNewImages(list);

  const { loaded, exact } = shown.current.state.value;
  const waiting = list !== shown.current || !loaded;
  return html`<div class="page gallery">
    <header>
      <h1>${t("pages.gallery")}</h1>
      <p class="muted" role="status">${loaded && !waiting && t(exact ? "gallery.total" : "gallery.more_than", { n: list.total.value })}</p>
    </header>
    <${Filters} onManage=${() => showPanel("collections")} />
    <p class="unseen" id="grid-keys">${t("gallery.keys")}</p>
    <div aria-busy=${waiting} class=${waiting && loaded ? "waiting" : ""}>
      ${loaded && (shown.current.images.value.items.length ? html`<${Grid} key=${shown.current.name} list=${shown.current} />` : !waiting && html`<${Nothing} query=${query} />`)}
      ${!loaded && !list.problem.value && html`<p class="loading"><span class="unseen">${t("state.loading")}</span></p>`}
    </div>
    ${list.problem.value && html`<${Problem} error=${list.problem.value} again=${() => list.more()} />`}
    <${SelectionBar} list=${shown.current} />
    <${Panel} list=${shown.current} />
  </div>`;
}

function Nothing({ query }) {
  if (FILTERS.some((name) => query.get(name))) {
    return html`<${Empty} icon="search" title=${t("gallery.nothing")} why=${t("gallery.nothing_why")}><a class="button main" href="/gallery">${t("gallery.show_all")}</a><//>`;
  }
  return html`<${Empty} icon="gallery" title=${t("gallery.empty")} why=${t("gallery.empty_why")}><a class="button main" href="/">${t("nowhere.act")}</a><//>`;
}

/** Ask for the first page again when a task has an image that the list may have, too. */
function useNewImages(list) {
  useEffect(() => {
    const look = atMostEvery(PAUSE, () => list.refresh());
    const known = new Set(); // what was asked about before, whether the list has it or not
    const task = ({ image_ids = [] }) => {
      const fresh = image_ids.filter((id) => !known.has(id));
      if (!fresh.length) return;
      for (const id of fresh) known.add(id);
      spoil();
      look();
    };
    const ends = [onTask(task), onResume(look)];
    return () => {
      for (const end of ends) end();
      spoil(); // what comes while another page is shown
    };
  }, [list]);
}
