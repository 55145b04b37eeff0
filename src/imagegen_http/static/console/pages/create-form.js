// The form: what is asked for, of which model, what it will cost, and the button.

import { ApiError } from "../lib/api.js";
import { change, draft, setParameter, submit } from "../lib/drafts.js";
import { t } from "../lib/i18n.js";
import { choiceOf, inputsOf, NEEDS_PROMPT, numberOf, parameter, problemsOf, unknownNames } from "../lib/requests.js";
import { shapeOf } from "../lib/sizes.js";
import { Lazy } from "../parts/lazy.js";
import { ModelPicker } from "../parts/model-picker.js";
import { NumberField } from "../parts/number-field.js";
import { PromptBox, rememberPrompt } from "../parts/prompt-box.js";
import { SizePicker } from "../parts/size-picker.js";
import { toast } from "../parts/toast.js";
import { begin } from "./create-feed.js";
import { estimate, Foot } from "./create-foot.js";
import { Parameters } from "./create-advanced.js";
import { Receiver } from "./create-receiver.js";
import { Examples, isFirstVisit, Welcome } from "./create-welcome.js";
import { html, useEffect, useRef, useState } from "../vendor/index.js";

const loadInputs = async () => (await import("./create-inputs.js")).Inputs;
const loadSecond = async () => (await import("../parts/second-choice.js")).SecondChoice;
const ORDER = ["generate", "reference", "edit", "upscale", "recontext", "segment"];

export function CreateForm({ choice, results }) {
  const { model, operation } = choice;
  const box = useRef(null);
  const form = useRef(null);
  const [sending, setSending] = useState(false);
  const [refusal, setRefusal] = useState(null); // what the service said, as it is placed, of the draft as it was then
  const [strict, setStrict] = useState(false); // whether what is missing is told, too
  const now = draft.value;
  const problems = problemsOf(now, choice);
  const said = refusal?.of === JSON.stringify(now) ? refusal : null;
  const shown = { ...(strict ? problems : overdue(problems, now)), ...said?.fields };

  useEffect(() => {
    if (now.mixed) import("../lib/mixed-params.js").then(({ withExtras }) => change({ ...withExtras(draft.peek(), choice), mixed: false }));
  }, [now.mixed]);
  const send = async () => {
    const wish = draft.peek();
    const chosen = choiceOf(wish);
    setRefusal(null);
    if (Object.keys(problemsOf(wish, chosen)).length) {
      setStrict(true);
      focusWrong(form);
      return;
    }
    const focused = document.activeElement;
    setSending(true);
    const { provider, model, operation: name } = chosen;
    const asked = begin({
      ...{ operation: name, provider: provider.name, model_id: model.id, prompt: wish.prompt, params: wish.params, wish },
      ...{ num: numberOf(wish, chosen), shape: shapeOf(wish, chosen), quote: estimate.peek() },
    });
    if (results.current) show(results.current);
    try {
      if (!asked.accept(await submit(chosen))) toast(t("create.same_task"));
      setStrict(false);
      rememberPrompt(wish.prompt);
    } catch (error) {
      asked.drop();
      if (!(error instanceof ApiError)) throw error;
      const said = await placedOf(error, wish, chosen);
      if (!form.current) toast(said.rest || error.text, { kind: "wrong" }); // who has left the page is told there
      setRefusal({ of: JSON.stringify(draft.peek()), ...said });
      focusWrong(form);
    } finally {
      setSending(false);
      requestAnimationFrame(() => document.activeElement === document.body && focused.focus({ preventScroll: true })); // no button has it while it is disabled
    }
  };
  const submitted = (event) => {
    event.preventDefault();
    if (!sending) send();
  };
  useSubmitKey(() => !sending && send());
  return html`<form class="panel" ref=${form} noValidate onSubmit=${submitted} aria-label=${t("pages.create")}>
    <${Receiver} />
    <div class="fields">
      ${isFirstVisit.value && html`<${Welcome} />`}
      <${Operations} operation=${operation} able=${model.capabilities} onChange=${(next) => change({ operation: next })} />
      <${PromptBox} box=${box} value=${now.prompt} max=${model.limits.prompt_chars} optional=${!NEEDS_PROMPT.includes(operation)}
        error=${shown.prompt} onChange=${(prompt) => change({ prompt })} />
      ${isFirstVisit.value && html`<${Examples} />`}
      ${operation !== "generate" && html`<${Lazy} load=${loadInputs} choice=${choice} inputs=${inputsOf(now, choice)} errors=${shown} />`}
      <${ModelPicker} choice=${choice} error=${shown.model_id} onChange=${change} />
      ${choice.provider.kind !== "demo" && html`<${Lazy} load=${loadSecond} draft=${now} choice=${choice} onChange=${change} />`}
      <${SizePicker} draft=${now} choice=${choice} problems=${shown} onChange=${change} />
      ${parameter(choice, "num") &&
      html`<${NumberField} label=${t("create.num")} value=${numberOf(now, choice)} max=${model.limits.max_num} error=${shown.num} onChange=${(num) => change({ num })} />`}
      <${Parameters} choice=${choice} params=${now.params} extras=${now.extras} errors=${shown} unknown=${unknownNames(now, choice)} onChange=${setParameter} />
    </div>
    <${Foot} draft=${now} choice=${choice} valid=${!Object.keys(problems).length} sending=${sending} problem=${said?.rest} />
  </form>`;
}

/** Ctrl or ⌘ with Enter sends what is asked for, wherever on the page the focus is. */
function useSubmitKey(send) {
  useEffect(() => {
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
function overdue(problems, { prompt, extras }) {
  const { prompt: wrong, image, reference, ...others } = problems;
  for (const [at, { name, text }] of extras.entries()) if (!name.trim() || !text.trim()) delete others[`extras.${at}`];
  return { ...others, ...(wrong && prompt && { prompt: wrong }) };
}

/** What the service said, by the field that it is about; an answer that was lost says nothing of any. */
async function placedOf(error, wish, choice) {
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
