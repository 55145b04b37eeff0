// What can be done to an image, in a window of its own: at the lower edge of a phone.

import { t } from "../lib/i18n.js";
import { Icon } from "../parts/basics.js";
import { Dialog } from "../parts/dialog.js";
import { html } from "../vendor/index.js";

export function ActSheet({ image, acts, nameOf, onAct, onClose }) {
  const press = (one) => {
    onClose();
    setTimeout(() => onAct(one, image)); // once the focus is back
  };
  return html`<${Dialog} title=${image.prompt || t("images.unnamed", { id: image.id })} kind="dialog sheet" onClose=${onClose}>
    <ul>${acts.map((one) => html`<li key=${one.name}><button type="button" class="bare" onClick=${() => press(one)}>
      <${Icon} name=${one.icon} />${nameOf(one, image)}<kbd aria-hidden="true">${one.key}</kbd></button></li>`)}</ul>
  <//>`;
}
