// The reader's language. Sentences are in i18n/, those of a page are fetched with it; those about models and parameters come
// from the server.

import { keepText } from "./kept.js";
import { signal } from "../vendor/index.js";

const LOCALES = { zh: "zh-CN", en: "en" };
const APART = ["gallery", "picture", "editor", "tasks", "batches", "providers", "usage", "settings", "inputs", "commands", "extras", "more", "kits"]; // with a file of their own
const OTHERS = { gallery: ["picture"], picture: ["gallery"], settings: ["picture"], editor: ["tasks"] }; // whose sentences a page says, too

const dictionary = signal({});
export const language = signal(document.documentElement.lang.startsWith("en") ? "en" : "zh");

const wanted = new Set(); // pages that have been shown

/** Fetch the sentences of the current language that a page says. */
export async function fetchSentences(page) {
  for (const name of [page, ...(OTHERS[page] ?? [])]) if (APART.includes(name)) wanted.add(name);
  const current = language.value;
  const sentences = await sentencesIn(current);
  if (current === language.value) dictionary.value = sentences;
}

/** Show the page in another language, now and from now on. */
export async function speak(next) {
  const sentences = await sentencesIn(next);
  keepText("language", next);
  document.documentElement.lang = LOCALES[next];
  language.value = next;
  dictionary.value = sentences;
}

async function sentencesIn(name) {
  const pages = [...wanted];
  const files = [`../i18n/${name}.js`, ...pages.map((page) => `../i18n/${name}/${page}.js`)];
  const parts = await Promise.all(files.map((file) => import(file)));
  if (pages.length < wanted.size) return sentencesIn(name); // another page was opened meanwhile
  return Object.assign({}, ...parts.map(({ default: sentences }) => sentences));
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
