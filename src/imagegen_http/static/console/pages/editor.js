// An image is changed where it is: what is painted, or the space beside it, is made again as the prompt says.

import { ModelPicker, PromptBox } from "./create-fields.js";
import { askFor, Foot, overdue, placedOf, useSubmitKey } from "./create-form.js";
import { Outcome, useOutcome } from "./editor-outcome.js";
import { ApiError, catalogue, get, isAbort, loadProviders, newKey, problem as unknown } from "../lib/api.js";
import { blob, keepBlob } from "../lib/blobs.js";
import { draft, EMPTY, rememberPrompt, replaceDraft } from "../lib/drafts.js";
import { language, t } from "../lib/i18n.js";
import { fingerprint } from "../lib/idempotency.js";
import { isVector } from "../lib/images.js";
import { editOf, isAnimated, keepEdit, keepMask, maskOf } from "../lib/masks.js";
import { choiceOf, problemsOf } from "../lib/requests.js";
import { close, go, useKeys } from "../lib/router.js";
import { Empty, Icon, Problem, toast } from "../parts/basics.js";
import { Dialog } from "../parts/dialog.js";
import { MaskCanvas } from "../parts/mask-canvas.js";
import { frameOf, isWidened, maskFile, NARROW, widenedFile } from "../parts/mask.js";
import { html, useEffect, useLayoutEffect, useMemo, useRef, useState } from "../vendor/index.js";

const TOOLS = { brush: "b", eraser: "e", lasso: "l", rectangle: "r", widen: "x" };
const ZOOMS = ["fit", 1, 2];
const RATIOS = ["1:1", "4:3", "3:4", "3:2", "2:3", "16:9", "9:16"];
const MIN_SIZE = 1;
const MAX_SHARE = 0.5; // of the picture's longer side is the largest brush
const MAX_PIXELS = 40_000_000; // of an image that the service takes

export default function Page({ id }) {
  const [told, setTold] = useState({ image: null, error: null });
  const look = async () => {
    try {
      const image = await get(`/api/v1/images/${id}`);
      setTold({ image, error: null, isMoving: await isAnimated(image) });
    } catch (error) {
      if (!isAbort(error)) setTold({ image: null, error });
    }
  };
  useEffect(() => void look(), [id, language.value]);
  const { image, error, isMoving } = told;
  const instead = (content) => html`<div class="page"><h1>${t("pages.editor")}</h1>${content}</div>`;
  if (error) {
    const again = error.status === 404 ? null : look;
    return instead(html`<${Problem} error=${error} again=${again} /><p><a href="/gallery">${t("pages.gallery")}</a></p>`);
  }
  if (isVector(image) || isMoving) return instead(html`<p>${t(isMoving ? "editor.animated" : "images.vector")}</p><p><a href=${`/p/${id}`}>${t("images.unnamed", { id })}</a></p>`);
  if (String(image?.id) !== id) return html`<p class="loading" aria-busy="true"><span class="unseen">${t("state.loading")}</span></p>`;
  return html`<${Editor} key=${id} image=${image} />`;
}

