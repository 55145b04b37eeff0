// The form of Create: what it takes from elsewhere, its fields, and the button with its price.

import { begin, known, rows } from "./create-feed.js";
import { ModelPicker, Parameters, PromptBox, SizePicker } from "./create-fields.js";
import { ApiError, catalogue, isAbort, onlyDemo, post } from "../lib/api.js";
import { change, draft, rememberPrompt, setParameter, submit } from "../lib/drafts.js";
import { quoteOf } from "../lib/format.js";
import { language, t } from "../lib/i18n.js";
import { keepShared } from "../lib/kept.js";
import {
  choiceOf, estimateOf, inputsOf, NEEDS_PROMPT, numberOf, parameter, problemsOf, shapeOf, unknownNames,
} from "../lib/requests.js";
import { isTyping } from "../lib/router.js";
import { Icon, Lazy, NumberField, toast } from "../parts/basics.js";
import { computed, html, signal, useEffect, useLayoutEffect, useRef, useState } from "../vendor/index.js";

// Takes what is dropped anywhere on the page, and images that are pasted.

const OURS = /^\/(?:p|api\/v1\/images)\/(\d+)(?:\/|$)/;

export function Receiver() {
  useEffect(() => {
    const listeners = { dragover: over, drop, paste };
    for (const [name, listener] of Object.entries(listeners)) document.addEventListener(name, listener);
    return () => {
      for (const [name, listener] of Object.entries(listeners)) document.removeEventListener(name, listener);
    };
  }, []);
  return null;
}

function over(event) {
  const { types } = event.dataTransfer;
  if (types.includes("Files") || types.includes("text/uri-list")) event.preventDefault();
}

/** An image of this service that is dragged from the page is named by its address. */
function drop(event) {
  const image_ids = event.dataTransfer.getData("text/uri-list").split(/\s+/).map(ownImage).filter(Boolean).slice(0, 1);
  const files = image_ids.length ? [] : [...event.dataTransfer.files];
  if (!files.length && !image_ids.length) return;
  event.preventDefault();
  pass(event.target, files, image_ids);
}

/** A word processor copies words as an image, too: who writes wants the words. */
function paste(event) {
  const files = [...(event.clipboardData?.files ?? [])];
  if (isTyping(event.target) && event.clipboardData?.getData("text/plain")) return;
  if (!files.length || document.querySelector("dialog[open]")) return;
  event.preventDefault();
  pass(document.activeElement, files, []);
}

async function pass(element, files, image_ids) {
  const role = element?.closest?.("[data-role]")?.dataset.role ?? null;
  (await import("./create-inputs.js")).receive(role, files, image_ids);
}

function ownImage(address) {
  if (!URL.canParse(address) || new URL(address).origin !== location.origin) return null;
  return Number(OURS.exec(new URL(address).pathname)?.[1]) || null;
}

// What stands there before the first image: what this is, a try for nothing, and the way to a real provider.

/** What is shown before the first image, once it is asked for and there. */
export const firstVisit = signal(null);

export async function loadFirst() {
  firstVisit.value = await import("./first-visit.js");
}

/** Whether nothing was ever made. */
export const isEmpty = computed(() => known.value && !rows.value.length);

/** Whether nothing was ever made, and nothing but the demo can make it. */
export const isFirstVisit = computed(() => onlyDemo.value && isEmpty.value);

/** What the form is good for. */
export function Welcome() {
  return html`<div class="welcome"><h2>${t("create.welcome")}</h2><p>${t("create.welcome_demo")}</p></div>`;
}

// The lower edge of the form: what it will cost, what went wrong, and the button.

const PAUSE = 400; // milliseconds after the last change
const MAC = /mac|iphone|ipad/i.test(navigator.platform);
const loadInstead = async () => (await import("./create-instead.js")).Instead; // most drafts get the model that they mean

