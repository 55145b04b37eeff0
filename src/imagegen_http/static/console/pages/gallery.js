// All images: to look through, to find, and to put in order.

import { SelectionBar } from "./gallery-bar.js";
import { DayRail, useDays } from "./gallery-days.js";
import { Filters, OrderChoice } from "./gallery-filters.js";
import { Grid, size } from "./gallery-grid.js";
import { SIZES } from "./gallery-layout.js";
import { listOf, news } from "./gallery-list.js";
import { Panel, showPanel } from "./gallery-panels.js";
import { clearSelection, selected, useSelectionStep } from "./gallery-selection.js";
import { t } from "../lib/i18n.js";
import { keepShared } from "../lib/kept.js";
import { FILTERS, galleryAddress } from "../lib/list-query.js";
import { atMostEvery } from "../lib/live.js";
import { go, place, useSubject } from "../lib/router.js";
import { Empty, Icon, Problem } from "../parts/basics.js";
import { Choice, Menu } from "../parts/menu.js";
import { html, useEffect, useLayoutEffect, useMemo, useRef, useSignal } from "../vendor/index.js";

const PAUSE = 2500; // milliseconds between two looks for new images
const TYPING = 250; // milliseconds after the last key
const MAX_CHARACTERS = 500;

export default function Gallery() {
  const { query } = place.value;
  const list = listOf(query);
  useSubject(query.get("q"));
  const shown = useRef(list);
  if (list.state.value.loaded) shown.current = list; // until then what was there before stays
  useEffect(() => {
    if (!list.state.value.loaded) list.more();
  }, [list]);
  useLayoutEffect(clearSelection, [list]);
  useSelectionStep();
  useNewImages(list);

  const days = useDays(list, query);
  const day = useSignal(null); // that is to be shown

  const { loaded, exact } = shown.current.state.value;
  const waiting = list !== shown.current || !loaded;
  return html`<div class="page gallery ${list.grouped === "day" ? "railed" : ""}">
    <header>
      <h1>${t("pages.gallery")}</h1>
      <p class="muted" role="status">${loaded && !waiting && t(exact || days.length ? "gallery.total" : "gallery.more_than", { n: exact || !days.length ? list.total.value : sum(days) })}</p>
      <div class="acts"><${OrderChoice} order=${query.get("order")} choose=${(order) => go(galleryAddress(place.peek().query, { order }))} /><${SizeChoice} />
        <button type="button" class="bare" aria-label=${t("trash.title")} onClick=${() => showPanel("trash")}><${Icon} name="trash" /><bdi>${t("trash.title")}</bdi></button></div>
    </header>
    <${SearchBox} />
    <${Filters} onManage=${() => showPanel("collections")} />
    <p class="unseen" role="status">${selected.value.length > 0 && t("gallery.selected", { n: selected.value.length })}</p>
    <p class="unseen" id="grid-keys">${t("gallery.keys")}</p>
    <div aria-busy=${waiting} class=${waiting && loaded ? "waiting" : ""}>
      ${loaded && (shown.current.images.value.items.length ? html`<${Grid} key=${shown.current.name} list=${shown.current} day=${day} />` : !waiting && html`<${Nothing} query=${query} />`)}
      ${!loaded && !list.problem.value && html`<p class="loading"><span class="unseen">${t("state.loading")}</span></p>`}
    </div>
    ${list.problem.value && html`<${Problem} error=${list.problem.value} again=${() => list.more()} />`}
    <${DayRail} list=${shown.current} days=${days} onDay=${(one) => (day.value = one)} />
    <${SelectionBar} list=${shown.current} />
    <${Panel} list=${shown.current} />
  </div>`;
}

/** It finds while one types; `/` goes there. */
function SearchBox() {
  const box = useRef(null);
  const waiting = useRef(null);
  const sent = useRef(null); // the words that led to an address from here: by now the box may have more
  const { page, query } = place.value;
  const asked = page === "gallery" ? (query.get("q") ?? "") : "";

  useEffect(() => {
    if (asked === sent.current) return;
    sent.current = null;
    clearTimeout(waiting.current);
    box.current.value = asked;
  }, [asked, page]);

  const find = () => {
    clearTimeout(waiting.current);
    const words = box.current.value.trim();
    const now = place.peek();
    const before = now.page === "gallery" ? (now.query.get("q") ?? "") : "";
    if (words === before) return;
    const next = new URLSearchParams(now.page === "gallery" ? now.query : undefined);
    if (words) next.set("q", words);
    else next.delete("q");
    sent.current = words;
    go(next.size ? `/gallery?${next}` : "/gallery", { replace: before !== "" }); // one step back leaves the search
  };
  const soon = () => {
    clearTimeout(waiting.current);
    waiting.current = setTimeout(find, TYPING);
  };
  const typed = ({ isComposing }) => (isComposing ? clearTimeout(waiting.current) : soon()); // pinyin on its way is no keyword
  const submit = (event) => {
    event.preventDefault();
    find();
  };
  return html`<form class="search" role="search" onSubmit=${submit}>
    <${Icon} name="search" />
    <input type="search" ref=${box} defaultValue=${asked} aria-label=${t("shell.search")} placeholder=${t("shell.search_hint")}
      autocomplete="off" maxlength=${MAX_CHARACTERS} onInput=${typed} onCompositionEnd=${soon} />
    <kbd aria-hidden="true">/</kbd>
  </form>`;
}

function SizeChoice() {
  const choose = (name) => {
    size.value = name;
    keepShared("gallery-size", name);
  };
  return html`<${Menu} name=${t("gallery.size")} icon="gallery" className="bare">${(close) =>
    Object.keys(SIZES).map((name) => html`<${Choice} key=${name} chosen=${name === size.value} onClick=${() => (choose(name), close())}>${t(`gallery.${name}`)}<//>`)}<//>`;
}

function sum(days) {
  return days.reduce((total, { count }) => total + count, 0);
}

function Nothing({ query }) {
  if (FILTERS.some((name) => query.get(name))) {
    return html`<${Empty} icon="search" title=${t("gallery.nothing")} why=${t("gallery.nothing_why")}><a class="button main" href="/gallery">${t("gallery.show_all")}</a><//>`;
  }
  return html`<${Empty} icon="gallery" title=${t("gallery.empty")} why=${t("gallery.empty_why")}><a class="button main" href="/">${t("nowhere.act")}</a><//>`;
}

/** Ask for the first page again when there may be images that the list is to have, too. */
function useNewImages(list) {
  const look = useMemo(() => atMostEvery(PAUSE, () => list.stale && list.refresh()), [list]);
  useEffect(() => {
    if (!list.stale) return;
    if (list.state.peek().loaded) look();
    else if (list.problem.peek()) list.more(); // the service is back
  }, [list, news.value]);
}
