// The frame around all pages: navigation, search, and the page itself.

import { Icon, Problem, Toasts } from "./basics.js";
import { fetchSentences, language, speak, t } from "../lib/i18n.js";
import { finishDeleting } from "../lib/images.js";
import { theme, toggleTheme } from "../lib/kept.js";
import { connection, counts, onResume } from "../lib/live.js";
import { fetchStyles, go, place, subject, useKeys, wearStyles } from "../lib/router.js";
import { html, useEffect, useRef, useState } from "../vendor/index.js";

// The search above every page: it finds while one types, in the gallery.

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

// What surrounds every page: the ways to the others, the search, the connection, the language and the colours.

const WAYS = [
  ["create", "/"],
  ["gallery", "/gallery"],
  ["tasks", "/tasks"],
  ["providers", "/providers"],
  ["usage", "/usage"],
  ["settings", "/settings"],
];
const WITHIN = { picture: "gallery", editor: "gallery", batches: "tasks" }; // pages that are reached from another one's way
const HAS_LOGIN = !document.querySelector("#logout").hidden; // the server shows it where a login is needed

export function Shell() {
  const search = useRef(null);
  useKeys({ "/": () => search.current?.focus() });
  const { page } = place.value;
  const skip = (event) => {
    event.preventDefault();
    document.querySelector("#main").focus();
  };
  return html`<a class="skip" href="#main" onClick=${skip}>${t("shell.skip")}</a>
    <header class="top">
      <a class="brand" href="/" aria-label=${t("shell.home")}>imagegen</a>
      <${SearchBox} box=${search} />
      <${Connection} />
      <button type="button" class="bare" onClick=${() => speak(language.value === "zh" ? "en" : "zh")}
        lang=${language.value === "zh" ? "en" : "zh-CN"} aria-label=${t("shell.language")}>${language.value === "zh" ? "EN" : "中"}</button>
      <button type="button" class="bare" aria-label=${t(theme.value === "dark" ? "shell.light" : "shell.dark")} onClick=${toggleTheme}>
        <${Icon} name=${theme.value === "dark" ? "sun" : "moon"} /></button>
      ${HAS_LOGIN && html`<button type="submit" form="logout" class="bare" onClick=${finishDeleting} aria-label=${t("shell.logout")}>
        <${Icon} name="logout" /></button>`}
    </header>
    <nav class="ways" aria-label=${t("shell.ways")}>
      ${WAYS.map(
        ([name, path]) => html`<a key=${name} href=${path} aria-current=${(WITHIN[page] ?? page) === name ? "page" : undefined}>
          <${Icon} name=${name} />
          <span>${t(`pages.${name}`)}</span>
          ${name === "tasks" && html`<${Running} />`}
        </a>`,
      )}
    </nav>
    <main id="main" tabindex="-1"><${Page} /></main>
    <${Toasts} />`;
}

/** How many tasks have not ended. */
function Running() {
  const told = counts.value;
  const running = told ? told.pending + told.processing : 0;
  if (!running) return null;
  return html`<span class="badge" aria-label=${t("shell.running", { n: running })}>${running > 999 ? "999+" : running}</span>`;
}

function Connection() {
  const state = connection.value;
  return html`<span class="connection ${state}" role="status" title=${t(`connection.${state}_why`)}>
    <i aria-hidden="true"></i>${t(`connection.${state}`)}</span>`;
}

/** The page that the address names, once its module is there. */
function Page() {
  const { page, id, path } = place.value;
  const [shown, setShown] = useState({ page: null, Content: null, error: null });
  useEffect(() => {
    let current = true;
    load(page).then(
      (Content) => {
        if (!current) return;
        wearStyles(page);
        setShown({ page, Content, error: null });
      },
      (error) => current && setShown({ page, Content: null, error }),
    );
    return () => {
      current = false;
    };
  }, [page]);
  useEffect(() => {
    document.title = [subject.value, page && t(`pages.${page}`), "imagegen"].filter(Boolean).join(" · ");
  }, [page, language.value, subject.value]);
  useEffect(() => shown.error && onResume(() => location.reload()), [shown.error]); // a browser may keep that a module could not be had
  const isFirst = useRef(true);
  useEffect(() => {
    if (!shown.Content) return;
    if (!isFirst.current) takeFocus();
    isFirst.current = false;
  }, [shown.Content]);
  if (shown.error) return html`<${Problem} error=${{ message: t("problem.page") }} again=${() => location.reload()} />`;
  if (shown.page !== page || !shown.Content) return html`<p class="loading" aria-busy="true"><span class="unseen">${t("state.loading")}</span></p>`;
  return html`<${shown.Content} key=${page} id=${id} path=${path} />`;
}

/** Let the page's heading have the focus that went with the page before, so that it is read aloud. */
function takeFocus() {
  const heading = document.querySelector("#main h1");
  if (!heading || document.activeElement !== document.body) return;
  heading.tabIndex = -1;
  heading.focus({ preventScroll: true });
}

async function load(page) {
  if (!page) return (await import("../pages/nowhere.js")).Nowhere;
  const rest = Promise.all([fetchStyles(page), fetchSentences(page)]);
  const { default: Content } = await import(`../pages/${page}.js`);
  await rest;
  return Content;
}
