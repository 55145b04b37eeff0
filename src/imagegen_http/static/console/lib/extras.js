// Parameters that a model takes though nobody has declared them: `{ name, text }`, as somebody wrote them.

import { t } from "./i18n.js";

/** Whatever begins so is meant to be JSON. */
const IS_JSON = /^[[{"]/;

/** Return `{ value }` of a text: what it is as JSON, else the text itself; `{ problem }` where it is neither. */
export function readExtra(text) {
  const written = text.trim();
  if (!written) return { problem: t("extras.extra_empty") };
  let isExact = true;
  const check = (_, value) => {
    isExact &&= typeof value !== "number" || (Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value)));
    return value;
  };
  try {
    const value = JSON.parse(written, check);
    return isExact ? { value } : { problem: t("extras.extra_rounded") };
  } catch {
    return IS_JSON.test(written) ? { problem: t("extras.extra_no_json") } : { value: written };
  }
}

/** The rows in which anything is written. */
export function writtenExtras(extras) {
  return extras.filter(({ name, text }) => name.trim() || text.trim());
}

/** Return the parameters by name, as far as they can be read. */
export function extraParams(extras) {
  return Object.fromEntries(writtenExtras(extras).map(({ name, text }) => [name.trim(), readExtra(text).value]));
}

/** Return what is wrong with rows, as `extras.0`; `own` are the names that have a field already. */
export function extraProblems(extras, own) {
  const problems = {};
  const names = extras.map(({ name }) => name.trim());
  for (const [at, row] of extras.entries()) {
    const name = names[at];
    if (!name && !row.text.trim()) continue;
    const wrong = !name ? t("extras.extra_nameless") : own.has(name) ? t("extras.extra_own", { name }) : names.indexOf(name) < at && t("extras.extra_twice", { name });
    const problem = wrong || readExtra(row.text).problem;
    if (problem) problems[`extras.${at}`] = problem;
  }
  return problems;
}
