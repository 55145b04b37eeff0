// The search above every page: it finds while one types, in the gallery.

import { t } from "../lib/i18n.js";
import { go, place } from "../lib/router.js";
import { Icon } from "./icon.js";
import { html, useEffect, useRef } from "../vendor/index.js";

const PAUSE = 250; // milliseconds after the last key
const MAX_CHARACTERS = 500;

export function SearchBox({ box }) {
  const waiting = useRef(null);
  const { page, query } = place.value;
  const asked = page === "gallery" ? (query.get("q") ?? "") : "";

  useEffect(() => {
    if (document.activeElement !== box.current) box.current.value = asked;
  }, [asked, page]);

  const find = () => {
    clearTimeout(waiting.current);
    const words = box.current.value.trim();
    const now = place.peek();
    if (now.page === "gallery" ? words === (now.query.get("q") ?? "") : !words) return;
    const next = new URLSearchParams(now.page === "gallery" ? now.query : undefined);
    if (words) next.set("q", words);
    else next.delete("q");
    go(next.size ? `/gallery?${next}` : "/gallery", { replace: now.page === "gallery" }); // one step back leaves the search
  };
  const soon = () => {
    clearTimeout(waiting.current);
    waiting.current = setTimeout(find, PAUSE);
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
