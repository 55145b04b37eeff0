// Prompts that are wanted again, kept in this browser.

import { Icon } from "./basics.js";
import { Dialog } from "./dialog.js";
import { fetchSentences, t } from "../lib/i18n.js";
import { keepText, recall } from "../lib/kept.js";
import { html, useRef, useState } from "../vendor/index.js";

await fetchSentences("more");

const MAX_TEMPLATES = 100;

export function Templates({ current, onPick, onClose }) {
  const [kept, setKept] = useState(recall("templates") ?? []);
  const list = useRef(null);
  const set = (next) => {
    setKept(next);
    keepText("templates", JSON.stringify(next));
  };
  const pick = (text) => {
    onPick(text);
    onClose();
  };
  const drop = (at) => {
    set(kept.filter((_, one) => one !== at));
    const buttons = [...list.current.querySelectorAll(".drop")];
    (buttons[at + 1] ?? buttons[at - 1])?.focus();
  };
  const known = !current.trim() || kept.includes(current);
  return html`<${Dialog} title=${t("create.templates")} onClose=${onClose} foot=${html`<button type="button" disabled=${known || kept.length >= MAX_TEMPLATES}
      onClick=${() => set([current, ...kept])}>${t("more.keep_prompt")}</button>`}>
    ${!kept.length && html`<p class="muted">${t("more.no_templates")}</p>`}
    <ul class="kept" ref=${list}>
      ${kept.map(
        (text, at) => html`<li key=${text}>
          <button type="button" class="text" onClick=${() => pick(text)}>${text}</button>
          <button type="button" class="bare drop" aria-label=${t("more.drop_template", { n: at + 1 })} onClick=${() => drop(at)}><${Icon} name="trash" /></button>
        </li>`,
      )}
    </ul>
  <//>`;
}
