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

export function PromptBox({ box, value, max, optional, error, onChange, onSubmit }) {
  const walked = useRef(-1);
  const [templates, setTemplates] = useState(null);
  useLayoutEffect(() => {
    const { style } = box.current;
    style.height = "auto";
    style.height = `${box.current.scrollHeight + 2}px`;
  }, [value]);

  const press = (event) => {
    if (event.isComposing || event.keyCode === 229) return; // the key belongs to the input method
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      if (!event.repeat) onSubmit();
    } else if ((event.key === "ArrowUp" || event.key === "ArrowDown") && !event.shiftKey && !event.altKey) walk(event);
  };
  const walk = (event) => {
    const earlier = recall("prompts") ?? [];
    if (value !== "" && value !== earlier[walked.current]) return;
    const at = Math.max(-1, (value === "" ? -1 : walked.current) + (event.key === "ArrowUp" ? 1 : -1));
    if (at >= earlier.length || (at === -1 && value === "")) return;
    event.preventDefault();
    walked.current = at;
    onChange(earlier[at] ?? "");
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

