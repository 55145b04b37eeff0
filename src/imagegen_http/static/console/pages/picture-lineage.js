// What an image was made from, and what was made from it.

import { t } from "../lib/i18n.js";
import { Icon } from "../parts/basics.js";
import { Thumbnail, useThumbnail } from "../parts/card.js";
import { html } from "../vendor/index.js";

/** `inputs` are those of its task; those that were sent have no page of their own. */
export function Lineage({ image, inputs }) {
  const parents = image.parents ?? [];
  const sent = inputs.filter(({ image_id, role }) => image_id === null && role !== "mask");
  const children = image.children ?? [];
  if (!parents.length && !sent.length && !children.length) return null;
  return html`<section><h2>${t("picture.lineage")}</h2>
    <div class="lineage">
      ${(parents.length > 0 || sent.length > 0) && html`<span><${Strip} name=${t("picture.parents")}>
        ${parents.map((id) => html`<${Related} key=${id} id=${id} />`)}
        ${sent.map(({ index, role, url }) => html`<li key=${`sent ${index}`}>${url
          ? html`<a href=${url} target="_blank" rel="noopener" aria-label=${t("picture.sent", { role: t(`roles.${role}`) })}><img src=${url} alt="" loading="lazy" /></a>`
          : html`<span class="broken" title=${t("picture.not_kept")}><${Icon} name="image" /><span class="unseen">${t("picture.not_kept")}</span></span>`}</li>`)}
      <//><${Icon} name="right" /></span>`}
      <${Strip} name=${t("picture.this")}><li aria-current="true"><${Thumbnail} image=${image} /></li><//>
      ${children.length > 0 && html`<span><${Icon} name="right" /><${Strip} name=${t("picture.children")}>${children.map((id) => html`<${Related} key=${id} id=${id} />`)}<//></span>`}
    </div></section>`;
}

function Strip({ name, children }) {
  return html`<div><h3>${name}</h3><ul>${children}</ul></div>`;
}

function Related({ id }) {
  const { thumbnail, label } = useThumbnail({ image: { id, prompt: "" } }, t("images.open", { prompt: t("images.unnamed", { id: String(id) }) }));
  return html`<li><a href=${`/p/${id}`} aria-label=${label}>${thumbnail}</a></li>`;
}
