// The document of a provider that is not shipped: its editor, what it would send, and what it finds in an answer.

import { keepUnsaved, KEY, unsavedOf } from "./providers-unsaved.js";
import { ApiError, isAbort, post } from "../lib/api.js";
import { language, t } from "../lib/i18n.js";
import { Field, Icon, Problem, toast } from "../parts/basics.js";
import { confirm } from "../parts/dialog.js";
import { html, useEffect, useId, useMemo, useRef, useState } from "../vendor/index.js";

const DRY_RUN = "/api/v1/providers/dry-run";
const SPEC = "extra_config.spec";
const MAX_CHARS = 262_144; // of a document, as the service takes it
const MAX_NUMBERED = 10_000; // lines; a document of more has hardly anything in each
const MAX_KEPT_CHARS = 100_000; // of an answer, in what the browser keeps
const PAUSE = 600; // milliseconds without a key before it is checked
const UNCHECKED = { models: null, problems: [], pending: false };

/** The editor with its checks, and below it a dry run. `values` and `set` are those of the drawer's form. */
export function DocumentEditor({ name, values, set, presets, error }) {
  const [check, setCheck] = useState(UNCHECKED);
  const text = values.document;
  const draft = { extra_config: { ...objectOf(values.extra_config), spec: text }, models: values.models.filter(({ used }) => used).map(({ id }) => id) };
  useEffect(() => {
    if (!text.trim()) return void setCheck(UNCHECKED);
    if (text.length > MAX_CHARS) return void setCheck({ ...UNCHECKED, problems: [{ message: t("providers.doc_long", { n: MAX_CHARS }) }] });
    setCheck((before) => ({ ...before, pending: true }));
    const stop = new AbortController();
    const timer = setTimeout(async () => {
      try {
        const { models } = await post(DRY_RUN, draft, { signal: stop.signal });
        setCheck({ ...UNCHECKED, models });
      } catch (problem) {
        if (isAbort(problem)) return;
        if (!(problem instanceof ApiError)) throw problem;
        setCheck({ ...UNCHECKED, problems: problemsOf(problem) });
      }
    }, PAUSE);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [JSON.stringify(draft), language.value]);
  return html`<${Editor} text=${text} set=${set} check=${check} presets=${presets} error=${error} />
    <${Trial} name=${name} draft=${{ ...draft, ...(values.api_base.trim() && { api_base: values.api_base.trim() }) }} models=${check.models} />`;
}

function Editor({ text, set, check, presets, error }) {
  const area = useRef(null);
  const gutter = useRef(null);
  const notes = useRef(null);
  const leaving = useRef(false);
  const id = useId();
  const lines = useMemo(() => text.split("\n"), [text]);
  const numbers = useMemo(() => lines.slice(0, MAX_NUMBERED).map((_, at) => at + 1).join("\n"), [lines.length]);
  const { problems, models, pending } = check;

  const scroll = ({ target }) => {
    gutter.current.scrollTop = target.scrollTop;
    notes.current.style.transform = `translate(${-target.scrollLeft}px, ${-target.scrollTop}px)`;
  };
  const typed = (event) => {
    const { key, target } = event;
    if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (key === "Escape" && !leaving.current) {
      leaving.current = true; // from here, Tab goes on to the next control, and Escape closes as ever
      event.preventDefault();
    } else if (key === "Tab" && !leaving.current) {
      event.preventDefault();
      indent(target, event.shiftKey);
    } else if (key === "Enter") {
      event.preventDefault();
      const line = target.value.slice(0, target.selectionStart).split("\n").at(-1);
      insert(target, `\n${line.match(/^ */)[0]}${line.endsWith(":") ? "  " : ""}`);
    } else if (key !== "Shift" && key !== "Tab") leaving.current = false;
  };
  /** Take no more than can be saved: a browser lays out ten million characters for minutes. */
  const taken = (event) => {
    const { data, target } = event;
    if ((data?.length ?? 0) + target.value.length - (target.selectionEnd - target.selectionStart) <= MAX_CHARS || !data) return;
    event.preventDefault();
    toast(t("providers.doc_long", { n: MAX_CHARS }), { kind: "wrong" });
  };
  const start = async ({ target }) => {
    const chosen = target.value;
    target.value = "";
    if (text.trim() && !(await confirm({ title: t("providers.doc_replace"), text: t("providers.doc_replace_why"), act: t("providers.doc_replace_act") }))) return;
    let found = example();
    try {
      if (chosen !== "+") found = (await post(DRY_RUN, { extra_config: { preset: chosen } })).document;
    } catch (problem) {
      return void toast(problem.text ?? problem.message, { kind: "wrong" });
    }
    area.current.focus();
    area.current.select();
    insert(area.current, found); // so that it can be undone
    area.current.setSelectionRange(0, 0);
  };
  const jump = ({ line, column }) => {
    const before = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0);
    const from = before + [...lines[line - 1]].slice(0, column - 1).join("").length;
    area.current.focus();
    area.current.setSelectionRange(from, before + lines[line - 1].length);
    area.current.scrollTop = Math.max(0, (line - 4) * (area.current.scrollHeight / lines.length));
  };
  const placed = problems.filter(({ line }) => line && line <= lines.length);
  const told = problems.length ? t("providers.doc_problems", { n: problems.length }) : pending ? t("providers.doc_checking") : models ? t("providers.doc_good", { n: models.length }) : "";

  return html`<div class="field document">
    <div class="acts"><label for=${id}>${t("providers.document")}</label>
      <select aria-label=${t("providers.doc_start")} onChange=${start}>
        <option value="">${t("providers.doc_start")}</option>
        <option value="+">${t("providers.doc_example")}</option>
        ${presets.filter(({ kind }) => kind === "http").map(({ name, display_name }) => html`<option key=${name} value=${name}>${display_name}</option>`)}
      </select></div>
    <div class="document-editor">
      <pre class="gutter code" aria-hidden="true" ref=${gutter}>${numbers}</pre>
      <textarea id=${id} ref=${area} class="code" rows="18" wrap="off" spellcheck=${false} autocapitalize="off" autocomplete="off" value=${text}
        aria-invalid=${problems.length > 0} aria-describedby=${`${id}-hint ${id}-told`}
        onBeforeInput=${taken} onInput=${({ target }) => set(target.value)} onScroll=${scroll} onKeyDown=${typed} onBlur=${() => (leaving.current = false)}></textarea>
      <div class="notes code" aria-hidden="true"><div ref=${notes}>
        ${placed.map(({ line, message }) => html`<p key=${`${line} ${message}`} style=${{ top: `${line - 1}lh` }}><code>${lines[line - 1]}</code><em>${message}</em></p>`)}
      </div></div>
    </div>
    <p class="hint" id=${`${id}-hint`}>${t("providers.doc_hint")}</p>
    <p class=${problems.length ? "error" : "muted"} id=${`${id}-told`} role="status">${told}</p>
    ${KEY.test(text) && html`<p class="warning" role="alert">${t("providers.doc_key")}</p>`}
    ${error && html`<p class="error" role="alert">${error}</p>`}
    ${problems.length > 0 && html`<ul class="doc-problems">${problems.map((each) => html`<li key=${`${each.line} ${each.column} ${each.path} ${each.message}`}>
      ${placed.includes(each) ? html`<button type="button" class="bare" onClick=${() => jump(each)}>${t("providers.doc_line", { line: each.line, column: each.column })}</button>` : null}
      <span>${each.path && html`<code>${each.path}</code> `}${each.message}</span></li>`)}</ul>`}
  </div>`;
}

