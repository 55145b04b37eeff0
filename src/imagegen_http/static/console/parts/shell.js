// The frame around all pages: the ways to the others, the commands, and the page itself.

import { Icon, Problem, toast, Toasts } from "./basics.js";
import { fetchSentences, language, speak, t } from "../lib/i18n.js";
import { finishDeleting } from "../lib/images.js";
import { theme, toggleTheme } from "../lib/kept.js";
import { connection, counts, onResume } from "../lib/live.js";
import { fetchStyles, place, subject, useKeys, wearStyles } from "../lib/router.js";
import { html, useEffect, useRef, useState } from "../vendor/index.js";

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

const KEYS = /mac|iphone|ipad/i.test(navigator.platform) ? "⌘K" : "Ctrl K";

/** What is asked for by a key is fetched with the first of them. */
async function command(name) {
  (await import("./commands.js"))[name]();
}

const MODULE = /module/i; // in every browser's words for one that cannot be had

/** What was asked for and could not be fetched is told, wherever that was. */
addEventListener("unhandledrejection", ({ reason }) => {
  if (MODULE.test(reason?.message)) toast(t("problem.page"), { kind: "wrong" });
});

/** A file that is dropped on any page becomes a reference; Create takes it by itself. */
function useDrop() {
  useEffect(() => {
    const over = (event) => event.dataTransfer.types.includes("Files") && event.preventDefault();
    const drop = async (event) => {
      const files = [...event.dataTransfer.files];
      if (event.defaultPrevented || !files.length || document.querySelector("dialog[open]")) return;
      event.preventDefault(); // the browser would leave the page for it
      if (place.peek().page !== "create") await (await import("./commands.js")).takeFiles(files);
    };
    addEventListener("dragover", over);
    addEventListener("drop", drop);
    return () => {
      removeEventListener("dragover", over);
      removeEventListener("drop", drop);
    };
  }, []);
}

export function Shell() {
  const { page } = place.value;
  useKeys({ "?": () => command("openKeys"), "/": () => (page === "gallery" ? document.querySelector(".search input")?.focus() : command("openPalette")) });
  useEffect(() => {
    const press = (event) => {
      if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "k" || event.altKey || document.querySelector("dialog[open]")) return;
      event.preventDefault();
      command("openPalette");
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, []);
  useDrop();
  const skip = (event) => {
    event.preventDefault();
    document.querySelector("#main").focus();
  };
  return html`<a class="skip" href="#main" onClick=${skip}>${t("shell.skip")}</a>
    <header class="top">
      <a class="brand" href="/" aria-label=${t("shell.home")}>imagegen</a>
      <button type="button" class="find" aria-haspopup="dialog" aria-label=${`${t("shell.search")} ${KEYS}`} onClick=${() => command("openPalette")}>
        <${Icon} name="search" /><span aria-hidden="true">${t("shell.search")}</span>${" "}<kbd aria-hidden="true">${KEYS}</kbd></button>
      <${Connection} />
      <button type="button" class="bare" onClick=${() => speak(language.value === "zh" ? "en" : "zh")}
        lang=${language.value === "zh" ? "en" : "zh-CN"} aria-label=${t("shell.language")}>${t("shell.to")}</button>
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
      async (error) => {
        const isThere = await fetch("/health/live", { cache: "no-store" }).catch(() => null);
        if (current && !(isThere && window.startAgain())) setShown({ page, Content: null, error });
      },
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
    if (!shown.Content) return undefined;
    const stop = isFirst.current ? undefined : takeFocus();
    isFirst.current = false;
    return stop;
  }, [shown.Content]);
  if (shown.error) return html`<${Problem} error=${{ message: t("problem.page") }} again=${() => location.reload()} />`;
  if (shown.page !== page || !shown.Content) return html`<p class="loading" aria-busy="true"><span class="unseen">${t("state.loading")}</span></p>`;
  return html`<${shown.Content} key=${page} id=${id} path=${path} />`;
}

/** Let the page's heading, once it is there, have the focus that went with the page before, so that it is read aloud. */
function takeFocus() {
  const main = document.querySelector("#main");
  const take = () => {
    const heading = main.querySelector("h1");
    if (!heading) return;
    observer.disconnect();
    if (document.activeElement !== document.body) return;
    heading.tabIndex = -1;
    heading.focus({ preventScroll: true });
  };
  const observer = new MutationObserver(take);
  observer.observe(main, { childList: true, subtree: true });
  take();
  return () => observer.disconnect();
}

async function load(page) {
  if (!page) return (await import("../pages/nowhere.js")).Nowhere;
  const [{ default: Content }] = await Promise.all([import(`../pages/${page}.js`), fetchStyles(page), fetchSentences(page)]);
  return Content;
}
