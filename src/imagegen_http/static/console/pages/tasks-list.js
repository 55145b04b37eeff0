// A page of the list of tasks with the failures above it, both kept current.

import { get } from "../lib/api.js";
import { LiveTasks } from "../lib/live-tasks.js";
import { noteRepeats } from "../lib/retried.js";
import { computed, effect, signal } from "../vendor/index.js";

const TASKS = "/api/v1/tasks";
const PAGE_SIZE = 100;
const MAX_FAILURES = 20;

export class TaskList {
  /** The cursor of the next page, null where there is none. */
  next = signal(null);

  constructor({ id = null, status, provider, cursor }) {
    const page = { status, provider, cursor, page_size: PAGE_SIZE };
    this.tasks = new LiveTasks({
      read: () => (id ? one(id) : this.#page(page)),
      misses: ({ status: now }, known) => (known || !id) && known?.status !== now,
    });
    const failed = { status: "failed", provider, page_size: MAX_FAILURES };
    this.failures = new LiveTasks({
      read: async () => (await get(TASKS, failed)).items,
      misses: ({ status: now }, known) => now === "failed" && !known,
    });
    this.lists = id || status || cursor ? [this.tasks] : [this.tasks, this.failures];
    this.usual = computed(() => usualSeconds(this.tasks.items.value ?? []));
    this.error = computed(() => this.tasks.error.value ?? this.failures.error.value);
  }

  /** Keep it current until the returned function is called. */
  follow() {
    const stops = this.lists.flatMap((list) => [list.follow(), effect(() => noteRepeats(list.items.value ?? []))]);
    return () => stops.forEach((stop) => stop());
  }

  look() {
    for (const list of this.lists) list.look();
  }

  /** Put an answer about a task in its place. */
  update(task) {
    for (const list of this.lists) if (list.items.value?.some(({ task_id }) => task_id === task.task_id)) list.put([task]);
  }

  async #page(query) {
    const { items, next_cursor } = await get(TASKS, query);
    this.next.value = next_cursor;
    return items;
  }
}

async function one(id) {
  return [await get(`${TASKS}/${encodeURIComponent(id)}`)];
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

export function modelKey({ provider, model_id }) {
  return `${provider}/${model_id}`;
}
