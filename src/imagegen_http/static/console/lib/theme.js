// Light or dark: as the system says, until the reader chooses.

import { keepText } from "./kept.js";
import { signal } from "../vendor/index.js";

export const theme = signal(document.documentElement.dataset.theme);

export function toggleTheme() {
  theme.value = theme.value === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = theme.value;
  keepText("theme", theme.value);
}
