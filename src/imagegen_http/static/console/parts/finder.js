// A box that narrows down a list below it.

import { html } from "../vendor/index.js";

/** So long is a list that wants such a box. */
export const MANY = 10;

/** `onFind` is called with the words, but not with letters that are on their way to a character. */
export function Finder({ name, value = undefined, onFind }) {
  const typed = ({ target, isComposing }) => !isComposing && onFind(target.value.trim());
  return html`<input type="search" defaultValue=${value} aria-label=${name} placeholder=${name} autocomplete="off" onInput=${typed} onCompositionEnd=${typed} />`;
}

/** Whether a name has these words in it, in whatever case. */
export function hasWords(name, words) {
  return name.toLowerCase().includes(words.toLowerCase());
}
