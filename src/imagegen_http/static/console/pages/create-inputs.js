// The images that an operation works on, and every way by which they come.

import { get } from "../lib/api.js";
import { addFile, addImage, change, draft } from "../lib/drafts.js";
import { fetchSentences, t } from "../lib/i18n.js";
import { checked } from "../lib/input-files.js";
import { choiceOf, inputsOf } from "../lib/requests.js";
import { fetchLater } from "../lib/router.js";
import { Icon, toast } from "../parts/basics.js";
import { Dropzone } from "../parts/dropzone.js";
import { html, signal, useEffect, useState } from "../vendor/index.js";

await Promise.all([fetchSentences("inputs"), fetchLater("inputs")]);

/** Why files were not taken, by role. */
const refused = signal({});

export function Inputs({ choice, inputs, errors }) {
  const [picking, setPicking] = useState(null);
  const { model, operation } = choice;
  useEffect(() => {
    refused.value = {};
  }, [operation]);
  const roles = { generate: [], reference: ["reference"], edit: ["image", "mask"] }[operation] ?? ["image"];
  const openGallery = async (role) => setPicking({ role, Picker: (await import("../parts/gallery-picker.js")).GalleryPicker });
  const pick = (ids) => {
    receive(picking.role, [], ids);
    setPicking(null);
  };
  const of = (role) => inputs.filter((one) => one.role === role);
  return html`${roles.map((role) => {
      const max = role === "reference" ? model.limits.max_references : 1;
      const error = [refused.value[role], errors[role]].filter(Boolean).join("\n");
      const image = of("image")[0];
      return html`<${Dropzone} key=${role} role=${role} inputs=${of(role)} max=${max} error=${error} hint=${t(`inputs.${role}_hint`)}
        onFiles=${receive} onGallery=${openGallery}>
        ${role === "mask" && image?.image_id && html`<a class="button" href=${`/p/${image.image_id}/edit`}><${Icon} name="brush" />${t("inputs.draw_mask")}</a>`}
      <//>`;
    })}
    ${picking && html`<${picking.Picker} title=${t("inputs.pick_title", { role: t(`roles.${picking.role}`) })}
      max=${picking.role === "reference" ? Math.max(1, model.limits.max_references - of("reference").length) : 1} onPick=${pick} onClose=${() => setPicking(null)} />`}`;
}

/** Take files and images as inputs of this role, else of the operation's own; say which were not taken, and why. */
export async function receive(asked, files, image_ids = []) {
  const choice = choiceFor();
  if (choice.operation === "generate") {
    toast(t("inputs.takes_no_image"), { kind: "wrong" });
    return;
  }
  const role = choice.operation === "reference" ? "reference" : choice.operation === "edit" && asked === "mask" ? "mask" : "image";
  const max = role === "reference" ? choice.model.limits.max_references : 1;
  const reasons = [];
  let room = role === "reference" ? max - inputsOf(draft.peek(), choice).length : 1; // one image takes the place of another
  let left = 0;
  for (const image_id of image_ids) {
    if (room-- > 0) addImage(role, image_id, role === "image" ? await sizeOf(image_id) : undefined);
    else left += 1;
  }
  for (const file of files) {
    if (room <= 0) left += 1;
    else if (await take(role, file, reasons)) room -= 1;
  }
  if (left) reasons.push(t("inputs.left_out", { n: left, max }));
  refused.value = { ...refused.value, [role]: reasons.join("\n") };
}

/** Width and height of an image of the gallery, which a mask must have, too; undefined where it cannot be asked for. */
async function sizeOf(image_id) {
  const image = await get(`/api/v1/images/${image_id}`).catch(() => null);
  return image ? [image.width, image.height] : undefined;
}

/** What the image is for: a model that takes references is asked for that. */
function choiceFor() {
  const choice = choiceOf(draft.peek());
  if (choice.operation !== "generate" || !choice.model.capabilities.includes("reference")) return choice;
  change({ operation: "reference" });
  toast(t("inputs.switched", { operation: t("operations.reference") }));
  return choiceOf(draft.peek());
}

async function take(role, file, reasons) {
  try {
    const { file: typed, size } = await checked(file);
    await addFile(role, typed, size);
    return true;
  } catch (error) {
    reasons.push(error.message);
    return false;
  }
}
