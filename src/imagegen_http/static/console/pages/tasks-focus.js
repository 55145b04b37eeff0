// Where the focus goes when what had it went away: to the same task elsewhere, else to the one in its place.

import { useEffect } from "../vendor/index.js";

/** Pass the focus on within the element of `root`, and give it back to a button that was disabled while it waited. */
export function usePassedFocus(root) {
  useEffect(() => {
    let last = null; // what had the focus, and of which task
    const cards = () => [...root.current.querySelectorAll(".task")];
    const enter = ({ target }) => {
      const card = target.closest(".task");
      last = { target, id: card?.dataset.id, at: cards().indexOf(card) };
    };
    const leave = () => setTimeout(() => last?.target.isConnected && !last.target.disabled && !root.current?.contains(document.activeElement) && (last = null));
    const pass = () => {
      if (!last || document.activeElement !== document.body) return;
      const { target, id, at } = last;
      if (target.isConnected) {
        if (!target.disabled) target.focus({ preventScroll: true });
        return;
      }
      const all = cards();
      const own = id && all.find((one) => one.dataset.id === id);
      const card = own && (own === all[at] || own.querySelector(".again")) ? own : (all[at] ?? all.at(-1));
      (controlOf(card, target) ?? root.current.querySelector("h1")).focus({ preventScroll: true });
    };
    const watch = new MutationObserver(pass);
    watch.observe(root.current, { childList: true, subtree: true, attributeFilter: ["disabled"] });
    root.current.addEventListener("focusin", enter);
    root.current.addEventListener("focusout", leave);
    return () => watch.disconnect();
  }, []);
}

/** Return what is in a task's card in place of a control: its new task, a button of the same name, or its first one. */
function controlOf(card, { textContent }) {
  const buttons = [...(card?.querySelectorAll(".acts :is(button, a)") ?? [])];
  return card?.querySelector(".again a") ?? buttons.find((one) => one.textContent === textContent) ?? buttons[0];
}
