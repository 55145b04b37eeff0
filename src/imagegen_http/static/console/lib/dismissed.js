// Failed tasks that the reader has taken note of: they are shown no more where only what needs attention is.

import { keepShared, onShared, recallShared } from "./kept.js";
import { signal } from "../vendor/index.js";

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
