// The failures that nobody has taken note of, however many there are: the newest of them, and their number.

import { get } from "../lib/api.js";
import { dismissed } from "../lib/kept.js";
import { LiveTasks } from "../lib/live.js";
import { computed, effect, signal, untracked } from "../vendor/index.js";

const TASKS = "/api/v1/tasks";
const PAGE_SIZE = 100;
const MAX_SHOWN = 20;
const MAX_PAGES = 20; // that are looked through for failures that were not dismissed

export class Failures {
  /** All failed tasks: how many there are, ids of those that were read, and the oldest of them where there are more. */
  #all = signal({ total: 0, ids: new Set(), oldest: null });

  #provider;

  constructor(provider) {
    this.#provider = provider;
    this.tasks = new LiveTasks({
      read: () => this.#read(),
      misses: ({ status }, known) => status === "failed" && !known,
      choose: (tasks) => tasks.slice(0, PAGE_SIZE),
    });
    /** Those that are shown. */
    this.shown = computed(() => (this.tasks.items.value ?? []).filter(isLeft).slice(0, MAX_SHOWN));
    /** How many there are. */
    this.total = computed(() => Math.max(this.shown.value.length, this.#all.value.total - this.#dismissed()));
  }

  /** Keep them current until the returned function is called; where some were dismissed, the next ones move up. */
  follow() {
    const isShort = computed(() => this.shown.value.length < Math.min(MAX_SHOWN, this.total.value));
    const stops = [this.tasks.follow(), effect(() => isShort.value && untracked(this.tasks.again))];
    return () => stops.forEach((stop) => stop());
  }

  async #read() {
    const left = [];
    const ids = new Set();
    let [cursor, first, pages] = [null, null, 0];
    do {
      const page = await get(TASKS, { status: "failed", provider: this.#provider, page_size: PAGE_SIZE, cursor });
      first ??= page;
      for (const task of page.items) ids.add(task.task_id);
      left.push(...page.items.filter(isLeft));
      cursor = page.next_cursor;
      pages += 1;
    } while (cursor && left.length < MAX_SHOWN && pages < MAX_PAGES);
    this.#all.value = { total: first.total, ids, oldest: cursor ? [...ids].at(-1) : null };
    return left;
  }

  /** How many of all failed tasks are dismissed; ids are in the order of time. */
  #dismissed() {
    const { ids, oldest } = this.#all.value;
    return [...dismissed.value].filter((id) => ids.has(id) || (oldest && id < oldest)).length;
  }
}

function isLeft({ status, task_id }) {
  return status === "failed" && !dismissed.value.has(task_id);
}