/** Shows the requests of a call, and what is found in an answer that is pasted. Nothing is sent to the provider. */
function Trial({ name, draft, models }) {
  const kept = `${name} trial`;
  const [trial, setTrial] = useState(() => ({
    ...{ model_id: "", operation: "", prompt: t("providers.trial_prompt"), params: "", references: "1", has_mask: false, answer: "", answer_to: "submit", status: "200" },
    ...unsavedOf(kept),
  }));
  const [result, setResult] = useState(null);
  const [busy, setBusy] = useState(false);
  const room = useRef(null);
  useEffect(() => void room.current.querySelector(".acts ~ *")?.scrollIntoView({ block: "nearest" }), [result]); // it lies below what can be seen
  const change = (field) => (value) => {
    const next = { ...trial, [field]: value };
    setTrial(next);
    keepUnsaved(kept, { ...next, answer: next.answer.length > MAX_KEPT_CHARS ? "" : next.answer });
  };
  const from = (field) => ({ target }) => change(field)(target.type === "checkbox" ? target.checked : target.value);
  const model = models?.find(({ id }) => id === trial.model_id) ?? models?.find((each) => each.default) ?? models?.[0];
  const operation = model?.capabilities.includes(trial.operation) ? trial.operation : model?.capabilities[0];
  const run = async () => {
    if (busy || !operation) return;
    setBusy(true);
    try {
      const params = parsedParams(trial.params);
      const body = { ...draft, operation, model_id: model.id, prompt: trial.prompt, params, has_mask: trial.has_mask, reference_images: Number(trial.references) || 1 };
      const sample = trial.answer.trim() ? { answer: trial.answer, answer_to: trial.answer_to, answer_status: Number(trial.status) || 200 } : {};
      setResult(await post(DRY_RUN, { ...body, ...sample }));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      setResult({ error });
    } finally {
      setBusy(false);
    }
  };
  const entered = (event) => event.key === "Enter" && !event.isComposing && (event.preventDefault(), run());
  return html`<details class="trial" ref=${room}>
    <summary>${t("providers.trial")}</summary>
    <p class="muted">${t("providers.trial_why")}</p>
    <div class="pair">
      <${Choice} label=${t("providers.trial_model")} value=${model?.id} onChange=${from("model_id")} of=${(models ?? []).map(({ id, name: shown }) => [id, shown])} />
      <${Choice} label=${t("providers.trial_operation")} value=${operation} onChange=${from("operation")} of=${(model?.capabilities ?? []).map((each) => [each, t(`operations.${each}`)])} />
    </div>
    <${Field} label=${t("providers.trial_words")}>${(control) => html`<input ...${control} type="text" value=${trial.prompt} onInput=${from("prompt")} onKeyDown=${entered} />`}<//>
    <${Field} label=${t("providers.trial_params")} hint=${model && html`${t("providers.trial_known")} <code>${model.parameters.map((each) => each.name).join(", ")}</code>`}>
      ${(control) => html`<textarea ...${control} rows="2" class="code" spellcheck=${false} value=${trial.params} placeholder=${'{"num": 2}'} onInput=${from("params")}></textarea>`}<//>
    ${operation === "reference" && html`<${Field} label=${t("providers.trial_references")}>
      ${(control) => html`<input ...${control} type="number" min="1" max="14" value=${trial.references} onInput=${from("references")} />`}<//>`}
    ${operation === "edit" && html`<label class="check"><input type="checkbox" checked=${trial.has_mask} onChange=${from("has_mask")} />${t("providers.trial_mask")}</label>`}
    <${Field} label=${t("providers.trial_answer")} hint=${t("providers.trial_answer_hint")}>
      ${(control) => html`<textarea ...${control} rows="4" class="code" spellcheck=${false} value=${trial.answer} onInput=${from("answer")}></textarea>`}<//>
    ${trial.answer.trim() && html`<div class="pair">
      <${Choice} label=${t("providers.trial_step")} value=${trial.answer_to} onChange=${from("answer_to")} of=${["submit", "poll", "result"].map((each) => [each, t(`providers.step_${each}`)])} />
      <${Field} label=${t("providers.trial_status")}>${(control) => html`<input ...${control} type="number" min="200" max="599" value=${trial.status} onInput=${from("status")} onKeyDown=${entered} />`}<//>
    </div>`}
    <div class="acts"><button type="button" aria-disabled=${busy || !operation} onClick=${run}>${t("providers.trial_run")}</button>
      <p role="status" class="muted">${operation ? (result?.requests ? t("providers.trial_done", { n: result.requests.length }) : "") : t("providers.trial_first")}</p></div>
    ${result?.error && html`<${Problem} error=${result.error} />`}
    ${result?.sample && html`<${Sample} sample=${result.sample} />`}
    ${result?.requests?.map(({ step, method, url, headers, body }) => html`<section key=${step}><h3>${t(`providers.step_${step}`)}</h3>
      <pre class="code shown" tabindex="0" role="region" aria-label=${t(`providers.step_${step}`)}><code>${[`${method} ${url}`, ...Object.entries(headers).map((pair) => pair.join(": ")), "", body ?? ""].join("\n").trim()}</code></pre></section>`)}
  </details>`;
}

const MARKS = { done: "ok", accepted: "ok", pending: "warn", failed: "wrong" };

function Sample({ sample: { state, images = [], job = {}, failures, warnings } }) {
  const facts = [
    ...images.map((url, at) => [t("providers.sample_image", { n: at + 1 }), url ?? t("providers.sample_inline")]),
    ...Object.entries(job).filter(([, value]) => value),
  ];
  return html`<section class="sample"><h3>${t("providers.sample")} <span class="mark ${MARKS[state]}">${t(`providers.sample_${state}`)}</span></h3>
    ${facts.length > 0 && html`<dl>${facts.map(([what, value]) => html`<div key=${what}><dt>${what}</dt><dd><code>${value}</code></dd></div>`)}</dl>`}
    ${failures.map((each) => html`<p key=${each} class="error"><${Icon} name="warning" /> ${each}</p>`)}
    ${warnings.map((each) => html`<p key=${each} class="warning">${each}</p>`)}
  </section>`;
}

function Choice({ label, value, of, onChange }) {
  return html`<${Field} label=${label}>${(control) => html`<select ...${control} value=${value} onChange=${onChange}>
    ${of.map(([each, shown]) => html`<option key=${each} value=${each} selected=${each === value}>${shown}</option>`)}</select>`}<//>`;
}

