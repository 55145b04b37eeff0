// A page of the list of tasks, kept current, and how long their models usually take.

import { get, isAbort } from "../lib/api.js";
import { dismiss, dismissed } from "../lib/dismissed.js";
import { LiveTasks } from "../lib/live-tasks.js";
import { noteRepeats, repeatOf } from "../lib/retried.js";
import { ENDED } from "../lib/tasks.js";
import { computed, effect, signal, untracked } from "../vendor/index.js";
import { Failures } from "./tasks-failures.js";

const TASKS = "/api/v1/tasks";
const PAGE_SIZE = 100;

export class TaskList {
  /** The cursor of the next page, null where there is none. */
  next = signal(null);

  #completed = signal(null); // tasks that tell how long others will take; null until they are needed
  #provider;

  constructor({ id = null, status, provider, cursor }) {
    const page = { status, provider, cursor, page_size: PAGE_SIZE };
    this.#provider = provider;
    this.tasks = new LiveTasks({
      read: () => (id ? one(id) : this.#page(page)),
      misses: ({ status: now }, known) => (known || !id) && known?.status !== now,
    });
    this.failures = id || status || cursor ? null : new Failures(provider);
    this.lists = this.failures ? [this.tasks, this.failures.tasks] : [this.tasks];
    this.usual = computed(() => usualSeconds([...(this.tasks.items.value ?? []), ...(this.#completed.value ?? [])]));
    this.error = computed(() => this.tasks.error.value ?? this.failures?.tasks.error.value ?? null);
  }

  /** Keep it current until the returned function is called. */
  follow() {
    const stops = [
      this.tasks.follow(),
      this.failures?.follow(),
      effect(() => this.#note()),
      effect(() => this.#isUnusual() && untracked(() => this.#learn())),
    ];
    return () => stops.forEach((stop) => stop?.());
  }

  look() {
    for (const list of this.lists) list.look();
  }

  /** Ask again now, for somebody waits for it. */
  again() {
    for (const list of this.lists) list.again();
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

  /** Take note of retries, also of those that were pressed in another browser. */
  #note() {
    const all = this.lists.flatMap((list) => list.items.value ?? []);
    noteRepeats(all);
    const repeated = all.filter((task) => task.status === "failed" && repeatOf(task) && !dismissed.value.has(task.task_id));
    if (repeated.length) dismiss(repeated.map(({ task_id }) => task_id));
  }

  /** Whether nothing here tells how long a task will take that has not ended. */
  #isUnusual() {
    const open = (this.tasks.items.value ?? []).filter(({ status }) => !ENDED.includes(status));
    return !this.#completed.value && open.some((task) => !this.usual.value.has(modelKey(task)));
  }

  async #learn() {
    this.#completed.value = [];
    try {
      this.#completed.value = (await get(TASKS, { status: "completed", provider: this.#provider, page_size: PAGE_SIZE })).items;
    } catch (error) {
      if (!isAbort(error) && error.status === undefined) throw error; // else nobody misses it
    }
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