export function Foot({ draft, choice, valid, sending, problem, price }) {
  const twice = (event) => (event.detail > 1 || (event.repeat && event.key === "Enter")) && event.preventDefault(); // a double click is one task, and a key that is kept down
  return html`<div class="foot">
    ${choice.instead && html`<${Lazy} load=${loadInstead} choice=${choice} />`}
    ${problem && html`<p class="error" role="alert">${problem}</p>`}
    ${price ? price({ valid }) : html`<${Estimate} draft=${draft} choice=${choice} valid=${valid} />`}
    <button type="submit" class="main go" disabled=${sending} aria-busy=${sending} onClick=${twice} onKeyDown=${twice}>
      ${t("create.go")}<kbd aria-hidden="true">${MAC ? "⌘↵" : "Ctrl ↵"}</kbd></button>
  </div>`;
}

/** The service's estimate of the draft as it is now; undefined where there is none yet. */
export const estimate = signal(undefined);

const NOBODY_KNOWS = { costs: [{ basis: "unknown" }] };

function Estimate({ draft, choice, valid }) {
  const [shown, setShown] = useState(null); // until the next one is there
  const body = valid ? estimateOf(draft, choice) : null;
  const { prompt: _, ...params } = body?.params ?? {};
  const asked = body && JSON.stringify({ ...body, prompt: Boolean(draft.prompt), params }); // no price is by the words
  useEffect(() => {
    estimate.value = undefined;
    if (!asked) {
      setShown(null);
      return undefined;
    }
    const stop = new AbortController();
    const told = (answer) => {
      estimate.value = answer;
      setShown(answer);
    };
    const ask = () => post("/api/v1/tasks/estimate", body, { signal: stop.signal }).then(told, (error) => isAbort(error) || told(NOBODY_KNOWS));
    const wait = setTimeout(ask, PAUSE);
    return () => {
      clearTimeout(wait);
      stop.abort();
    };
  }, [asked]);
  const text = shown && quoteOf(shown);
  return html`<p class="estimate" role="status" lang=${language.value === "zh" ? "zh-CN" : "en"}>${text}
    ${text === t("cost.unknown") && html` <a href=${`/providers/${encodeURIComponent(choice.provider.name)}`}>${t("cost.set")}</a>`}</p>`;
}

// The form: what is asked for, of which model, what it will cost, and the button.

