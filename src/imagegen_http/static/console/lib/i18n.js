// The reader's language. Sentences of the page are in i18n/; those about models and parameters come from the server.

import { keepText } from "./kept.js";
import { signal } from "../vendor/index.js";

const LOCALES = { zh: "zh-CN", en: "en" };

const dictionary = signal({});
export const language = signal(document.documentElement.lang.startsWith("en") ? "en" : "zh");

/** Fetch the sentences of the current language. */
export async function loadDictionary() {
  dictionary.value = (await import(`../i18n/${language.value}.js`)).default;
}

/** Show the page in another language, now and from now on. */
export async function speak(next) {
  const { default: sentences } = await import(`../i18n/${next}.js`);
  keepText("language", next);
  document.documentElement.lang = LOCALES[next];
  language.value = next;
  dictionary.value = sentences;
}

export function locale() {
  return LOCALES[language.value];
}

/**
 * Return the sentence of a key such as `gallery.total`, with `{name}` replaced by `values.name`.
 * A sentence may differ by number: `{ one, other }`, chosen by `values.n`.
 */
export function t(key, values = {}) {
  let sentence = key.split(".").reduce((part, name) => part?.[name], dictionary.value);
  if (sentence && typeof sentence === "object") {
    sentence = sentence[new Intl.PluralRules(locale()).select(Number(values.n))] ?? sentence.other;
  }
  if (typeof sentence !== "string") return key;
  return sentence.replace(/\{(\w+)\}/g, (_, name) => shown(values[name]));
}

/** Return the reader's text of a label from the server, `{ zh, en }`; `otherwise` where it has none. */
export function named(label, otherwise = "") {
  return label?.[language.value] ?? label?.en ?? label?.zh ?? otherwise;
}

function shown(value) {
  return typeof value === "number" ? value.toLocaleString(locale()) : String(value ?? "");
}