/** Put text where the caret is, as if it were typed, so that it can be undone. */
function insert(area, text) {
  if (document.execCommand("insertText", false, text)) return;
  area.setRangeText(text, area.selectionStart, area.selectionEnd, "end");
  area.dispatchEvent(new Event("input", { bubbles: true }));
}

/** Move the lines of the selection by two spaces; without a selection, put them where the caret is. */
function indent(area, back) {
  const { value, selectionStart: from, selectionEnd: until } = area;
  if (from === until && !back) return insert(area, "  ");
  const first = value.lastIndexOf("\n", from - 1) + 1;
  const block = value.slice(first, until);
  const moved = back ? block.replace(/^ {1,2}/gm, "") : block.replace(/^(?=.)/gm, "  ");
  if (moved === block) return;
  area.setSelectionRange(first, until);
  insert(area, moved);
  area.setSelectionRange(from === until ? Math.max(first, from + moved.length - block.length) : first, first + moved.length);
}

/** Return what is wrong, once for each place; parts that are used twice are told twice. */
function problemsOf(error) {
  const found = new Map();
  for (const { field, message, line, column } of error.errors) {
    const path = field.startsWith(SPEC) ? field.slice(SPEC.length + 1) : field;
    const key = line ? `${line}:${column} ${message}` : `${field} ${message}`;
    if (!found.has(key)) found.set(key, { path, message, line, column });
  }
  return found.size ? [...found.values()].sort((one, other) => (one.line ?? 0) - (other.line ?? 0)) : [{ message: error.text }];
}

