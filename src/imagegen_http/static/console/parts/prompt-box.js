// The prompt: it grows with what is typed, walks through earlier prompts, and keeps those that are wanted again.

import { t } from "../lib/i18n.js";
import { keepShared, recall } from "../lib/kept.js";
import { characters } from "../lib/requests.js";
import { Field } from "./field.js";
import { Icon } from "./icon.js";
import { html, useLayoutEffect, useRef, useState } from "../vendor/index.js";

const MAX_PROMPTS = 50;
const NEAR = 0.8; // of the limit: then the count is shown

/** Remember a prompt that was sent, for the way back through them. */
export function rememberPrompt(prompt) {
  if (!prompt.trim()) return;
  const others = (recall("prompts") ?? []).filter((one) => one !== prompt);
  keepShared("prompts", [prompt, ...others].slice(0, MAX_PROMPTS));
}

export function PromptBox({ box, value, max, optional, error, onChange }) {
  const written = useRef(""); // what was in the box when the way through earlier prompts began
  const [templates, setTemplates] = useState(null);
  useLayoutEffect(() => {
    const { style } = box.current;
    style.height = "auto";
    style.height = `${box.current.scrollHeight + 2}px`;
  }, [value]);

  const press = (event) => {
    if (event.isComposing || event.keyCode === 229) return; // the key belongs to the input method
    const way = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (way && !event.shiftKey && !event.altKey) walk(event, way);
  };
  /** Earlier prompts are further up. The keys move the caret where it is within a text. */
  const walk = (event, way) => {
    const { selectionStart: from, selectionEnd: to } = event.target;
    if (from !== to || (from !== 0 && from !== value.length)) return;
    const earlier = recall("prompts") ?? [];
    const at = earlier.indexOf(value);
    const next = at + way;
    if (next < -1 || next >= earlier.length || (at === -1 && way < 0) || (at === -1 && from !== 0)) return;
    event.preventDefault();
    if (at === -1) written.current = value;
    onChange(earlier[next] ?? written.current);
  };
  const openTemplates = async () => setTemplates({ Templates: (await import("./templates.js")).Templates });
  const length = characters(value);
  const count = length > NEAR * max ? t("create.count", { n: length, max }) : "";
  return html`<${Field} label=${t("create.prompt")} unit=${optional ? t("create.optional") : ""} hint=${count} error=${error} className="prompt">
      ${(control) => html`<textarea ...${control} ref=${box} name="prompt" rows="4" value=${value} placeholder=${t("create.prompt_hint")}
        onInput=${({ target }) => onChange(target.value)} onKeyDown=${press}></textarea>`}
    <//>
    <button type="button" class="bare templates" onClick=${openTemplates}><${Icon} name="document" />${t("create.templates")}</button>
    ${templates && html`<${templates.Templates} current=${value} onPick=${onChange} onClose=${() => setTemplates(null)} />`}`;
}

