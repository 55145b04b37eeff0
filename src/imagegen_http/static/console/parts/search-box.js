// The search above every page: it finds while one types, in the gallery.

import { t } from "../lib/i18n.js";
import { go, place } from "../lib/router.js";
import { Icon } from "./icon.js";
import { html, useEffect, useRef } from "../vendor/index.js";

const PAUSE = 250; // milliseconds after the last key
const MAX_CHARACTERS = 500;

export function SearchBox({ box }) {
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
