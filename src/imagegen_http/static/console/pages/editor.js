// A mask for a picture: what is painted is made again, what is not stays. It goes into the form of an edit.

import { get, isAbort } from "../lib/api.js";
import { addFile, addImage, change, draft, removeInput, replaceDraft } from "../lib/drafts.js";
import { language, t } from "../lib/i18n.js";
import { isVector } from "../lib/images.js";
import { keepMask, maskOf } from "../lib/masks.js";
import { madeBy } from "../lib/reuse.js";
import { close, go, useKeys } from "../lib/router.js";
import { Icon, Problem } from "../parts/basics.js";
import { Dialog } from "../parts/dialog.js";
import { MaskCanvas } from "../parts/mask-canvas.js";
import { maskFile, paintedShare } from "../parts/mask.js";
import { html, useEffect, useRef, useState } from "../vendor/index.js";

const TOOLS = { brush: "b", eraser: "e", rectangle: "r" };
const ZOOMS = ["fit", 1, 2];
const MIN_SIZE = 1;
const MAX_SHARE = 0.5; // of the picture's longer side is the largest brush

export default function Page({ id }) {
  const [told, setTold] = useState({ image: null, error: null });
  const look = async () => {
    try {
      setTold({ image: await get(`/api/v1/images/${id}`), error: null });
    } catch (error) {
      if (!isAbort(error)) setTold({ image: null, error });
    }
  };
  useEffect(() => void look(), [id, language.value]);
  if (told.error) {
    const again = told.error.status === 404 ? null : look;
    return html`<div class="page"><h1>${t("pages.editor")}</h1><${Problem} error=${told.error} again=${again} /><p><a href="/gallery">${t("pages.gallery")}</a></p></div>`;
  }
  if (isVector(told.image)) return html`<div class="page"><h1>${t("pages.editor")}</h1><p>${t("images.vector")}</p><p><a href=${`/p/${id}`}>${t("images.unnamed", { id })}</a></p></div>`;
  if (!told.image) return html`<p class="loading" aria-busy="true"><span class="unseen">${t("state.loading")}</span></p>`;
  return html`<${Editor} key=${id} image=${told.image} />`;
}

