// The styles of single pages, of which only those of the page that is shown hold: their names are no others' business.

import { place } from "./router.js";

const OTHERS = { gallery: ["marks"], picture: ["marks"] }; // what a page needs beside the style of its own name
const LATER = { create: ["feed", "inputs"] }; // what it needs once it shows more than the first time

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
  return new Promise((resolve) => {
    link.addEventListener("load", resolve);
    link.addEventListener("error", resolve);
    document.head.append(link);
  });
}
