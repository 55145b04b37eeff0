// Keys that work anywhere on a page, unless something is being typed.

import { useEffect } from "../vendor/index.js";

/** Call `keys[event.key]` while the component is shown; a dialog that is open keeps all keys to itself, and to what is `within` it. */
export function useKeys(keys, when = true, within = null) {
  useEffect(() => {
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