function Editor({ image }) {
  const canvas = useRef(null);
  const [steps, setSteps] = useState(() => maskOf(image.id));
  const [undone, setUndone] = useState([]);
  const [tool, setTool] = useState("brush");
  const [size, setSize] = useState(() => Math.max(MIN_SIZE, Math.round(Math.max(image.width, image.height) / 16)));
  const [zoom, setZoom] = useState("fit");
  const [preview, setPreview] = useState(null);
  const [problem, setProblem] = useState("");
  const largest = Math.round(Math.max(image.width, image.height) * MAX_SHARE);

  const become = (next, later) => {
    setSteps(next);
    setUndone(later);
    setProblem("");
    keepMask(image.id, next);
  };
  const add = (step) => become([...steps, step], []);
  const undo = () => steps.length && become(steps.slice(0, -1), [...undone, steps.at(-1)]);
  const redo = () => undone.length && become([...steps, undone.at(-1)], undone.slice(0, -1));
  const resize = (next) => setSize(Math.min(Math.max(Math.round(next), MIN_SIZE), largest));

  useKeys({
    "[": () => resize(size / 1.25 - 0.5),
    "]": () => resize(size * 1.25 + 0.5),
    z: undo,
    y: redo,
    i: () => add({ kind: "invert" }),
    ...Object.fromEntries(Object.entries(TOOLS).map(([name, key]) => [key, () => setTool(name)])),
  });
  useEffect(() => {
    const press = (event) => {
      if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "z") return;
      event.preventDefault();
      (event.shiftKey ? redo : undo)();
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  });

  const show = async () => setPreview(URL.createObjectURL(await maskFile(canvas.current)));
  const hide = () => {
    URL.revokeObjectURL(preview);
    setPreview(null);
  };
  const use = async () => {
    const share = paintedShare(canvas.current);
    if (share === 0) return setProblem(t("editor.nothing"));
    const [file, whole] = [await maskFile(canvas.current), [image.width, image.height]];
    const asked = draft.value;
    const same = asked.operation === "edit" && asked.images.some(({ role, image_id }) => role === "image" && image_id === image.id);
    if (same) change({});
    else {
      replaceDraft({ ...madeBy(image), operation: "edit", prompt: asked.operation === "edit" ? asked.prompt : "" });
      addImage("image", image.id, whole);
    }
    await addFile("mask", new File([file], t("editor.file", { id: image.id }), { type: "image/png" }), whole);
    keepMask(image.id, []);
    return go("/");
  };

  /** Edit by words alone; a form that is about this image already keeps the rest of what it says. */
  const useNone = () => {
    const { operation, prompt, images } = draft.value;
    const isSame = operation === "edit" && images.some(({ role, image_id }) => role === "image" && image_id === image.id);
    const mask = images.find(({ role }) => role === "mask");
    if (!isSame) replaceDraft({ ...madeBy(image), operation: "edit", prompt: operation === "edit" ? prompt : "", images: [{ role: "image", image_id: image.id, size: [image.width, image.height] }] });
    else if (mask) removeInput(mask);
    go("/");
  };

  const act = (name, icon, what, disabled = false, key = "") => html`<button type="button" class="bare" disabled=${disabled} onClick=${what}
    aria-label=${t(`editor.${name}`)} title=${key ? `${t(`editor.${name}`)} (${key})` : t(`editor.${name}`)}><${Icon} name=${icon} /></button>`;
  return html`<div class="editor">
    <header class="acts">
      <button type="button" class="bare" aria-label=${t("act.close")} onClick=${() => close(`/p/${image.id}`)}><${Icon} name="close" /></button>
      <h1>${t("editor.title")}</h1>
      <p class="muted">${t("editor.why")}<span class="keys">${t("editor.keys")}</span></p>
    </header>
    <div class="tools panel" role="toolbar" aria-label=${t("editor.tools")}>
      ${Object.entries(TOOLS).map(([name, key]) => html`<button type="button" key=${name} class="bare" aria-pressed=${tool === name} onClick=${() => setTool(name)}
        title=${`${t(`editor.${name}`)} (${key.toUpperCase()})`}><${Icon} name=${name} /><span>${t(`editor.${name}`)}</span></button>`)}
      <span class="acts">
        ${act("undo", "undo", undo, !steps.length, "Ctrl+Z")}${act("redo", "redo", redo, !undone.length, "Ctrl+Shift+Z")}
        ${act("invert", "invert", () => add({ kind: "invert" }), false, "I")}${act("clear", "trash", () => add({ kind: "clear" }), !steps.length)}
      </span>
      <label class="size">${t("editor.size")}
        <input type="range" min=${MIN_SIZE} max=${largest} value=${size} onInput=${({ target }) => resize(target.valueAsNumber)} />
        <output>${size}</output></label>
      <span class="acts zooms" role="group" aria-label=${t("editor.zoom")}>
        ${ZOOMS.map((each) => html`<button type="button" key=${each} class="bare" aria-pressed=${zoom === each} onClick=${() => setZoom(each)}>
          ${each === "fit" ? t("editor.fit") : `${each * 100}%`}</button>`)}
      </span>
    </div>
    <${MaskCanvas} image=${image} tool=${tool} size=${size} steps=${steps} zoom=${zoom} canvas=${canvas} onStep=${add} onZoom=${setZoom} />
    <footer class="acts">
      ${problem && html`<p class="error" role="alert">${problem}</p>`}
      <button type="button" class="bare" onClick=${useNone}>${t("editor.use_none")}</button>
      <button type="button" onClick=${show}>${t("editor.preview")}</button>
      <button type="button" class="main" onClick=${use}>${t("editor.use")}</button>
    </footer>
    ${preview && html`<${Dialog} title=${t("editor.preview")} onClose=${hide}>
      <p class="muted">${t("editor.preview_why", { width: image.width, height: image.height })}</p>
      <img class="mask-preview" src=${preview} alt=${t("editor.preview")} /><//>`}
  </div>`;
}
