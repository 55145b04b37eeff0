// What this browser keeps: choices, failures that were taken note of, light or dark.

import { signal } from "../vendor/index.js";

// What the browser keeps for this page, by name. A browser that keeps nothing is no reason to fail.

const PREFIX = "imagegen.";
const EXPENDABLE = `${PREFIX}masks`; // gives way where there is no room for something else

/** Return what was kept under the name, or `otherwise`; this tab's own comes before that of all tabs. */
export function recall(name, otherwise = null) {
  return read("sessionStorage", name) ?? recallShared(name) ?? otherwise;
}

/** Return what is kept for all tabs under the name, null where there is nothing. */
export function recallShared(name) {
  return read("localStorage", name);
}

/** Keep a value for this tab, and for the tabs that are opened later. */
export function keep(name, value) {
  const text = JSON.stringify(value);
  write("sessionStorage", name, text);
  write("localStorage", name, text);
}

/** Keep a value for all tabs; return whether the browser did. */
export function keepShared(name, value) {
  return keepText(name, JSON.stringify(value));
}

/** Keep a plain text for all tabs, as index.html reads it; return whether the browser did. */
export function keepText(name, text) {
  return write("localStorage", name, text);
}

/** Return the plain text that is kept under the name, null where there is none. */
export function recallText(name) {
  try {
    return localStorage.getItem(PREFIX + name);
  } catch {
    return null;
  }
}

/** Call the listener when another tab has kept something for all tabs under the name. */
export function onShared(name, listener) {
  addEventListener("storage", ({ key }) => key === PREFIX + name && listener());
}

function read(storage, name) {
  try {
    return JSON.parse(window[storage].getItem(PREFIX + name));
  } catch {
    return null;
  }
}

function write(storage, name, text) {
  try {
    try {
      window[storage].setItem(PREFIX + name, text);
    } catch {
      window[storage].removeItem(EXPENDABLE);
      window[storage].setItem(PREFIX + name, text);
    }
    return true;
  } catch {
    return false; // full, or forbidden
  }
}

// Failed tasks that the reader has taken note of: they are shown no more where only what needs attention is.

const NAME = "dismissed";
const MAX_DISMISSED = 2000;

export const dismissed = signal(new Set());

/** Take note of tasks; what other tabs have taken note of stays. */
export function dismiss(ids) {
  add(recallShared(NAME) ?? [], ids);
  keepShared(NAME, [...dismissed.value]);
}

function add(...ids) {
  dismissed.value = new Set([...dismissed.value, ...ids.flat()].slice(-MAX_DISMISSED));
}

const look = () => add(recallShared(NAME) ?? []);
onShared(NAME, look);
look();

// Light or dark: as the system says, also when it changes, until the reader chooses.

export const theme = signal(document.documentElement.dataset.theme);

const dark = matchMedia("(prefers-color-scheme: dark)");
dark.addEventListener("change", () => recallText("theme") ?? wear(dark.matches ? "dark" : "light"));

export function toggleTheme() {
  wear(theme.value === "dark" ? "light" : "dark");
  keepText("theme", theme.value);
}

function wear(next) {
  const root = document.documentElement;
  root.dataset.theme = theme.value = next;
  document.querySelector("meta[name=theme-color]").content = getComputedStyle(root).getPropertyValue("--bg");
}
