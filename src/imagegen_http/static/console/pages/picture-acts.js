// What can be done with an image: make another one of it, keep it, pass it on, delete it.

import { catalogue, get } from "../lib/api.js";
import { canCopyImages, copyImage, copyText } from "../lib/clipboard.js";
import { t } from "../lib/i18n.js";
import { current, isVector, star } from "../lib/images.js";
import { complain } from "../lib/marks.js";
import { ableModel } from "../lib/requests.js";
import { again, fillForm, madeBy } from "../lib/reuse.js";
import { go } from "../lib/router.js";
import { Icon, toast } from "../parts/basics.js";
import { Choice, Menu } from "../parts/menu.js";
import { html, useState } from "../vendor/index.js";

const LINK_HOURS = [[1, "hour"], [24, "day"], [168, "week"]];

/** Copy an address that opens the image for so long, for whoever has it. */
async function copySigned(id, hours) {
  const { url } = await get(`/api/v1/images/${id}/link`, { hours });
  return copyText(url);
}

export function Acts({ image, inputs, onDelete }) {
  const { favourite = false } = current(image);
  const [busy, setBusy] = useState(false);
  const reuse = async (values) => {
    if (busy) return;
    setBusy(true);
    try {
      fillForm(await values());
      go("/");
    } catch (error) {
      complain(error);
      setBusy(false);
    }
  };
  const button = (icon, name, run, more = {}) =>
    html`<button type="button" aria-disabled=${busy} onClick=${run} ...${more}><${Icon} name=${icon} filled=${icon === "star" && favourite} />${name}</button>`;
  const onImage = (icon, operation, role) => {
    const able = ableModel(operation, image.provider);
    const why = able || !catalogue.value ? undefined : t("picture.unable");
    const run = () => reuse(async () => ({ ...madeBy(image), operation, images: [{ role, image_id: image.id }] }));
    return button(icon, t(`picture.${operation}`), able ? run : () => why && toast(why), { "aria-disabled": busy || !able, title: why });
  };
  return html`<div class="acts do">
    ${button("again", t("picture.again"), () => reuse(() => again(image, inputs)), { class: "main", "aria-describedby": "again-why" })}
    ${button("dice", t("picture.variation"), () => reuse(() => again(image, inputs, { withSeed: false })), { "aria-describedby": "again-why" })}
    ${!isVector(image) && html`${onImage("image", "reference", "reference")}
    <a class="button" href=${`/p/${image.id}/edit`}><${Icon} name="edit" />${t("act.edit")}</a>
    ${onImage("zoom", "upscale", "image")}`}
    <p class="hint" id="again-why">${t("picture.again_why")}</p>
  </div>
  <div class="acts">
    ${button("star", t(favourite ? "act.unstar" : "act.star"), () => star([image.id], !favourite), { class: "bare", "aria-pressed": favourite })}
    <a class="button bare" href=${image.image_url} download><${Icon} name="download" />${t("act.download")}</a>
    ${canCopyImages() && !isVector(image) && button("copy", t("picture.copy_image"), () => tell(copyImage(image.image_url)), { class: "bare" })}
    ${button("link", t("picture.copy_link"), () => tell(copyText(`${location.origin}/p/${image.id}`)), { class: "bare" })}
    <${Menu} name=${t("picture.link_for")} icon="clock" className="bare">${(close) =>
      LINK_HOURS.map(([hours, span]) => html`<${Choice} key=${hours} onClick=${() => (close(), tell(copySigned(image.id, hours)))}>${t(`picture.link_${span}`)}<//>`)}<//>
    ${button("trash", t("act.delete"), onDelete, { class: "bare wrong" })}
  </div>`;
}

export async function tell(copying) {
  const done = await copying.then((value) => value !== false, () => false);
  toast(t(done ? "act.copied" : "picture.not_copied"), { kind: done ? "told" : "wrong" });
}