function objectOf(text) {
  try {
    const { spec, preset, ...others } = JSON.parse(text || "{}");
    return others;
  } catch {
    return {}; // its own field says so when it is saved
  }
}

function parsedParams(text) {
  try {
    return text.trim() ? JSON.parse(text) : {};
  } catch {
    throw new ApiError(t("providers.no_json"), { errors: [{ field: "", message: t("providers.trial_params") }] });
  }
}

/** A document to begin with. Its lines are apart, for the spaces before the lines of this file are not sent to browsers. */
function example() {
  const lines = [
    `# ${t("providers.example_what")}`,
    "schema: 1",
    "id: inkwell",
    "name: Inkwell",
    "base_url: https://api.inkwell.example/v1",
    `auth: {type: bearer}   # ${t("providers.example_auth")}`,
    "operations:",
    "  generate:",
    "    request:",
    "      path: /draw",
    "      body:",
    "        type: json",
    `        template:   # ${t("providers.example_template")}`,
    "          model: ${model}",
    "          text: ${prompt}",
    "          count: ${n}",
    "          dimensions: ${size}",
    "          seed: ${seed}",
    "    response:",
    `      images:   # ${t("providers.example_response")}`,
    '        - {select: "drawings[]", url: link}',
    "errors:",
    "  code: problem.code",
    "  message: problem.text",
    "  classify:",
    "    - {codes: [unsafe], as: blocked}",
    "models:",
    "  - id: ink-1",
    "    default: true",
    "    size: {kind: wxh, default: 1024x1024}",
    "    params:",
    "      seed: {type: integer, min: 0}",
  ];
  return `${lines.join("\n")}\n`;
}
