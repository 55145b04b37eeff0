// The styles of single pages, of which only those of the page that is shown hold: their names are no others' business.

const OTHERS = { gallery: ["marks"], picture: ["marks"] }; // what a page needs beside the style of its own name

/** Resolve once the styles of a page are there. */
export function fetchStyles(page) {
  return Promise.all(stylesOf(page).map((name) => fetched(addressOf(name))));
}

/** Let the styles of a page hold, and those of no other. */
export function wearStyles(page) {
  const addresses = stylesOf(page).map(addressOf);
  for (const link of document.querySelectorAll("link[data-page]")) link.media = addresses.includes(link.href) ? "all" : "not all";
}

function stylesOf(page) {
  return page ? [...(OTHERS[page] ?? []), page] : [];
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
