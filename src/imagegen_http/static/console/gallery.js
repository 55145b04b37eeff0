// The pictures, newest first or as a search finds them, a page after the other.

import { call } from "./api.js";
import { attempt } from "./form.js";
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

let keyword = "";
let cursor = null;
let turn = 0; // answers to an earlier search than the last are dropped
let leaving = null; // a picture that is deleted unless somebody takes it back

/** Show the pictures that the page's address asks for. */
export async function start() {
  search.elements.keyword.value = new URLSearchParams(location.search).get("q") ?? "";
  search.addEventListener("submit", (event) => event.preventDefault());
  search.elements.keyword.addEventListener("input", settled(look, 250));
  more.addEventListener("click", () => attempt(load));
  new IntersectionObserver(([{ isIntersecting }]) => {
    if (isIntersecting && !more.hidden && !more.disabled) attempt(load);
  }).observe(more);
  undo.querySelector("button").addEventListener("click", takeBack);
  addEventListener("pagehide", () => leave({ keepalive: true }));
  await look();
}

/** Put a finished task's pictures in front, unless a search is shown. */
export function add(images) {
  if (keyword) return;
  empty.hidden = true;
  gallery.prepend(...images.filter(({ id }) => !gallery.querySelector(`[data-id="${id}"]`)).map(figure));
}

async function look() {
  keyword = search.elements.keyword.value.trim();
  history.replaceState(null, "", keyword ? `?q=${encodeURIComponent(keyword)}` : location.pathname);
  cursor = null;
  turn += 1;
  await attempt(load);
}

async function load() {
  const mine = turn;
  more.disabled = true;
  try {
    const query = new URLSearchParams({ page_size: PAGE_SIZE });
    if (cursor) query.set("cursor", cursor);
    if (keyword) query.set("keyword", keyword);
    const page = await call("GET", `/api/v1/images${keyword ? "/search" : ""}?${query}`);
    if (mine === turn) show(page);
  } finally {
    more.disabled = false;
  }
}

function show(page) {
  const figures = page.items.map(figure);
  if (cursor) gallery.append(...figures);
  else gallery.replaceChildren(...figures);
  cursor = page.next_cursor;
  more.hidden = !cursor;
  found.textContent = keyword && page.total ? `找到 ${page.total.toLocaleString()} 张${page.total_is_exact ? "" : "以上"}` : "";
  empty.textContent = keyword ? `没有提示词里含有“${keyword}”的图片` : "还没有图片。在上面写下提示词，点“生成”。";
  empty.hidden = Boolean(gallery.children.length);
}

function figure(image) {
  const made = template.content.firstElementChild.cloneNode(true);
  const picture = made.querySelector("img");
  made.dataset.id = image.id;
  picture.src = image.thumbnail_url;
  picture.alt = image.prompt;
  made.querySelector("figcaption").textContent = image.prompt;
  made.querySelector("figcaption").title = image.prompt;
  made.querySelector(".open").addEventListener("click", () => view(image));
  made.querySelector(".delete").addEventListener("click", () => putAside(image, made));
  return made;
}

/** Take a picture away at once, and delete it for good a moment later. */
function putAside(image, made) {
  leave();
  const behind = made.nextSibling;
  made.remove();
  leaving = { image, made, behind, timer: setTimeout(leave, UNDO) };
  undo.querySelector("span").textContent = "图片已删除";
  undo.hidden = false;
}

function takeBack() {
  clearTimeout(leaving.timer);
  gallery.insertBefore(leaving.made, leaving.behind?.parentNode === gallery ? leaving.behind : null);
  leaving = null;
  undo.hidden = true;
}

function leave(options) {
  if (!leaving) return;
  const { image, timer } = leaving;
  clearTimeout(timer);
  leaving = null;
  undo.hidden = true;
  attempt(() => call("DELETE", `/api/v1/images/${image.id}`, options));
}

/** Return what calls `act` once nothing was typed for so many milliseconds. */
function settled(act, pause) {
  let waiting;
  return () => {
    clearTimeout(waiting);
    waiting = setTimeout(act, pause);
  };
}
