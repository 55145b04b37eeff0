// The one size control: shapes drawn in proportion, then how large; whatever the model calls its parameters.

import { t } from "../lib/i18n.js";
import { CUSTOM, presetsOf, sizeOf, takesPixels, withoutSize } from "../lib/sizes.js";
import { html, useId } from "../vendor/index.js";

const BOX = 26; // pixels, the longer side of a drawn shape

/** `onChange` gets what changes of the draft: `size`, `params`. */
export function SizePicker({ draft, choice, problems, onChange }) {
  const presets = presetsOf(choice);
  const pixels = takesPixels(choice);
  if (!presets.length && !pixels) return null;
  const size = sizeOf(draft, choice);
  const shapes = [...new Set(presets.map(({ ratio }) => ratio))];
  const chosen = !size ? "" : size.pixels ? CUSTOM : size.others ? "others" : String(size.preset.ratio);
  const pick = (ratio) => {
    if (ratio === "") return onChange({ size: "", params: withoutSize(draft.params, choice.model) });
    if (ratio === CUSTOM) return onChange({ size: CUSTOM, params: { ...draft.params, ...startOf(size, draft.params) } });
    const same = presets.filter((one) => String(one.ratio) === ratio);
    return onChange({ size: (same.find((one) => one.resolution === size?.preset?.resolution) ?? same[0]).label });
  };
  const tile = (value, text, [width, height] = [0, 0]) => html`<label class="shape" key=${value}>
    <input type="radio" name="ratio" value=${value} checked=${chosen === value} onChange=${() => pick(value)} />
    <span class="drawn">${width ? html`<i style=${{ width: `${width}px`, height: `${height}px` }}></i>` : html`<i class="any"></i>`}</span>
    <span>${text}</span>
  </label>`;
  return html`<fieldset class="field size">
    <legend>${t("create.size")}</legend>
    <div class="shapes">
      ${tile("", t("create.default"))}
      ${size?.others && tile("others", Object.values(size.others).join(" "))}
      ${shapes.map((ratio) => tile(String(ratio), ratio ?? t("create.size_auto"), drawn(ratio)))}
      ${pixels && tile(CUSTOM, t("create.size_custom"))}
    </div>
    ${size?.preset && html`<${Resolutions} presets=${presets} preset=${size.preset} onChange=${onChange} />`}
    ${size?.pixels && html`<${Pixels} choice=${choice} params=${{ ...draft.params, ...size.pixels }} problems=${problems}
      onChange=${(params) => onChange({ size: CUSTOM, params })} />`}
    ${problems.size && html`<p class="error" role="alert">${problems.size}</p>`}
  </fieldset>`;
}

/** How large an image of the chosen shape is to be. */
function Resolutions({ presets, preset, onChange }) {
  const same = presets.filter(({ ratio }) => ratio === preset.ratio);
  const { width, height } = preset;
  return html`<div class="resolutions">
    ${same.length > 1 &&
    html`<div class="segments" role="radiogroup" aria-label=${t("create.resolution")}>
      ${same.map(
        (one) => html`<label key=${one.label}><input type="radio" name="resolution" value=${one.resolution ?? ""} checked=${one === preset}
          onChange=${() => onChange({ size: one.label })} /><span>${one.resolution ?? t("create.default")}</span></label>`,
      )}
    </div>`}
    ${width && html`<span class="hint">${t("create.pixels", { width: String(width), height: String(height) })}</span>`}
  </div>`;
}

/** Pixels of one's own. */
function Pixels({ choice, params, problems, onChange }) {
  const id = useId();
  const wrong = problems.width ?? problems.height;
  const side = (name) => {
    const { maximum } = choice.model.parameters.find((one) => one.name === name);
    return html`<label><span>${t(`create.${name}`)}</span>
      <input inputmode="numeric" autocomplete="off" name=${name} value=${params[name] ?? ""} maxlength="6"
        placeholder=${maximum ? t("create.at_most", { max: maximum }) : ""} aria-invalid=${problems[name] ? "true" : undefined}
        aria-describedby=${wrong ? id : undefined} onInput=${({ target }) => onChange({ ...params, [name]: target.value || undefined })} /></label>`;
  };
  return html`<div class="pixels">${side("width")}<span aria-hidden="true">×</span>${side("height")}<span class="unit">${t("create.px")}</span></div>
    ${wrong && html`<p class="error" id=${id} role="alert">${wrong}</p>`}`;
}

/** Free pixels begin with those of the size before. */
function startOf(size, { width, height }) {
  return { width: width ?? size?.preset?.width ?? 1024, height: height ?? size?.preset?.height ?? 1024 };
}

function drawn(ratio) {
  const [width, height] = (ratio ?? "").split(":").map(Number);
  if (!(width > 0 && height > 0)) return [0, 0];
  const scale = BOX / Math.max(width, height);
  return [Math.max(5, Math.round(width * scale)), Math.max(5, Math.round(height * scale))];
}
