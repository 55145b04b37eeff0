// The pictures, newest first or as a search finds them, a page after the other.

import { call } from "./api.js";
import { attempt } from "./problems.js";
import { view } from "./viewer.js";

const PAGE_SIZE = 40;
const UNDO = 4000; // milliseconds

const gallery = document.querySelector("#gallery");
const template = document.querySelector("#picture");
const more = document.querySelector("#more");
const empty = document.querySelector("#empty");
const found = document.querySelector("#found");
const undo = document.querySelector("#undo");
const search = document.querySelector("#search");
const gone = new Set(); // the ids of pictures that left; an answer on its way may still have them
const near = new IntersectionObserver(
  (seen) => {
    if (seen[seen.length - 1].isIntersecting && !more.hidden && !more.disabled) load();
  },
  { rootMargin: "600px" },
);

let keyword = "";
let cursor = null;
let turn = 0; // answers to an earlier search than the last are dropped
let loading = false;
let leaving = null; // a picture that is deleted unless somebody takes it back

/** Show the pictures that the page's address asks for. */
export async function start() {
  search.elements.keyword.value = new URLSearchParams(location.search).get("q") ?? "";
  search.addEventListener("submit", (event) => {
    event.preventDefault();
    look();
  });
  const typed = settled(() => wanted() === keyword || look(), 250);
  search.elements.keyword.addEventListener("input", ({ isComposing }) => isComposing || typed());
  search.elements.keyword.addEventListener("compositionend", typed); // pinyin on its way is no keyword
  more.addEventListener("click", load);
  undo.querySelector("button").addEventListener("click", takeBack);
  addEventListener("pagehide", () => leave({ keepalive: true }));
  document.querySelector("#logout").addEventListener("submit", () => leave({ keepalive: true })); // while it may
  await look();
}

/** Put a finished task's pictures in front, or those of them that the search on the page finds. */
export async function add(images) {
  if (loading && !cursor) return look(); // the answer on its way may be older than these
  const mine = turn;
  await attempt("gallery", async () => {
    const newest = keyword ? (await ask(null)).items : [...images].reverse();
    if (mine !== turn) return;
    const fresh = newest.filter(({ id }) => images.some((image) => image.id === id) && !isShown(id));
    gallery.prepend(...fresh.map(figure));
    tellIfEmpty();
  });
}

function isShown(id) {
  return Boolean(gallery.querySelector(`[data-id="${id}"]`));
}

function wanted() {
  return search.elements.keyword.value.trim();
}

function look() {
  keyword = wanted();
  history.replaceState(null, "", keyword ? `?${new URLSearchParams({ q: keyword })}` : location.pathname);
  cursor = null;
  turn += 1;
  return load();
}

async function load() {
  const mine = turn;
  more.disabled = loading = true;
  await attempt("gallery", async () => {
    try {
      const page = await ask(cursor);
      if (mine === turn) show(page);
    } catch (error) {
      if (mine !== turn) return; // of a search that nobody waits for any more
      more.hidden = false;
      throw error;
    }
  });
  if (mine === turn) more.disabled = loading = false;
}

function ask(after) {
  const query = new URLSearchParams({ page_size: PAGE_SIZE });
  if (after) query.set("cursor", after);
  if (keyword) query.set("keyword", keyword);
  return call("GET", `/api/v1/images${keyword ? "/search" : ""}?${query}`);
}

function show(page) {
  const figures = page.items.filter(({ id }) => !gone.has(id)).map(figure);
  if (cursor) gallery.append(...figures);
  else begin(figures);
  cursor = page.next_cursor;
  more.hidden = !cursor;
  near.unobserve(more); // it reports anew where the button is, also when that is still on the screen
  near.observe(more);
  found.textContent = keyword && page.total ? `找到 ${page.total.toLocaleString()} 张${page.total_is_exact ? "" : "以上"}` : "";
  empty.textContent = keyword ? `没有提示词里含有“${keyword}”的图片` : "还没有图片。在上面写下提示词，点“生成”。";
  tellIfEmpty();
}

/** Show the first page, and from its beginning, however far down the last one was. */
function begin(figures) {
  gallery.replaceChildren(...figures);
  if (found.getBoundingClientRect().top < 0) found.scrollIntoView();
}

function tellIfEmpty() {
  empty.hidden = !more.hidden || Boolean(gallery.children.length);
}

/** Return what stands for a picture: nothing to see while it is about to leave. */
function figure(image) {
  const made = drawn(image);
  if (leaving?.image.id !== image.id) return made;
  leaving = { ...leaving, made, place: document.createComment("") };
  return leaving.place;
}

function drawn(image) {
  const made = template.content.firstElementChild.cloneNode(true);
  const picture = made.querySelector("img");
  made.dataset.id = image.id;
  picture.src = image.thumbnail_url;
  picture.alt = image.prompt || `图片 ${image.id}`;
  made.querySelector("figcaption").textContent = image.prompt;
  made.querySelector("figcaption").title = image.prompt;
  made.querySelector(".open").addEventListener("click", () => view(image));
  made.querySelector(".delete").addEventListener("click", () => putAside(image, made));
  return made;
}

/** Take a picture away at once, and delete it for good a moment later. */
function putAside(image, made) {
  leave();
  const place = document.createComment("");
  made.replaceWith(place);
  leaving = { image, made, place, timer: setTimeout(leave, UNDO) };
  undo.querySelector("span").textContent = "图片已删除";
  undo.hidden = false;
  undo.querySelector("button").focus({ preventScroll: true });
  tellIfEmpty();
}

function takeBack() {
  clearTimeout(leaving.timer);
  bringBack(leaving);
  leaving.made.querySelector(".open").focus();
  leaving = null;
  undo.hidden = true;
}

function bringBack({ made, place }) {
  place.replaceWith(made); // nothing, where another search is shown by now
  tellIfEmpty();
}

function leave(options) {
  if (!leaving) return;
  const left = leaving;
  clearTimeout(left.timer);
  leaving = null;
  if (undo.contains(document.activeElement)) nextTo(left.place).focus({ preventScroll: true });
  undo.hidden = true;
  gone.add(left.image.id);
  attempt("act", async () => {
    try {
      await call("DELETE", `/api/v1/images/${left.image.id}`, options);
    } catch (error) {
      if (error.status === 404) return; // somebody else was quicker
      gone.delete(left.image.id);
      bringBack(left);
      throw error;
    }
  });
}

/** Return what has the focus after a picture that left. */
function nextTo({ nextElementSibling, previousElementSibling }) {
  return (nextElementSibling ?? previousElementSibling)?.querySelector(".open") ?? search.elements.keyword;
}

/** Return what calls `act` once nothing was typed for so many milliseconds. */
function settled(act, pause) {
  let waiting;
  return () => {
    clearTimeout(waiting);
    waiting = setTimeout(act, pause);
  };
}
