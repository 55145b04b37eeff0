// A page of the list of tasks, kept current, and how long their models usually take.

import { Failures } from "./tasks-failures.js";
import { get } from "../lib/api.js";
import { dismiss, dismissed } from "../lib/kept.js";
import { LiveTasks } from "../lib/live.js";
import { noteRepeats, repeatOf } from "../lib/retried.js";
import { usualTimes } from "../lib/usual.js";
import { computed, effect, signal } from "../vendor/index.js";

const TASKS = "/api/v1/tasks";
const PAGE_SIZE = 100;

export class TaskList {
  /** The cursor of the next page, null where there is none. */
  next = signal(null);

  #times;

  constructor({ id = null, status, provider, cursor }) {
    const page = { status, provider, cursor, page_size: PAGE_SIZE };
    this.tasks = new LiveTasks({
      read: () => (id ? one(id) : this.#page(page)),
      misses: ({ status: now }, known) => (known || !id) && known?.status !== now,
    });
    this.failures = id || status || cursor ? null : new Failures(provider);
    this.lists = this.failures ? [this.tasks, this.failures.tasks] : [this.tasks];
    this.#times = usualTimes(computed(() => this.tasks.items.value ?? []), provider);
    this.usual = this.#times.usual;
    this.error = computed(() => this.tasks.error.value ?? this.failures?.tasks.error.value ?? null);
  }

  /** Keep it current until the returned function is called. */
  follow() {
    const stops = [this.tasks.follow(), this.failures?.follow(), effect(() => this.#note()), this.#times.learn()];
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
}

async function one(id) {
  return [await get(`${TASKS}/${encodeURIComponent(id)}`)];
}
