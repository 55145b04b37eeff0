// A draft that is more than one request: its style, values of the names in braces of its prompt, and several models.

import { begin } from "./create-feed.js";
import { catalogue, isAbort, post } from "../lib/api.js";
import { change } from "../lib/drafts.js";
import { quoteOf } from "../lib/format.js";
import { fetchSentences, language, t } from "../lib/i18n.js";
import { fingerprint, once } from "../lib/idempotency.js";
import { choiceOf, estimateOf, numberOf, problemsOf as problemsOfOne, shapeOf, sizeOf, unknownNames } from "../lib/requests.js";
import { fetchLater } from "../lib/router.js";
import { Field, Icon } from "../parts/basics.js";
import { Dialog } from "../parts/dialog.js";
import { html, useEffect, useState } from "../vendor/index.js";

await Promise.all([fetchSentences("kits"), fetchLater("kits")]);

const BATCHES = "/api/v1/batches";
const MAX_TASKS = 10_000; // of a batch
const MAX_TARGETS = 4;
const PAUSE = 400; // milliseconds after the last change
const SEPARATORS = /[,，、\n]/;
const TOKEN = /\{\{|\}\}|\{([^{}]+)\}/g; // of a template, as the API reads it
// Of somebody's own words, in which all other braces are braces.
const NAME = /(?<!\{)\{([^{}"'\n,:;|()<>[\]]{1,40})\}(?!\})/g;

// What a press would ask for.

/** Return a text of the service in the reader's language, else in the other. */
export function own(text) {
  return text[language.value] || text.en || text.zh || "";
}

/** Return somebody's words as a template: all braces doubled but those of names that are none of `plain`. */
export function templateOf(words, plain = []) {
  const parts = words.split(NAME); // names at odd places
  return parts.map((part, at) => (at % 2 && !plain.includes(part) ? `{${part}}` : doubled(at % 2 ? `{${part}}` : part))).join("");
}

/** Return the beginning of words as a name, which has one line and nothing that cannot be seen. */
export function nameOf(words) {
  return words.replace(/\s+/g, " ").replace(/[\p{Cc}\p{Cf}]/gu, "").trim().slice(0, 60);
}

/** Put the words in the place of the prompt. */
export function styled(style, template) {
  return style ? own(style.prompt).replace(TOKEN, (token) => (token === "{prompt}" ? template : token)).trim() : template;
}

export function namesOf(template) {
  return [...new Set([...template.matchAll(TOKEN)].map((match) => match[1]).filter(Boolean))];
}

export function filled(template, values = {}) {
  return template.replace(TOKEN, (token, name) => (name === undefined ? token[0] : (values[name] ?? token)));
}

/** Return the values of a name, each once; until something is written there, those that the style proposes. */
export function valuesOf({ values, style }, name) {
  const parts = textOf({ values, style }, name).split(SEPARATORS).map((part) => part.trim());
  return [...new Set(parts.filter(Boolean))];
}

/**
 * Return what a draft asks for: `draft` with its style in it, `names` and their values, `choices` of models, and how many
 * tasks and images that is.
 */
export function planOf(draft, choice) {
  const template = styled(draft.style, templateOf(draft.prompt, draft.plain));
  const names = namesOf(template);
  const values = names.map((name) => valuesOf(draft, name));
  const combinations = values.reduce((product, { length }) => product * length, 1);
  const others = choice.operation === "generate" ? draft.targets.map((target) => choiceOf({ ...target, operation: "generate" })) : [];
  const choices = [choice, ...others.filter((one) => one && !one.instead)];
  const first = filled(template, Object.fromEntries(names.map((name, at) => [name, values[at][0] ?? `{${name}}`])));
  const whole = { ...draft, ...withStyle(draft), prompt: draft.prompt.trim() ? first : "" };
  const numbers = choices.map((one) => numberOf(whole, one));
  const tasks = combinations * choices.length;
  return { draft: whole, template, names, values, choices, combinations, numbers, tasks, images: combinations * numbers.reduce((sum, number) => sum + number, 0) };
}

/** Return what is wrong with it, by field. */
export function problemsOf(plan) {
  const { draft, names, values, choices, tasks } = plan;
  const problems = Object.assign({}, ...choices.toReversed().map((choice) => problemsOfOne(draft, choice)));
  for (const [at, name] of names.entries()) if (!values[at].length) problems[`values.${name}`] = t("kits.no_values", { name });
  if (tasks > MAX_TASKS) problems.prompt = t("kits.too_many", { n: tasks, max: MAX_TASKS });
  if (tasks > 1 && choices[0].operation !== "generate") problems.prompt = t("kits.only_generate");
  return problems;
}

/** Ask for all of it as one batch. Resolves to whether that is a new one. */
export function press(plan, wish) {
  return askForBatch(bodyOf(plan, wish), { cells: cellsOf(plan), prompt: wish.prompt, wish });
}

/** Ask for a batch, and show it in the feed at once, by the `cells` of `shown`. Resolves to whether that is a new one. */
export async function askForBatch(body, shown) {
  const [{ provider, model_id, shape }] = shown.cells;
  const asked = begin({ operation: "generate", provider, model_id, num: 1, shape, body, ...shown });
  try {
    const batch = await once(`batch ${fingerprint(JSON.stringify(body))}`, (headers) => post(BATCHES, body, { headers }));
    return asked.accept({ ...batch, task_id: undefined });
  } catch (error) {
    asked.drop();
    throw error;
  }
}

/** Each task that it makes, in the service's order: the last name changes fastest, but for the models. */
function cellsOf({ draft, template, names, values, choices }) {
  let rows = [[]];
  for (const each of values) rows = rows.flatMap((row) => each.map((value) => [...row, value]));
  return rows.flatMap((row) => {
    const prompt = filled(template, Object.fromEntries(names.map((name, at) => [name, row[at]])));
    return choices.map((choice) => ({
      ...{ prompt, label: row.join(" · "), provider: choice.provider.name, model_id: choice.model.id },
      ...{ num: numberOf(draft, choice), shape: shapeOf(draft, choice) },
    }));
  });
}

/** The models of several have their own parameters, so that each of their tasks names them. */
function bodyOf(plan, wish) {
  const { draft, template, names, values, choices } = plan;
  const asked = choices.map((choice) => paramsOf(draft, choice));
  const name = nameOf(wish.prompt);
  if (choices.length > 1) {
    const items = cellsOf(plan).map(({ prompt, provider, model_id }, at) => ({ provider, model_id, params: { ...asked[at % choices.length], prompt } }));
    return { name, items };
  }
  const [{ provider, model }] = choices;
  const variables = Object.fromEntries(names.map((one, at) => [one, values[at]]));
  return { name, template, variables, params: asked[0], targets: [{ provider: provider.name, model_id: model.id }], fallback: wish.fallback };
}

function paramsOf(draft, choice) {
  const { prompt: _, ...params } = estimateOf(draft, choice).params;
  return params;
}

/** What a style adds to the draft: parameters that nobody has set there. */
function withStyle({ style, params, num }) {
  if (!style) return {};
  const { num: many, ...others } = style.params;
  const negative = own(style.negative_prompt);
  return { params: { ...others, ...(negative && { negative_prompt: negative }), ...params }, num: num > 1 ? num : Number(many) || num };
}

function doubled(text) {
  return text.replace(/[{}]/g, (brace) => brace + brace);
}

function textOf({ values, style }, name) {
  return values[name] ?? style?.variables[name]?.join("，") ?? "";
}

// Below the prompt: the style, a row for each name in braces, and what some of the models lack.

export function Kit({ draft, plan, errors }) {
  const { style, plain, targets, values } = draft;
  const lacks = plan.choices.map((choice) => ({ choice, names: lackedBy(plan.draft, choice) })).filter(({ names }) => names.length);
  const set = (name) => ({ target }) => change({ values: { ...values, [name]: target.value } });
  const letPlain = (name, on) => change({ plain: on ? [...plain, name] : plain.filter((one) => one !== name) });
  const words = namesOf(templateOf(draft.prompt));
  return html`<div class="kit">
    ${style && html`<p class="chips"><button type="button" class="chip" aria-label=${t("kits.drop_style", { name: own(style.name) })} onClick=${() => change({ style: null })}>
      ${own(style.name)}<${Icon} name="close" /></button></p>`}
    ${plan.names.map((name, at) => html`<${Field} key=${name} label=${`{${name}}`} unit=${plan.values[at].length ? t("kits.values", { n: plan.values[at].length }) : ""}
        hint=${t("kits.values_hint")} error=${errors[`values.${name}`] ?? ""} className="values">
      ${(control) => html`<div class="joined"><textarea ...${control} rows="1" name="values" value=${textOf(draft, name)} placeholder=${t("kits.values_example")} onInput=${set(name)}></textarea>
        ${words.includes(name) && html`<button type="button" title=${t("kits.as_text_why", { name })} onClick=${() => letPlain(name, true)}>${t("kits.as_text")}</button>`}</div>`}
    <//>`)}
    ${plain.filter((name) => words.includes(name)).map((name) => html`<p key=${name} class="hint">${t("kits.is_text", { name })}
      <button type="button" class="bare" onClick=${() => letPlain(name, false)}>${t("kits.as_variable")}</button></p>`)}
    ${targets.length > 0 && html`<ul class="chips" aria-label=${t("kits.targets")}>
      ${plan.choices.slice(1).map(({ provider, model }) => html`<li key=${`${provider.name}/${model.id}`}><button type="button" class="chip"
        aria-label=${t("kits.drop_target", { name: titleOf(provider, model) })} onClick=${() => change({ targets: targets.filter((one) => !isTarget(one, provider, model)) })}>
        ${titleOf(provider, model)}<${Icon} name="close" /></button></li>`)}</ul>`}
    ${lacks.map(({ choice, names }) => html`<p class="hint lacks" key=${`${choice.provider.name}/${choice.model.id}`}>${t("kits.lacks", { model: titleOf(choice.provider, choice.model), names: names.join(t("create.hint_joint")) })}</p>`)}
  </div>`;
}

/** What the draft asks for, and a model has no field for; what only the first one lacks, the form tells. */
function lackedBy(draft, choice) {
  const names = unknownNames(draft, choice).filter((name) => (draft.params[name] ?? "") !== "");
  const sized = draft.size && !sizeOf(draft, choice);
  return [...names.map((name) => (name === "negative_prompt" ? t("kits.negative") : name)), ...(sized ? [t("create.size")] : [])];
}

function titleOf(provider, model) {
  return `${provider.display_name || provider.name} · ${model.name || model.id}`;
}

function isTarget({ provider, model_id }, one, model) {
  return provider === one.name && model_id === model.id;
}

/** How many images that are, and what they cost. */
export function Price({ plan, valid }) {
  const [shown, setShown] = useState(null); // until the next one is there
  const body = valid ? JSON.stringify(bodyOf(plan, { prompt: "", fallback: plan.draft.fallback })) : null;
  useEffect(() => {
    setShown(null);
    if (!body) return undefined;
    const stop = new AbortController();
    const ask = () => post(`${BATCHES}/estimate`, body, { signal: stop.signal }).then(setShown, (error) => isAbort(error) || setShown({ costs: [{ basis: "unknown" }] }));
    const wait = setTimeout(ask, PAUSE);
    return () => {
      clearTimeout(wait);
      stop.abort();
    };
  }, [body]);
  return html`<p class="estimate" role="status">${plan.images > 0 && t("kits.count", { product: productOf(plan), n: plan.images })}${shown && html`<br />${quoteOf(shown, " + ")}`}</p>`;
}

function productOf({ values, numbers, choices }) {
  const isSame = numbers.every((number) => number === numbers[0]);
  const last = isSame ? [numbers[0], choices.length] : [`(${numbers.join(" + ")})`];
  const factors = [...values.map(({ length }) => length), ...last].filter((factor) => factor !== 1);
  return factors.length > 1 ? `${factors.join(" × ")} = ` : "";
}

// Which models are asked beside the one of the form.

export function Targets({ draft, choice, onClose }) {
  const { targets } = draft;
  const isFirst = (provider, model) => provider === choice.provider && model === choice.model;
  const toggle = (provider, model) => ({ target: { checked } }) => {
    const others = targets.filter((one) => !isTarget(one, provider, model));
    change({ targets: checked ? [...others, { provider: provider.name, model_id: model.id }] : others });
  };
  const isFull = targets.length >= MAX_TARGETS - 1;
  return html`<${Dialog} kind="dialog several" title=${t("create.several")} onClose=${onClose} foot=${html`<button type="button" class="main" onClick=${onClose}>${t("kits.done")}</button>`}>
    <p class="muted">${t("kits.several_why", { max: MAX_TARGETS })}</p>
    ${catalogue.value.providers.map((provider) => {
      const models = provider.models.filter(({ capabilities, lifecycle }) => capabilities.includes("generate") && lifecycle?.status !== "retired");
      return models.length > 0 && html`<fieldset class="targets" key=${provider.name}><legend>${provider.display_name || provider.name}</legend>
        ${models.map((model) => {
          const checked = isFirst(provider, model) || targets.some((one) => isTarget(one, provider, model));
          return html`<label key=${model.id}><input type="checkbox" checked=${checked} disabled=${isFirst(provider, model) || (isFull && !checked)} onChange=${toggle(provider, model)} />
            <span>${model.name || model.id}</span></label>`;
        })}</fieldset>`;
    })}
  <//>`;
}

