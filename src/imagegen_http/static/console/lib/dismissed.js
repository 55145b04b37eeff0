// Failed tasks that the reader has taken note of: they are shown no more where only what needs attention is.

import { keep, recall } from "./kept.js";
import { signal } from "../vendor/index.js";

const MAX_DISMISSED = 500;

export const dismissed = signal(new Set(recall("dismissed", [])));

export function dismiss(ids) {
  const all = [...dismissed.value].filter((id) => !ids.includes(id)).concat(ids);
  dismissed.value = new Set(all.slice(-MAX_DISMISSED));
  keep("dismissed", [...dismissed.value]);
}
