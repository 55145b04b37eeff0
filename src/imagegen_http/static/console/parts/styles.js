// The styles of the service, in a drawer: choose one, write one, carry them elsewhere, delete them. Below them, earlier prompts.

import { Field, Icon, Problem, toast } from "./basics.js";
import { confirm, Dialog } from "./dialog.js";
import { get, post, remove } from "../lib/api.js";
import { change, draft, rememberPrompt } from "../lib/drafts.js";
import { fetchSentences, language, t } from "../lib/i18n.js";
import { fingerprint } from "../lib/idempotency.js";
import { keep, keepText, recall, recallShared } from "../lib/kept.js";
import { fetchLater } from "../lib/router.js";
import { filled, nameOf, own, styled, templateOf } from "../pages/create-kits.js";
import { html, useEffect, useRef, useState } from "../vendor/index.js";

const STYLES = "/api/v1/styles";
const UNSAVED = "unsaved-style";
const MAX_FILE = 1_000_000; // bytes; the service takes no more

export function Styles({ onClose }) {
  const [styles, setStyles] = useState(null);
  const [error, setError] = useState(null);
  const [edited, setEdited] = useState(recall(UNSAVED)); // a login may have come between
  const file = useRef(null);
  const list = useRef(null);
  const earlier = recall("prompts") ?? [];
  const attempt = async (act) => {
    setError(null);
    try {
      await act();
      setStyles((await get(STYLES)).items);
    } catch (problem) {
      if (problem.status === undefined) throw problem;
      setError(problem);
    }
  };
  useEffect(() => void attempt(bringKept), []);

  const use = (style) => {
    change({ style });
    onClose();
  };
  /** The words of the style become the prompt's own, to be changed there. */
  const write = (style) => {
    const { prompt, plain, values } = draft.peek();
    change({ prompt: filled(styled(style, templateOf(prompt, plain))), style: null, values: { ...proposed(style), ...values } });
    onClose();
  };
  /** What is in the box now is found among the earlier ones from then on. */
  const goBack = (prompt) => {
    rememberPrompt(draft.peek().prompt);
    change({ prompt });
    onClose();
  };
  const save = (style) => attempt(async () => {
    keep(UNSAVED, style);
    await post(STYLES, { styles: [style] });
    shut();
  });
  const shut = () => {
    keep(UNSAVED, null);
    setEdited(null);
    requestAnimationFrame(() => list.current?.querySelector("button")?.focus()); // the form had it
  };
  const drop = async (style) => {
    const sure = await confirm({ title: t("kits.delete_style", { name: own(style.name) }), text: t("kits.delete_style_why"), act: t("act.delete"), danger: true });
    if (!sure) return;
    await attempt(() => remove(`${STYLES}/${style.id}`));
    list.current?.querySelector("button")?.focus();
  };
  const bring = ({ target }) => attempt(async () => {
    const [chosen] = target.files;
    if (!chosen) return;
    const told = chosen.size > MAX_FILE ? null : await chosen.text().then(JSON.parse).catch(() => null);
    target.value = "";
    const brought = Array.isArray(told) ? told : told?.styles;
    if (!Array.isArray(brought)) throw Object.assign(new Error(t("kits.no_styles_file")), { status: 400 });
    await post(STYLES, { styles: brought });
    toast(t("kits.imported", { n: brought.length }));
  });
  const foot = html`<button type="button" onClick=${() => setEdited(written())}><${Icon} name="plus" />${t("kits.keep_prompt")}</button>
    <button type="button" onClick=${() => file.current.click()}><${Icon} name="upload" />${t("kits.import")}</button>
    <button type="button" disabled=${!styles?.length} onClick=${() => carry(styles)}><${Icon} name="download" />${t("kits.export")}</button>
    <input type="file" accept=".json,application/json" hidden ref=${file} onChange=${bring} />`;
  return html`<${Dialog} kind="drawer styles" title=${t("create.styles")} onClose=${onClose} foot=${!edited && foot}>
    ${error && html`<${Problem} error=${error} />`}
    ${edited && html`<${Form} style=${edited} onSave=${save} onClose=${shut} />`}
    ${!styles && !error && html`<p class="loading" aria-busy="true"></p>`}
    ${!edited && styles && html`<ul ref=${list}>${styles.map((style) => html`<li key=${style.id}>
      <button type="button" class="style" aria-pressed=${draft.value.style?.id === style.id} onClick=${() => use(style)}>
        <${Sample} of=${style} /><span><b>${own(style.name)}</b><span class="hint">${own(style.prompt)}</span></span></button>
      <span class="acts">
        <button type="button" class="bare" title=${t("kits.write")} aria-label=${t("kits.write_style", { name: own(style.name) })} onClick=${() => write(style)}><${Icon} name="document" /></button>
        <button type="button" class="bare" title=${t("act.edit")} aria-label=${t("kits.edit_style", { name: own(style.name) })} onClick=${() => setEdited(style)}><${Icon} name="edit" /></button>
        ${!style.shipped && html`<button type="button" class="bare" title=${t("act.delete")} aria-label=${t("kits.drop_saved", { name: own(style.name) })} onClick=${() => drop(style)}><${Icon} name="trash" /></button>`}
      </span></li>`)}</ul>`}
    ${!edited && earlier.length > 0 && html`<section aria-labelledby="earlier"><h3 id="earlier">${t("kits.earlier")}</h3>
      <ul>${earlier.map((words) => html`<li key=${words}><button type="button" class="bare earlier" onClick=${() => goBack(words)}><bdi>${words}</bdi></button></li>`)}</ul></section>`}
  <//>`;
}

