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
const MAX_PAGES = 10; // that a search looks through at once

export class TaskList {
  /** The cursor of the next page, null where there is none. */
  next = signal(null);

  /** How many tasks a search has looked through. */
  looked = signal(0);

  #left = false;

  #times;

  /** `q` are words of the prompt: the service keeps no index of them, so they are looked for in so many pages. */
  constructor({ id = null, q = "", ...filter }) {
    const { status, provider, cursor } = filter;
    const words = plain(q).split(/\s+/).filter(Boolean);
    this.tasks = new LiveTasks({
      read: () => (id ? one(id) : this.#pages({ ...filter, page_size: PAGE_SIZE }, words)),
      misses: ({ status: now }, known) => (known || !(id || q)) && known?.status !== now,
      ...(q && { choose: (tasks) => tasks }),
    });
    this.failures = id || q || status || cursor || filter.tz ? null : new Failures(provider);
    this.lists = this.failures ? [this.tasks, this.failures.tasks] : [this.tasks];
    this.#times = usualTimes(computed(() => this.tasks.items.value ?? []), provider);
    this.usual = this.#times.usual;
    this.error = computed(() => this.tasks.error.value ?? this.failures?.tasks.error.value ?? null);
  }

  /** Keep it current until the returned function is called. */
  follow() {
    this.#left = false;
    const stops = [() => (this.#left = true), this.tasks.follow(), this.failures?.follow(), effect(() => this.#note()), this.#times.learn()];
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

  async #pages(query, words) {
    const found = [];
    let [cursor, looked, pages] = [query.cursor, 0, words.length ? MAX_PAGES : 1];
    do {
      const { items, next_cursor } = await get(TASKS, { ...query, cursor });
      found.push(...items.filter(({ prompt }) => words.every((word) => plain(prompt).includes(word))));
      looked += items.length;
      cursor = next_cursor;
      pages -= 1;
    } while (cursor && pages && found.length < PAGE_SIZE && !this.#left);
    this.looked.value = looked;
    this.next.value = cursor;
    return found;
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

/** Return a text as it is compared: case and width make no difference. */
function plain(text) {
  return (text ?? "").normalize("NFKC").toLowerCase();
}
