// Light or dark: as the system says, also when it changes, until the reader chooses.

import { keepText, recallText } from "./kept.js";
import { signal } from "../vendor/index.js";

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
