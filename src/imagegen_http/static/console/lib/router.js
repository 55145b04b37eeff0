// Every state of the console is an address. A page is fetched when it is first shown.

import { signal } from "../vendor/index.js";

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
