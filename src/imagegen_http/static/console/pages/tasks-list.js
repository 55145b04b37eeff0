// A page of the list of tasks, kept current by the stream of changes and asked for again when that is not enough.

import { get, isAbort } from "../lib/api.js";
import { atMostEvery } from "../lib/tasks.js";
import { signal } from "../vendor/index.js";

const PAGE_SIZE = 100;
const MAX_FAILURES = 20;
const PAUSE = 5000; // milliseconds between two looks at the list

export class TaskList {
  /** `state` is `{ items, failures, next, usual, error }`; `items` is null until they are there. */
  constructor({ id = null, status, provider, cursor }) {
    this.id = id; // of the one task that it is about
    this.query = { status, provider, cursor, page_size: PAGE_SIZE };
    this.state = signal({ items: null, failures: null, next: null, usual: new Map(), error: null });
    this.left = false;
    this.failed = !id && !status && !cursor; // whether the failures must be asked for
    this.look = atMostEvery(PAUSE, () => this.#ask());
  }

  leave() {
    this.left = true;
  }

  /** Show a change; what the stream does not tell, such as the prompt of a new task, is asked for in a while. */
  apply({ task_id, status, progress, queue_position, image_ids, error }) {
    const { items } = this.state.value;
    const known = items?.find((task) => task.task_id === task_id);
    if (this.id && !known) return;
    if (status === "failed" && !this.id && !this.query.status && !this.query.cursor) this.failed = true;
    if (!known || known.status !== status) this.look();
    if (!known) return;
    const changed = { ...known, status, progress, queue_position, error, image_ids };
    this.#show({ items: items.map((task) => (task === known ? changed : task)) });
  }

  /** Put an answer about a task in its place. */
  update(task) {
    const put = (tasks) => tasks?.map((one) => (one.task_id === task.task_id ? { ...one, ...task } : one)) ?? null;
    const { items, failures } = this.state.value;
    this.#show({ items: put(items), failures: put(failures) });
  }

  async #ask() {
    if (this.left) return;
    const failed = this.failed;
    this.failed = false;
    try {
      const [page, failures] = await Promise.all([
        this.id ? this.#one() : get("/api/v1/tasks", this.query),
        failed ? get("/api/v1/tasks", { status: "failed", provider: this.query.provider, page_size: MAX_FAILURES }) : null,
      ]);
      const changes = { items: page.items, usual: usualSeconds(page.items), next: page.next_cursor, error: null };
      this.#show({ ...changes, ...(failures && { failures: failures.items }) });
    } catch (error) {
      this.failed ||= failed;
      if (!isAbort(error)) this.#show({ error });
    }
  }

  async #one() {
    return { items: [await get(`/api/v1/tasks/${encodeURIComponent(this.id)}`)], next_cursor: null };
  }

  #show(changes) {
    if (!this.left) this.state.value = { ...this.state.value, ...changes };
  }
}

/** Return how long tasks of a model take in the middle, in seconds, by provider and model. */
function usualSeconds(tasks) {
  const byModel = new Map();
  for (const task of tasks) {
    if (task.status !== "completed" || !task.started_at) continue;
    const seconds = (new Date(task.completed_at) - new Date(task.started_at)) / 1000;
    byModel.set(modelKey(task), [...(byModel.get(modelKey(task)) ?? []), seconds]);
  }
  return new Map([...byModel].map(([key, all]) => [key, all.sort((a, b) => a - b)[Math.floor(all.length / 2)]]));
}

export function modelKey({ provider, model_id }) {
  return `${provider}/${model_id}`;
}