/** Its image, where there still is one. */
function Sample({ of: { thumbnail } }) {
  const [broken, setBroken] = useState(false);
  return thumbnail && !broken ? html`<img src=${thumbnail} alt="" width="72" height="72" loading="lazy" onError=${() => setBroken(true)} />` : html`<span class="blank"><${Icon} name="image" /></span>`;
}

/** A style in the reader's language; what it says in the other stays. */
function Form({ style, onSave, onClose }) {
  const [form, setForm] = useState({ name: own(style.name), prompt: own(style.prompt), negative: own(style.negative_prompt), image: style.image_id ?? null });
  const [Picker, setPicker] = useState(null);
  const first = useRef(null);
  useEffect(() => first.current.querySelector("input").focus(), []);
  const set = (name) => ({ target }) => setForm({ ...form, [name]: target.value });
  const openGallery = async () => {
    const [{ GalleryPicker }] = await Promise.all([import("./gallery-picker.js"), fetchSentences("inputs"), fetchLater("inputs")]);
    setPicker(() => GalleryPicker);
  };
  const picked = ([image]) => {
    setForm({ ...form, image });
    setPicker(null);
  };
  const isWhole = form.name.trim() && form.prompt.includes("{prompt}");
  const save = () => {
    const inLanguage = (before, text) => ({ ...before, [language.value]: text });
    const { shipped, thumbnail, ...others } = style;
    onSave({
      ...others,
      name: inLanguage(style.name, form.name),
      prompt: inLanguage(style.prompt, form.prompt),
      negative_prompt: inLanguage(style.negative_prompt, form.negative),
      image_id: form.image,
    });
  };
  return html`<div class="style-form" ref=${first}>
    <${Field} label=${t("kits.name")}>${(control) => html`<input ...${control} maxlength="100" value=${form.name} onInput=${set("name")} />`}<//>
    <${Field} label=${t("kits.pattern")} hint=${t("kits.pattern_hint", { prompt: "{prompt}" })} error=${form.prompt.includes("{prompt}") ? "" : t("kits.pattern_place", { prompt: "{prompt}" })}>
      ${(control) => html`<textarea ...${control} rows="8" value=${form.prompt} onInput=${set("prompt")}></textarea>`}<//>
    <${Field} label=${t("kits.negative")} unit=${t("create.optional")}>${(control) => html`<textarea ...${control} rows="2" value=${form.negative} onInput=${set("negative")}></textarea>`}<//>
    <div class="acts">
      ${form.image && html`<${Sample} key=${form.image} of=${{ thumbnail: `/api/v1/images/${form.image}/thumbnail` }} />`}
      <button type="button" aria-haspopup="dialog" onClick=${openGallery}><${Icon} name="image" />${t("kits.pick_image")}</button>
      ${form.image && html`<button type="button" class="bare" onClick=${() => setForm({ ...form, image: null })}>${t("kits.no_image")}</button>`}
    </div>
    ${Picker && html`<${Picker} title=${t("kits.pick_image")} max=${1} onPick=${picked} onClose=${() => setPicker(null)} />`}
    <p class="acts"><button type="button" class="main" disabled=${!isWhole} onClick=${save}>${t("act.save")}</button>
      <button type="button" onClick=${onClose}>${t("act.cancel")}</button></p>
  </div>`;
}

/** The prompt as it is now, with the parameters that were chosen, as a style that anybody can put words into. */
function written() {
  const { prompt, params } = draft.peek();
  const { negative_prompt = "", ...others } = params;
  return { name: {}, prompt: { [language.value]: patternOf(prompt) }, negative_prompt: { [language.value]: negative_prompt }, variables: {}, params: others, image_id: null };
}

function patternOf(words) {
  const template = templateOf(words.trim());
  return template.includes("{prompt}") ? template : `{prompt}\n${template}`.trim();
}

function proposed({ variables }) {
  return Object.fromEntries(Object.entries(variables).map(([name, values]) => [name, values.join("，")]));
}

/** Prompts that this browser has kept by itself become styles, once. */
async function bringKept() {
  const kept = recallShared("templates") ?? [];
  if (!kept.length) return;
  const styles = kept.map((words) => ({ id: `kept-${fingerprint(words)}`, name: { [language.value]: nameOf(words) || "…" }, prompt: { [language.value]: patternOf(words) } }));
  await post(STYLES, { styles });
  keepText("templates", "[]");
}

/** Save all styles as a file, but for what belongs to this server alone. */
function carry(styles) {
  const carried = styles.map(({ shipped, thumbnail, image_id, ...style }) => style);
  const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(new Blob([JSON.stringify({ styles: carried }, null, 2)], { type: "application/json" })), download: "styles.json" });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