function Editor({ image }) {
  const edit = editOf(image.id);
  const sides = useMemo(() => ({ ...NARROW, ...edit.sides }), [JSON.stringify(edit.sides)]);
  const [steps, setSteps] = useState(() => maskOf(image.id));
  const [pressed, setPressed] = useState(null); // what is on its way to the service
  const outcome = useOutcome(edit.task_id, pressed);
  const wish = wishOf(image, edit);
  const choice = choiceOf(wish);
  const paint = (next) => {
    setSteps(next);
    keepMask(image.id, next);
  };
  return html`<div class="editor">
    <header class="acts">
      <button type="button" class="bare" aria-label=${t("act.close")} onClick=${() => close(`/p/${image.id}`)}><${Icon} name="close" /></button>
      <h1>${t("editor.title")}</h1>
      ${edit.from && html`<a href=${`/p/${edit.from}/edit`}>${t("editor.former")}</a>`}
    </header>
    ${outcome ? html`<${Outcome} image=${image} sides=${sides} wish=${wish} ...${outcome} />` : html`<${Easel} image=${image} sides=${sides} steps=${steps} onSteps=${paint} widens=${choice?.model.takes_mask} />`}
    <aside class="create" aria-label=${t("editor.what")}>
      ${choice && html`<${Ask} image=${image} wish=${wish} sides=${sides} steps=${steps} choice=${choice} busy=${Boolean(pressed) || outcome?.isOpen} isLost=${Boolean(edit.is_sent && !pressed)} onPress=${setPressed} />`}
      ${!choice && unknown.value && html`<${Problem} error=${unknown.value} again=${loadProviders} />`}
      ${!choice && catalogue.value && html`<${Empty} icon="providers" title=${t("create.no_model")} why=${t("create.no_model_why")}><a class="button main" href="/providers">${t("create.to_providers")}</a><//>`}
    </aside>
  </div>`;
}

/** The draft of an image's edit: of the model that made it, until another one is chosen. */
function wishOf(image, { provider = image.provider, model_id = image.model_id, prompt }) {
  return { ...EMPTY, operation: "edit", provider, model_id, prompt: prompt ?? (isInForm(image) ? draft.peek().prompt : "") };
}

/** Whether the form of Create is about the edit of an image. */
function isInForm({ id }) {
  const { operation, images } = draft.peek();
  return operation === "edit" && images.some(({ role, image_id }) => role === "image" && image_id === id);
}

/** The tools, and the picture that they work on. */
function Easel({ image, sides, steps, onSteps, widens }) {
  const [undone, setUndone] = useState([]);
  const [tool, setTool] = useState("brush");
  const [size, setSize] = useState(() => Math.max(MIN_SIZE, Math.round(Math.max(image.width, image.height) / 16)));
  const [soft, setSoft] = useState(0);
  const [veil, setVeil] = useState(55);
  const [zoom, setZoom] = useState("fit");
  const largest = Math.round(Math.max(image.width, image.height) * MAX_SHARE);
  const tools = Object.entries(TOOLS).filter(([name]) => name !== "widen" || widens || isWidened(sides));
  const isLine = tool === "brush" || tool === "eraser";

  const become = (next, later) => {
    onSteps(next);
    setUndone(later);
  };
  const add = (step) => become([...steps, step], []);
  const undo = () => steps.length && become(steps.slice(0, -1), [...undone, steps.at(-1)]);
  const redo = () => undone.length && become([...steps, undone.at(-1)], undone.slice(0, -1));
  const resize = (next) => setSize(Math.min(Math.max(Math.round(next), MIN_SIZE), largest));
  const widen = (side, pixels) => keepEdit(image.id, { sides: { ...sides, [side]: bounded(image, sides, side, pixels) } });

  useKeys({
    "[": () => resize(size / 1.25 - 0.5),
    "]": () => resize(size * 1.25 + 0.5),
    z: undo,
    y: redo,
    i: () => add({ kind: "invert" }),
    ...Object.fromEntries(tools.map(([name, key]) => [key, () => setTool(name)])),
  });
  useLayoutEffect(() => {
    const press = (event) => {
      if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "z" || event.target.matches?.("textarea, input:not([type=range])")) return;
      event.preventDefault();
      (event.shiftKey ? redo : undo)();
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  });

  const act = (name, icon, what, disabled = false, key = "") => html`<button type="button" class="bare" disabled=${disabled} onClick=${what}
    aria-label=${t(`editor.${name}`)} title=${key ? `${t(`editor.${name}`)} (${key})` : t(`editor.${name}`)}><${Icon} name=${icon} /></button>`;
  const range = (name, value, min, max, set, unit = "") => html`<label class="size">${t(`editor.${name}`)}
    <input type="range" min=${min} max=${max} value=${value} onInput=${({ target }) => set(target.valueAsNumber)} /><output>${value}${unit}</output></label>`;
  return html`<div class="tools panel" role="toolbar" aria-label=${t("editor.tools")}>
      ${tools.map(([name, key]) => html`<button type="button" key=${name} class="bare" aria-pressed=${tool === name} onClick=${() => setTool(name)} aria-label=${t(`editor.${name}`)}
        title=${`${t(`editor.${name}`)} (${key.toUpperCase()})`}><${Icon} name=${name === "widen" ? "full" : name} /><span>${t(`editor.${name}`)}</span></button>`)}
      <span class="acts">
        ${act("undo", "undo", undo, !steps.length, "Ctrl+Z")}${act("redo", "redo", redo, !undone.length, "Ctrl+Shift+Z")}
        ${act("invert", "invert", () => add({ kind: "invert" }), false, "I")}${act("clear", "trash", () => add({ kind: "clear" }), !steps.length)}
      </span>
      ${isLine && range("size", size, MIN_SIZE, largest, resize)}
      ${isLine && range("soft", Math.round(soft * 100), 0, 100, (next) => setSoft(next / 100), "%")}
      ${tool !== "widen" && range("veil", veil, 10, 90, setVeil, "%")}
      ${tool === "widen" && html`<${Sides} image=${image} sides=${sides} onSide=${widen} />`}
      <span class="acts zooms" role="group" aria-label=${t("editor.zoom")}>
        ${ZOOMS.map((each) => html`<button type="button" key=${each} class="bare" aria-pressed=${zoom === each} onClick=${() => setZoom(each)}>
          ${each === "fit" ? t("editor.fit") : `${each * 100}%`}</button>`)}
      </span>
    </div>
    <${MaskCanvas} image=${image} sides=${sides} tool=${tool} size=${size} soft=${soft} steps=${steps} zoom=${zoom} veil=${veil / 100}
      onStep=${add} onZoom=${setZoom} onSides=${widen} />`;
}

/** How much the canvas is wider than the picture: by pixels at each side, or by a proportion of the whole. */
function Sides({ image, sides, onSide }) {
  const frame = frameOf(image, sides);
  const take = (ratio) => {
    const [across, down] = ratio.split(":").map(Number);
    const wide = Math.max(0, Math.round((image.height * across) / down) - image.width);
    const tall = Math.max(0, Math.round((image.width * down) / across) - image.height);
    const half = (all) => [Math.floor(all / 2), Math.ceil(all / 2)];
    const [[left, right], [top, bottom]] = [half(wide), half(tall)];
    if ((image.width + wide) * (image.height + tall) > MAX_PIXELS) toast(t("editor.too_large"), { kind: "wrong" });
    else keepEdit(image.id, { sides: { left, top, right, bottom } });
  };
  return html`<span class="acts sides" role="group" aria-label=${t("editor.widen")}>
    ${Object.entries(sides).map(([side, value]) => html`<label key=${side}>${t(`editor.${side}`)}
      <input type="number" inputmode="numeric" min="0" step="8" value=${value} onChange=${({ target }) => onSide(side, target.valueAsNumber || 0)} /></label>`)}
    ${RATIOS.map((ratio) => html`<button type="button" class="bare" key=${ratio} onClick=${() => take(ratio)}>${ratio}</button>`)}
    <button type="button" class="bare" disabled=${!isWidened(sides)} onClick=${() => keepEdit(image.id, { sides: NARROW })}>${t("editor.narrow")}</button>
    <output>${frame.width} × ${frame.height}</output>
  </span>`;
}

/** What is asked for, of which model, what it costs, and the button. */
function Ask({ image, wish, sides, steps, choice, busy, isLost, onPress }) {
  const box = useRef(null);
  const form = useRef(null);
  const [strict, setStrict] = useState(false); // whether what is missing is told, too
  const [refusal, setRefusal] = useState(null); // what the service said, of what was asked for then
  const [preview, setPreview] = useState(null);
  const [preparing, setPreparing] = useState(false);
  const acting = useRef(false);
  const isBusy = busy || preparing;
  const { model, operation } = choice;
  const { width, height } = frameOf(image, sides);
  const asked = JSON.stringify([wish, sides, steps]);
  const said = refusal?.of === asked ? refusal : null;
  const problems = problemsOf({ ...wish, images: [{ role: "image", image_id: image.id }] }, choice);
  if (isWidened(sides) && !model.takes_mask) problems.image = t("editor.cannot_widen", { model: model.name || model.id });
  const { prompt, model_id, ...others } = { ...(strict ? problems : overdue(problems, wish)), ...said?.fields };
  const trouble = [problems.image, ...Object.values({ ...others, image: said?.fields?.image }), said?.rest].filter(Boolean).join("\n");
  const change = ({ operation: _, ...values }) => keepEdit(image.id, values);

  const send = async () => {
    setRefusal(null);
    if (Object.keys(problems).length) {
      setStrict(true);
      requestAnimationFrame(() => form.current?.querySelector("[aria-invalid=true]")?.focus());
      return;
    }
    try {
      const whole = { ...wish, images: await imagesOf(image, sides, steps) };
      onPress(whole);
      keepEdit(image.id, { is_sent: true });
      const { task_id } = await askFor(whole, choice, { form: `image ${image.id}` });
      rememberPrompt(wish.prompt);
      keepEdit(image.id, { is_sent: false, task_id });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (!error.isLost) keepEdit(image.id, { is_sent: false });
      const told = await placedOf(error, wish, choice);
      if (!form.current) toast(told.rest || error.text, { kind: "wrong" }); // who has left the page is told there
      setRefusal({ of: asked, ...told });
    } finally {
      onPress(null);
    }
  };
  const press = async (event) => {
    event?.preventDefault();
    if (isBusy || acting.current) return;
    acting.current = true;
    setPreparing(true);
    await send().finally(() => {
      acting.current = false;
      setPreparing(false);
    });
  };
  useSubmitKey(press);
  const show = async () => {
    const file = await maskFile(image, sides, steps);
    setPreview({ url: file && URL.createObjectURL(file) });
  };
  const hide = () => {
    URL.revokeObjectURL(preview.url);
    setPreview(null);
  };
  const toForm = async () => {
    const { provider, model_id: id, prompt: words } = wish;
    try {
      replaceDraft({ ...(isInForm(image) && draft.peek()), operation: "edit", provider, model_id: id, prompt: words, images: await imagesOf(image, sides, steps) });
      go("/");
    } catch (error) {
      toast(error.text ?? error.message, { kind: "wrong" });
    }
  };
  if (operation !== "edit") return html`<${Empty} icon="providers" title=${t("editor.none_able")} why=${t("editor.none_able_why")}><a class="button main" href="/providers">${t("create.to_providers")}</a><//>`;
  return html`<form class="panel" ref=${form} noValidate onSubmit=${press} aria-label=${t("editor.what")}>
    <div class="fields">
      <${PromptBox} box=${box} value=${wish.prompt} max=${model.limits.prompt_chars} optional=${false} plain error=${prompt} onChange=${(next) => change({ prompt: next })} />
      <${ModelPicker} choice=${choice} only="edit" error=${model_id} onChange=${change} />
      <p class="hint">${t(steps.length || isWidened(sides) ? (model.takes_mask ? "editor.why" : "editor.advice") : "editor.unpainted")}</p>
      ${isLost && !trouble && html`<p class="hint" role="status">${t("editor.unanswered")}</p>`}
      <div class="acts">
        <button type="button" class="bare" onClick=${show}>${t("editor.preview")}</button>
        <button type="button" class="bare" onClick=${toForm}>${t("editor.to_form")}</button>
      </div>
    </div>
    <${Foot} draft=${wish} choice=${choice} valid=${!Object.keys(problems).length} sending=${isBusy} problem=${trouble} />
    ${preview && html`<${Dialog} title=${t("editor.preview")} onClose=${hide}>
      <p class="muted">${preview.url ? t("editor.preview_why", { width, height }) : t("editor.unpainted")}</p>
      ${preview.url && html`<img class="mask-preview" src=${preview.url} alt=${t("editor.preview")} />`}<//>`}
  </form>`;
}

/** The inputs of an edit: of the same paint they are the same files, so that what is sent once more is the same request. */
async function imagesOf(image, sides, steps) {
  const of = fingerprint(JSON.stringify([sides, steps]));
  const { files } = editOf(image.id);
  if (files?.of === of && (await Promise.all(files.images.map(({ blob: key }) => !key || blob(key)))).every(Boolean)) return files.images;
  const { width, height } = frameOf(image, sides);
  const keep = async (role, file) => {
    const key = `${Date.now()}-${newKey()}`;
    await keepBlob(key, file);
    return { role, blob: key, name: t("editor.file", { id: image.id }), size: [width, height] };
  };
  const mask = await maskFile(image, sides, steps);
  const images = [isWidened(sides) ? await keep("image", await widenedFile(image, sides)) : { role: "image", image_id: image.id, size: [width, height] }];
  if (mask) images.push(await keep("mask", mask));
  keepEdit(image.id, { files: { of, images } });
  return images;
}

/** Return so many pixels of a side as the whole image may have. */
function bounded(image, sides, side, pixels) {
  const { width, height } = frameOf(image, { ...sides, [side]: 0 });
  const isAcross = side === "left" || side === "right";
  const most = Math.floor(MAX_PIXELS / (isAcross ? height : width)) - (isAcross ? width : height);
  return Math.max(0, Math.min(Math.round(pixels), most));
}
