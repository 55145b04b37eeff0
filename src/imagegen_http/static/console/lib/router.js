// Where the reader is: the address, what the page is about, its keys and its styles.

import { signal, useEffect, useLayoutEffect } from "../vendor/index.js";

// What the page is about, for the tab's title: the words of a search, or of an image.

const MAX_CHARACTERS = 60;

export const subject = signal("");

/** Let the page be about this while the component is shown. */
export function useSubject(text) {
  useEffect(() => {
    subject.value = [...(text ?? "")].slice(0, MAX_CHARACTERS).join("");
    return () => {
      subject.value = "";
    };
  }, [text]);
}

// Keys that work anywhere on a page, unless something is being typed.

/** Call `keys[event.key]` while the component is shown; a dialog that is open keeps all keys to itself, and to what is `within` it. */
export function useKeys(keys, when = true, within = null) {
  useLayoutEffect(() => {
    if (!when) return undefined;
    const press = (event) => {
      if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
      const dialog = document.querySelector("dialog[open]");
      if (isTyping(event.target) || (dialog && !dialog.contains(within?.current ?? null))) return;
      const act = keys[event.key];
      if (!act) return;
      event.preventDefault();
      act(event);
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  });
}

/** Whether keys write into this element. */
export function isTyping(element) {
  return element.matches?.("input:not([type=checkbox], [type=radio], [type=range]), textarea, select, [contenteditable]");
}

// The styles of single pages, of which only those of the page that is shown hold: their names are no others' business.

const OTHERS = { gallery: ["marks"], picture: ["marks"], editor: ["create", "feed"] }; // what a page needs beside the style of its own name
const LATER = { create: ["feed", "inputs", "kits"] }; // what it needs once it shows more than the first time

/** Resolve once the styles of a page are there. */
export function fetchStyles(page) {
  return Promise.all(stylesOf(page, OTHERS).map((name) => fetched(addressOf(name))));
}

/** Resolve once a style is there that the page needs for more than the first time, and holds. */
export async function fetchLater(name) {
  await fetched(addressOf(name));
  wearStyles(place.value.page);
}

/** Let the styles of a page hold, and those of no other. */
export function wearStyles(page) {
  const addresses = stylesOf(page, OTHERS, LATER).map(addressOf);
  for (const link of document.querySelectorAll("link[data-page]")) link.media = addresses.includes(link.href) ? "all" : "not all";
}

function stylesOf(page, ...more) {
  return page ? [...more.flatMap((names) => names[page] ?? []), page] : [];
}

function addressOf(name) {
  return new URL(`../css/${name}.css`, import.meta.url).href;
}

function fetched(href) {
  if (document.querySelector(`link[data-page][href="${href}"]`)) return undefined;
  const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href, media: "not all" });
  link.dataset.page = "";
  return new Promise((resolve, reject) => {
    link.addEventListener("load", resolve);
    link.addEventListener("error", () => {
      link.remove();
      reject(new Error(href));
    });
    document.body.append(link); // after those of every page
  });
}

// Every state of the console is an address. A page is fetched when it is first shown.

const ROUTES = [
  [/^\/$/, "create"],
  [/^\/gallery$/, "gallery"],
  [/^\/p\/(\d+)$/, "picture"],
  [/^\/p\/(\d+)\/edit$/, "editor"],
  [/^\/tasks(?:\/([^/]+))?$/, "tasks"],
  [/^\/batches(?:\/([^/]+))?$/, "batches"],
  [/^\/providers(?:\/([^/]+))?$/, "providers"],
  [/^\/usage$/, "usage"],
  [/^\/settings$/, "settings"],
];

/** Where the reader is: `page` is the module in pages/, `id` what the address names, `query` its parameters. */
export const place = signal(read());

let depth = 0; // how many of our own pages lie behind this one, so that closing may go back to them

/** Follow links within the console, and the browser's own back and forward. */
export function start() {
  history.scrollRestoration = "manual"; // a page that fetches its content knows better when it can be scrolled
  depth = history.state?.depth ?? 0;
  addEventListener("popstate", ({ state }) => {
    depth = state?.depth ?? 0;
    place.value = read();
  });
  document.addEventListener("click", follow);
}

/** Go to an address of the console; `still` leaves the page where it is, such as below a dialog. */
export function go(to, { replace = false, still = false, state = {} } = {}) {
  rememberScroll();
  if (!replace) depth += 1;
  history[replace ? "replaceState" : "pushState"]({ ...state, depth }, "", to);
  place.value = read();
  if (!replace && !still) scrollTo(0, 0);
}

/** Close what is open: back to where it was opened, or to `otherwise` where it was the first page. */
export function close(otherwise) {
  if (depth > 0) history.back();
  else go(otherwise, { replace: true });
}

/** Return how far down the page was when it was left, 0 where it was not. */
export function rememberedScroll() {
  return history.state?.scroll ?? 0;
}

/** Keep with this entry of the history how far down the page is; needlessly done, it could stop a Back on its way. */
export function rememberScroll() {
  if (rememberedScroll() === scrollY) return;
  history.replaceState({ ...history.state, scroll: scrollY }, "");
}

function read() {
  const { pathname, search } = location;
  for (const [pattern, page] of ROUTES) {
    const match = pattern.exec(pathname);
    if (match) return { page, id: match[1] ? decoded(match[1]) : null, path: pathname, query: new URLSearchParams(search) };
  }
  return { page: null, id: null, path: pathname, query: new URLSearchParams(search) };
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // no such page will be found by it
  }
}

function follow(event) {
  const link = event.target.closest?.("a[href]");
  if (!link || event.defaultPrevented || event.button !== 0) return;
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey || link.target || link.hasAttribute("download")) return;
  const to = new URL(link.href);
  if (to.origin !== location.origin || !ROUTES.some(([pattern]) => pattern.test(to.pathname))) return;
  event.preventDefault();
  go(to.pathname + to.search);
}
