// What the document shows before the scripts have come: the page in words and boxes. Each part stays until what takes its
// place is there, and what was written stays with its selection, the focus, and an input method that is in use.

import { place } from "./router.js";

/** Let the console that was just rendered in `app` take the place of what the document shows. */
export function takePlace(app) {
  const [around, inside] = document.querySelectorAll(".early");
  const { page } = place.peek();
  const main = app.querySelector("main");
  const box = inside.querySelector("[name=prompt], [type=search]");
  const [links, before] = [app, around].map((one) => [".skip, .brand, .ways a", "[form]"].flatMap((selector) => [...one.querySelectorAll(selector)]));
  links[before.indexOf(document.activeElement)]?.focus();
  around.remove();
  inside.querySelector("main").removeAttribute("id");
  inside.style.cssText = `position:absolute;inset-inline:0;top:${main.offsetTop}px`;

  const look = () => {
    const isSame = place.peek().page === page;
    if (isSame && (box?.isComposing || !main.childElementCount || main.querySelector(".loading"))) return;
    observer.disconnect();
    inside.className = ""; // what is under it can have the focus now
    const next = isSame && box ? main.querySelector("[name=prompt], [type=search]") : null;
    if (next) pass(box, next);
    inside.remove();
  };
  const observer = new MutationObserver(look);
  observer.observe(main, { childList: true, subtree: true });
  box?.addEventListener("compositionend", () => setTimeout(look));
}

function pass(box, next) {
  const { value, selectionStart, selectionEnd, selectionDirection } = box;
  if (value !== box.defaultValue && value !== next.value) {
    next.value = value;
    next.dispatchEvent(new InputEvent("input", { bubbles: true }));
  }
  if (document.activeElement !== box) return;
  next.focus({ preventScroll: true });
  next.setSelectionRange(selectionStart, selectionEnd, selectionDirection);
}
