// Tags that can be removed, and a box for another one that suggests those that there are.

import { Field, Icon } from "./basics.js";
import { t } from "../lib/i18n.js";
import { findTags, loadTags, MAX_TAG_CHARACTERS, tags as known } from "../lib/marks.js";
import { html, useId, useRef, useState } from "../vendor/index.js";

/** `onAdd` and `onRemove` get a tag and may reject with what is wrong; `full` says why there may be no other. */
export function TagEditor({ tags, onAdd, onRemove, full = "" }) {
  const [error, setError] = useState("");
  const box = useRef(null);
  const list = useId();
  const suggest = () => loadTags(box.current.value.trim()).catch(() => null); // a box without suggestions
  const typed = ({ target, isComposing }) => !isComposing && findTags(target.value.trim());
  const submit = async (event) => {
    event.preventDefault();
    const tag = box.current.value.trim();
    if (!tag) return;
    const isAdded = await attempt(() => onAdd(tag), setError);
    if (!box.current) return; // the image is gone
    if (isAdded) box.current.value = "";
    box.current.focus();
  };
  return html`<form class="tag-editor" onSubmit=${submit}>
    <ul class="chips">
      ${tags.map((tag) => html`<li key=${tag} class="chip"><bdi>${tag}</bdi>
        <button type="button" class="bare" aria-label=${t("tags.remove", { tag })} onClick=${() => (box.current.focus(), attempt(() => onRemove(tag), setError))}><${Icon} name="close" /></button></li>`)}
    </ul>
    <${Field} label=${t("tags.add")} error=${error || full}>
      ${(control) => html`<div class="joined"><input ref=${box} list=${list} maxlength=${MAX_TAG_CHARACTERS} autocomplete="off" disabled=${Boolean(full)} onFocus=${suggest} onInput=${typed} onCompositionEnd=${typed} ...${control} />
        <button type="submit" disabled=${Boolean(full)}>${t("act.add")}</button></div>`}
    <//>
    <datalist id=${list}>${(known.value ?? []).filter(({ tag }) => !tags.includes(tag)).map(({ tag }) => html`<option key=${tag} value=${tag} />`)}</datalist>
  </form>`;
}

async function attempt(act, setError) {
  try {
    await act();
    setError("");
    return true;
  } catch (error) {
    setError(error.text ?? error.message);
    return false;
  }
}
