// Where input images of one role are put: dropped, pasted, picked as files or from the gallery; in an order.

import { Icon } from "./basics.js";
import { inputUrl, moveInput, removeInput } from "../lib/drafts.js";
import { t } from "../lib/i18n.js";
import { ACCEPTED } from "../lib/input-files.js";
import { html, useEffect, useId, useRef, useState } from "../vendor/index.js";

/**
 * `inputs` are those of the role; `onFiles` gets files, `onGallery` opens the choice; `max` is how many there may be.
 */
export function Dropzone({ role, inputs, max = 1, hint, error, onFiles, onGallery, children = null }) {
  const id = useId();
  const picker = useRef(null);
  const picked = ({ target }) => {
    onFiles(role, [...target.files]);
    target.value = ""; // so that the same file may be picked again
  };
  return html`<fieldset class="field dropzone" data-role=${role} aria-describedby=${error ? `${id}-error` : `${id}-hint`}>
    <legend>${t(`roles.${role}`)}${max > 1 && html` <span class="unit">${t("create.of", { n: inputs.length, max })}</span>`}</legend>
    ${inputs.length > 0 && html`<${Inputs} inputs=${inputs} />`}
    <div class="add">
      <button type="button" onClick=${() => picker.current.click()}><${Icon} name="upload" />${t("inputs.pick_file")}</button>
      <button type="button" onClick=${() => onGallery(role)}><${Icon} name="gallery" />${t("inputs.pick_gallery")}</button>
      <input ref=${picker} type="file" accept=${ACCEPTED} multiple=${max > 1} hidden aria-label=${t(`roles.${role}`)} onChange=${picked} />
      ${children}
    </div>
    <p class="hint" id=${`${id}-hint`}>${hint}</p>
    ${error && html`<p class="error" id=${`${id}-error`} role="alert">${error}</p>`}
  </fieldset>`;
}

function Inputs({ inputs }) {
  const [dragged, setDragged] = useState(null);
  const list = useRef(null);
  const move = (input, to) => {
    const from = inputs.indexOf(input);
    if (to < 0 || to >= inputs.length || to === from) return;
    moveInput(input, inputs[to > from ? to + 1 : to]);
  };
  const remove = (at) => {
    removeInput(inputs[at]);
    const buttons = [...list.current.querySelectorAll(".remove")];
    (buttons[at + 1] ?? buttons[at - 1] ?? list.current.closest("fieldset").querySelector(".add button")).focus();
  };
  return html`<ol class="inputs" ref=${list}>
    ${inputs.map(
      (input, at) => html`<li key=${input.blob ?? input.image_id ?? input.url} draggable=${inputs.length > 1}
        class=${dragged === input ? "dragged" : ""}
        onDragStart=${(event) => {
          event.dataTransfer.setData("text/plain", ""); // nothing that could be dropped as an image
          event.dataTransfer.effectAllowed = "move";
          setDragged(input);
        }}
        onDragEnd=${() => setDragged(null)}
        onDragEnter=${() => dragged && move(dragged, at)}
        onDragOver=${(event) => dragged && event.preventDefault()}>
        <${Preview} input=${input} number=${at + 1} />
        <button type="button" class="remove" aria-label=${t("inputs.remove_input", { n: at + 1 })} onClick=${() => remove(at)}><${Icon} name="close" /></button>
        ${inputs.length > 1 &&
        html`<span class="order">
          <button type="button" aria-label=${t("inputs.earlier", { n: at + 1 })} disabled=${at === 0} onClick=${() => move(input, at - 1)}><${Icon} name="left" /></button>
          <span aria-hidden="true">${at + 1}</span>
          <button type="button" aria-label=${t("inputs.later", { n: at + 1 })} disabled=${at === inputs.length - 1} onClick=${() => move(input, at + 1)}><${Icon} name="right" /></button>
        </span>`}
      </li>`,
    )}
  </ol>`;
}

/** An input as it looks; where its file is gone, its place says so. */
function Preview({ input, number }) {
  const [url, setUrl] = useState("");
  useEffect(() => {
    let shown = true;
    let own = null;
    inputUrl(input).then((address) => {
      if (address?.startsWith("blob:")) own = address;
      if (shown) setUrl(address);
      else if (own) URL.revokeObjectURL(own);
    });
    return () => {
      shown = false;
      if (own) URL.revokeObjectURL(own);
    };
  }, [input.blob, input.image_id, input.url]);
  if (url === null) return html`<span class="broken"><${Icon} name="image" />${t("inputs.input_gone")}</span>`;
  return url && html`<img src=${url} alt=${input.name || t("create.input", { n: number })} draggable=${false} onError=${() => setUrl(null)} />`;
}
