// The fields of Create: prompt, model, size, and everything else a model takes.

import { catalogue } from "../lib/api.js";
import { date } from "../lib/format.js";
import { t } from "../lib/i18n.js";
import { recall } from "../lib/kept.js";
import {
  characters, CUSTOM, parameter, parametersOf, presetsOf, sizeOf, takesPixels, withoutSize, writtenExtras,
} from "../lib/requests.js";
import { Field, Icon, Lazy } from "../parts/basics.js";
import { html, useEffect, useId, useLayoutEffect, useRef, useState } from "../vendor/index.js";

// The prompt: it grows with what is typed, walks through earlier prompts, and has the styles beside it.

const NEAR = 0.8; // of the limit: then the count is shown

/** With `plain`, no styles are offered. */
export function PromptBox({ box, value, max, optional, plain = false, error, onChange }) {
  const written = useRef(""); // what was in the box when the way through earlier prompts began
  const [drawer, setDrawer] = useState(null);
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
  const openStyles = async () => setDrawer({ Styles: (await import("../parts/styles.js")).Styles });
  const length = characters(value);
  const count = length > NEAR * max ? t("create.count", { n: length, max }) : "";
  return html`<${Field} label=${t("create.prompt")} unit=${optional ? t("create.optional") : ""} hint=${count} error=${error} className="prompt">
      ${(control) => html`<textarea ...${control} ref=${box} name="prompt" rows="4" value=${value} placeholder=${t("create.prompt_hint")}
        onInput=${({ target }) => onChange(target.value)} onKeyDown=${press}></textarea>`}
    <//>
    ${!plain && html`<button type="button" class="bare beside" aria-haspopup="dialog" onClick=${openStyles}><${Icon} name="document" />${t("create.styles")}</button>`}
    ${drawer && html`<${drawer.Styles} onClose=${() => setDrawer(null)} />`}`;
}

// Which model is asked, of which provider; what is retired says so.

/** `error` is what the service said of the choice; `onChange` gets `{ provider, model_id, operation }`. `only` what can do an operation. */
export function ModelPicker({ choice, only = null, error = "", onChange }) {
  const { provider, model } = choice;
  const { providers, default_provider: first } = catalogue.value;
  const able = ({ capabilities }) => !only || capabilities.includes(only);
  const groups = [...providers].filter(({ models }) => models.some(able)).sort((a, b) => (b.name === first) - (a.name === first));
  const pick = ({ target }) => {
    const [one, at] = target.value.split("/").map(Number);
    const next = groups[one].models[at];
    const operation = next.capabilities.includes(choice.operation) ? choice.operation : next.capabilities[0];
    onChange({ provider: groups[one].name, model_id: next.id, operation });
  };
  const at = groups.indexOf(provider);
  return html`<${Field} label=${t("create.model")} hint=${provider.kind === "demo" ? t("create.demo") : ""}
      error=${error}>
      ${(control) => html`<select ...${control} name="model" value=${`${at}/${provider.models.indexOf(model)}`} onChange=${pick}>
        ${groups.map(
          ({ name, display_name, models }, one) => html`<optgroup label=${display_name || name} key=${name}>
            ${ordered(models.filter(able)).map((each) => html`<option value=${`${one}/${models.indexOf(each)}`} key=${each.id}>${title(each, models)}</option>`)}
          </optgroup>`,
        )}
      </select>`}
    <//>
    <${Lifecycle} of=${model} provider=${provider} onChange=${onChange} />`;
}

/** That a model ends, and the way to its replacement. */
function Lifecycle({ of: model, provider, onChange }) {
  if (!model.lifecycle || model.lifecycle.status === "active") return null;
  const { status, date: end, replacement } = model.lifecycle;
  const next = provider.models.find(({ id }) => id === replacement);
  return html`<p class="lifecycle"><span class="mark ${status === "retired" ? "wrong" : "warn"}">${t(`create.${status}`)}</span>
    <span>${end ? t("create.ends", { date: date(end) }) : t("create.ending")}${replacement && !next && t("create.use_instead", { model: replacement })}</span>
    ${next && html`<button type="button" onClick=${() => onChange({ provider: provider.name, model_id: next.id })}>${t("create.use", { model: next.name || next.id })}</button>`}</p>`;
}

function ordered(models) {
  const rank = (model) => (model.default ? 0 : model.lifecycle?.status === "retired" ? 2 : 1);
  return [...models].sort((a, b) => rank(a) - rank(b));
}

function title(model, models) {
  const marks = [model.default && models.length > 1 && t("create.default")];
  if (model.lifecycle && model.lifecycle.status !== "active") marks.push([t(`create.${model.lifecycle.status}`), model.lifecycle.date && date(model.lifecycle.date)].filter(Boolean).join(" "));
  const said = marks.filter(Boolean);
  const isOnly = models.filter(({ name }) => name === model.name).length === 1;
  const name = isOnly || !model.name ? model.name || model.id : `${model.name} · ${model.id}`;
  return said.length ? t("create.model_marked", { name, marks: said.join(t("create.hint_joint")) }) : name;
}

// The one size control: shapes drawn in proportion, then how large; whatever the model calls its parameters.

const BOX = 16; // pixels, the longer side of a drawn shape

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

// Which of a model's other parameters are shown at once, and which when they are asked for.

const AT_ONCE = ["basic", "size", "look", "editing"]; // groups whose fields of the form need not be opened
const loadMain = async () => (await import("./create-parameters.js")).MainParameters;
const loadAdvanced = async () => (await import("./create-more.js")).AdvancedParameters;

export function Parameters({ choice, unknown, extras, ...shared }) {
  const [open, setOpen] = useState(false);
  const fields = parametersOf(choice).filter(hasChoice);
  const main = fields.filter((one) => isMain(one, choice.model));
  const rest = fields.filter((one) => !isMain(one, choice.model));
  const seed = parameter(choice, "seed");
  const names = [...rest.map(({ name }) => name), ...(seed ? ["seed"] : [])];
  const more = choice.model.accepts_extras ? writtenExtras(extras) : [];
  const wrong = [...names, ...more.map(({ name }) => name.trim()), ...more.map((row) => `extras.${extras.indexOf(row)}`)].some((name) => shared.errors[name]);
  useEffect(() => wrong && setOpen(true), [wrong]);
  const set = names.filter((name) => (shared.params[name] ?? "") !== "").length + more.length;
  return html`${main.length > 0 && html`<${Lazy} load=${loadMain} of=${main} ...${shared} />`}
    ${(names.length > 0 || unknown.length > 0 || choice.model.accepts_extras) &&
    html`<details class="advanced" open=${open} onToggle=${({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>${t("create.advanced")}${set > 0 && html` <span class="badge">${set}</span>`}</summary>
      ${open && html`<${Lazy} load=${loadAdvanced} seed=${seed} of=${rest} choice=${choice} unknown=${unknown} ...${shared} />`}
    </details>`}`;
}

function isMain({ name, group }, { form }) {
  return form.includes(name) && AT_ONCE.includes(group) && name !== "negative_prompt";
}

/** A single value is no choice. */
function hasChoice({ enum: values }) {
  return !values || values.length > 1;
}
