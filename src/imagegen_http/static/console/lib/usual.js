// How long the models usually take, by the tasks that are completed.

import { get, isAbort } from "./api.js";
import { ENDED } from "./live.js";
import { computed, effect, signal, untracked } from "../vendor/index.js";

const PAGE_SIZE = 100;

/**
 * Return `{ usual, learn }`: `usual` has the seconds by `modelKey`, of a signal's tasks. Until the function that `learn()`
 * returns is called, completed tasks are asked for where one of these has not ended, and nothing tells how long it will take.
 */
export function usualTimes(tasks, provider) {
  const completed = signal(null);
  const usual = computed(() => usualSeconds([...tasks.value, ...(completed.value ?? [])]));
  const isUnusual = () => !completed.value && tasks.value.some((task) => task.status !== "sending" && !ENDED.includes(task.status) && !usual.value.has(modelKey(task)));
  const ask = async () => {
    completed.value = [];
    try {
      completed.value = (await get("/api/v1/tasks", { status: "completed", provider, page_size: PAGE_SIZE })).items;
    } catch (error) {
      if (!isAbort(error) && error.status === undefined) throw error; // else nobody misses it
    }
  };
  return { usual, learn: () => effect(() => isUnusual() && untracked(ask)) };
}

export function modelKey({ provider, model_id }) {
  return `${provider}/${model_id}`;
}

/** Return how long tasks of a model take in the middle, in seconds, by provider and model. */
function usualSeconds(tasks) {
  const byModel = new Map();
  for (const task of tasks) {
    if (task.status !== "completed" || !task.started_at || !task.completed_at) continue;
    const seconds = (new Date(task.completed_at) - new Date(task.started_at)) / 1000;
    byModel.set(modelKey(task), [...(byModel.get(modelKey(task)) ?? []), seconds]);
  }
  return new Map([...byModel].map(([key, all]) => [key, all.sort((a, b) => a - b)[Math.floor(all.length / 2)]]));
}
