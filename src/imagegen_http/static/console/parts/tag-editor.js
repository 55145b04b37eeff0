// Tags that can be removed, and a box for another one that suggests those that there are.

import { t } from "../lib/i18n.js";
import { loadTags, MAX_TAG_CHARACTERS, tags as known } from "../lib/marks.js";
import { Field } from "./field.js";
import { Icon } from "./icon.js";
import { html, useId, useRef, useState } from "../vendor/index.js";

/** `onAdd` and `onRemove` get a tag and may reject with what is wrong; `full` says why there may be no other. */
export function TagEditor({ tags, onAdd, onRemove, full = "" }) {
  const [error, setError] = useState("");
  const box = useRef(null);
  const list = useId();
  const suggest = () => known.value ?? loadTags().catch(() => null); // a box without suggestions
  const submit = async (event) => {
    event.preventDefault();
    const tag = box.current.value.trim();
    if (!tag) return;
    await attempt(() => onAdd(tag), setError);
    box.current.value = "";
    box.current.focus();
  };
  return html`<form class="tag-editor" onSubmit=${submit}>
    <ul class="chips">
      ${tags.map((tag) => html`<li key=${tag} class="chip">${tag}
        <button type="button" class="bare" aria-label=${t("tags.remove", { tag })} onClick=${() => (box.current.focus(), attempt(() => onRemove(tag), setError))}><${Icon} name="close" /></button></li>`)}
    </ul>
    <${Field} label=${t("tags.add")} error=${error || full}>
      ${(control) => html`<div class="joined"><input ref=${box} list=${list} maxlength=${MAX_TAG_CHARACTERS} autocomplete="off" disabled=${Boolean(full)} onFocus=${suggest} ...${control} />
        <button type="submit" disabled=${Boolean(full)}>${t("act.add")}</button></div>`}
    <//>
    <datalist id=${list}>${(known.value ?? []).filter(({ tag }) => !tags.includes(tag)).map(({ tag }) => html`<option key=${tag} value=${tag} />`)}</datalist>
  </form>`;
}

async function attempt(act, setError) {
  try {
    await act();
    setError("");
  } catch (error) {
    setError(error.text ?? error.message);
  }
}