const loadInputs = async () => (await import("./create-inputs.js")).Inputs;
const loadSecond = async () => (await import("../parts/second-choice.js")).SecondChoice;
const loadKits = () => import("./create-kits.js");
// What may be a name; create-kits.js knows.
const BRACES = /\{[^{}"'\n,:;|]+\}/;
const ORDER = ["generate", "reference", "edit", "upscale", "recontext", "segment"];

export function CreateForm({ choice, results }) {
  const { model, operation } = choice;
  const box = useRef(null);
  const form = useRef(null);
  const [sending, setSending] = useState(false);
  const [refusal, setRefusal] = useState(null); // what the service said, as it is placed, of the draft as it was then
  const [strict, setStrict] = useState(false); // whether what is missing is told, too
  const [kits, setKits] = useState(null); // the module of what few drafts have
  const [picking, setPicking] = useState(false);
  const [folded, setFolded] = useState(false); // on a phone, the prompt is all that is left above the images that come
  const now = draft.value;
  const plan = kits && isKit(now) ? kits.planOf(now, choice) : null;
  const problems = plan ? kits.problemsOf(plan) : problemsOf(now, choice);
  const said = refusal?.of === JSON.stringify(now) ? refusal : null;
  const shown = { ...(strict ? problems : overdue(problems, now)), ...said?.fields };

  useEffect(() => {
    const keep = ([{ target }]) => target.querySelector(".folded") || keepShared("form", { height: target.getBoundingClientRect().height, operations: [...target.elements].filter(({ name }) => name === "operation").map(({ value }) => value) });
    const observer = new ResizeObserver(keep); // index.html has it as high when it is opened again
    observer.observe(form.current);
    return () => observer.disconnect();
  }, []);
  useEffect(() => {
    if (isKit(now) && !kits) loadKits().then(setKits);
  }, [isKit(now)]);
  useEffect(() => {
    if (now.mixed) import("../lib/mixed-params.js").then(({ withExtras }) => change({ ...withExtras(draft.peek(), choice), mixed: false }));
  }, [now.mixed]);
  const send = async () => {
    const wish = draft.peek();
    const chosen = choiceOf(wish);
    setRefusal(null);
    const focused = document.activeElement;
    if (isKit(wish)) setSending(true); // else a second press could come before the module does
    const kit = isKit(wish) ? await loadKits().catch(() => null) : null;
    if (isKit(wish) && !kit) {
      setSending(false);
      setRefusal({ of: JSON.stringify(wish), fields: {}, rest: t("problem.unreachable") });
      return;
    }
    const plan = kit?.planOf(wish, chosen);
    if (Object.keys(plan ? kit.problemsOf(plan) : problemsOf(wish, chosen)).length) {
      setSending(false);
      setStrict(true);
      setFolded(false);
      focusWrong(form);
      return;
    }
    setSending(true);
    const asking = isBatch(plan) ? kit.press(plan, wish) : askFor(plan?.draft ?? wish, chosen, { wish });
    if (results.current) show(results.current);
    try {
      if (!(await asking)) toast(t("create.same_task"));
      setStrict(false);
      setFolded(true);
      rememberPrompt(wish.prompt);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const said = await placedOf(error, wish, chosen);
      if (!form.current) toast(said.rest || error.text, { kind: "wrong" }); // who has left the page is told there
      setRefusal({ of: JSON.stringify(draft.peek()), ...said });
      setFolded(false);
      focusWrong(form);
    } finally {
      setSending(false);
      requestAnimationFrame(() => document.activeElement === document.body && focused.focus({ preventScroll: true })); // no button has it while it is disabled
    }
  };
  const submitted = (event) => {
    event.preventDefault();
    if (!sending && !document.querySelector("dialog[open]")) send(); // Enter in a window over the form is none of the form's
  };
  useSubmitKey(() => !sending && send());
  const unfold = () => {
    setFolded(false);
    setTimeout(() => form.current?.querySelector(".beside").focus({ preventScroll: true })); // the button is gone
  };
  const openTargets = async () => {
    setKits(await loadKits());
    setPicking(true);
  };
  return html`<form class="panel" ref=${form} noValidate onSubmit=${submitted} aria-label=${t("pages.create")}>
    <${Receiver} />
    <div class=${folded ? "fields folded" : "fields"}>
      <${Operations} operation=${operation} able=${model.capabilities} onChange=${(next) => change({ operation: next })} />
      <${PromptBox} box=${box} value=${now.prompt} max=${model.limits.prompt_chars} optional=${!NEEDS_PROMPT.includes(operation)}
        error=${shown.prompt} onChange=${(prompt) => change({ prompt })} />
      ${folded && html`<button type="button" class="bare unfold" onClick=${unfold}><${Icon} name="settings" />${t("create.unfold")}</button>`}
      ${plan && html`<${kits.Kit} draft=${now} plan=${plan} errors=${shown} />`}
      ${isFirstVisit.value && html`<${Welcome} />`}
      ${isEmpty.value && firstVisit.value && html`<${firstVisit.value.Examples} />`}
      ${operation !== "generate" && html`<${Lazy} load=${loadInputs} choice=${choice} inputs=${inputsOf(now, choice)} errors=${shown} />`}
      <${ModelPicker} choice=${choice} error=${shown.model_id} onChange=${change} />
      ${operation === "generate" && hasSeveral() && html`<button type="button" class="bare beside" aria-haspopup="dialog" onClick=${openTargets}><${Icon} name="compare" />${t("create.several")}</button>`}
      ${picking && kits && html`<${kits.Targets} draft=${now} choice=${choice} onClose=${() => setPicking(false)} />`}
      ${choice.provider.kind !== "demo" && html`<${Lazy} load=${loadSecond} draft=${now} choice=${choice} onChange=${change} />`}
      <${SizePicker} draft=${now} choice=${choice} problems=${shown} onChange=${change} />
      ${parameter(choice, "num") &&
      html`<${NumberField} label=${t("create.num")} value=${numberOf(now, choice)} max=${model.limits.max_num} error=${shown.num} onChange=${(num) => change({ num })} />`}
      <${Parameters} choice=${choice} params=${now.params} extras=${now.extras} errors=${shown} unknown=${unknownNames(now, choice)} onChange=${setParameter} />
    </div>
    <${Foot} draft=${plan?.draft ?? now} choice=${choice} valid=${!Object.keys(problems).length} sending=${sending} problem=${said?.rest}
      price=${isBatch(plan) && ((shared) => html`<${kits.Price} plan=${plan} ...${shared} />`)} />
  </form>`;
}

/** Whether there is more than one model to ask. */
function hasSeveral() {
  return catalogue.value.providers.flatMap(({ models }) => models.filter(({ capabilities }) => capabilities.includes("generate"))).length > 1;
}

/** Whether a draft may be more than one request of its own words. */
function isKit({ style, targets, prompt }) {
  return Boolean(style || targets.length || BRACES.test(prompt));
}

function isBatch(plan) {
  return Boolean(plan && (plan.tasks !== 1 || plan.choices.length > 1));
}

/**
 * Ask a model for one request, and show it among the groups from now on; return its task. `wish` is the draft that it shows
 * itself as, `form` the one that asks, of which one request is on its way at a time.
 */
export async function askFor(one, choice, { wish = one, form = "" } = {}) {
  const { provider, model, operation } = choice;
  const asked = begin({
    ...{ operation, provider: provider.name, model_id: model.id, prompt: one.prompt, params: one.params, wish },
    ...{ num: numberOf(one, choice), shape: shapeOf(one, choice), quote: estimate.peek() },
  });
  try {
    const task = await submit(choice, one, form);
    if (!asked.accept(task)) toast(t("create.same_task"));
    return task;
  } catch (error) {
    asked.drop();
    throw error;
  }
}

/** Ctrl or ⌘ with Enter sends what is asked for, wherever on the page the focus is. */
export function useSubmitKey(send) {
  useLayoutEffect(() => {
    const press = (event) => {
      if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.isComposing || document.querySelector("dialog[open]")) return;
      event.preventDefault(); // it presses no button
      if (!event.repeat) send();
    };
    addEventListener("keydown", press, true);
    return () => removeEventListener("keydown", press, true);
  });
}

/** What can be asked of the model. */
function Operations({ operation, able, onChange }) {
  const names = ORDER.filter((name) => able.includes(name));
  if (names.length < 2) return null;
  return html`<div class="operations" role="radiogroup" aria-label=${t("create.operation")}>
    ${names.map(
      (name) => html`<label key=${name}><input type="radio" name="operation" value=${name} checked=${name === operation} onChange=${() => onChange(name)} />
        <span>${t(`operations.${name}`)}</span></label>`,
    )}
  </div>`;
}

/** The problems that are told before anybody has pressed the button: those of what is there, not of what is missing. */
export function overdue(problems, { prompt, extras }) {
  const { prompt: wrong, image, reference, ...others } = problems;
  for (const name of Object.keys(others)) if (name.startsWith("values.")) delete others[name];
  for (const [at, { name, text }] of extras.entries()) if (!name.trim() || !text.trim()) delete others[`extras.${at}`];
  return { ...others, ...(wrong && prompt && { prompt: wrong }) };
}

/** What the service said, by the field that it is about; an answer that was lost says nothing of any. */
export async function placedOf(error, wish, choice) {
  if (error.isLost) return { rest: t("create.lost", { reason: error.message }) };
  const refusals = await import("../lib/refusals.js").catch(() => null); // it may be out of reach, as when a login is needed
  return refusals ? refusals.placed(error, wish, choice) : { rest: error.text };
}

/** Go to the first field that is wrong, once it is there: it may be among those that are fetched when they are shown. */
function focusWrong(form, frames = 30) {
  requestAnimationFrame(() => {
    const wrong = form.current?.querySelector("[aria-invalid=true], .dropzone:has(.error) .add button, .size:has(.error) input:checked");
    wrong?.focus({ preventScroll: true });
    wrong?.closest(".field").scrollIntoView({ block: "center" });
    if (!wrong && frames) focusWrong(form, frames - 1);
  });
}

/** Have the results in sight; on a phone they are below the form. */
function show(heading) {
  const { top, bottom } = heading.getBoundingClientRect();
  if (top >= 0 && bottom <= innerHeight - 200) return;
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  heading.scrollIntoView({ behavior: still ? "auto" : "smooth", block: "start" });
}
