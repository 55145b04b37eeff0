// A list of tasks kept current: the stream tells how they change, and what it does not tell is asked for.

import { serviceTime } from "./clock.js";
import { connection, onResume, onTask } from "./events.js";
import { reading } from "./reading.js";
import { ENDED } from "./tasks.js";
import { signal } from "../vendor/index.js";

const PAUSE = 6000; // milliseconds; a busy queue of other callers must not cost a request for each of its tasks
const MAX_SHOWN = 100;
const MAX_HEARD = 200;

export class LiveTasks {
  /** The tasks as the API tells them, and `image_ids`; null until they are known. */
  items = signal(null);

  #heard = new Map(); // the last change of tasks by id: an answer that is on its way may be older
  #missed = true; // whether changes may have been missed since the last read
  #following = false;
  #options;

  /**
   * `read({ missed })` asks for tasks; `missed` says whether the stream may not have told all since the last time.
   * `misses(change, known)`: whether a change is a reason to ask again; `known` is the task before it.
   * `keeps(task, missed)`: whether a task that an answer does not have stays, for it may be none of the list any more.
   * `choose(tasks)` puts them in their order, and drops those that are too many.
   */
  constructor({ read, misses, keeps = () => false, choose = (tasks) => tasks.slice(0, MAX_SHOWN) }) {
    this.#options = { misses, keeps, choose };
    Object.assign(this, reading(PAUSE, () => this.#following && this.#read(read)));
  }

  /** Keep the list current until the returned function is called. */
  follow() {
    let deaf = connection.peek() !== "open"; // nobody tells what changes until it is
    const opened = (state) => {
      if (deaf && state === "open") this.#resume();
      deaf &&= state !== "open";
    };
    const stops = [onTask((change) => this.#hear(change)), onResume(() => this.#resume()), connection.subscribe(opened)];
    this.#following = true;
    this.#resume();
    return () => {
      this.#following = false;
      for (const stop of stops) stop();
    };
  }

  /** Take over tasks that something else answered, new ones too. */
  put(tasks) {
    this.#show(this.#merged(tasks, this.items.value ?? []));
  }

  /** Change what is shown of tasks, without asking anybody. */
  change(task_id, values) {
    if (this.items.value) this.#show(this.items.value.map((task) => (task.task_id === task_id ? { ...task, ...values } : task)));
  }

  #resume() {
    this.#missed = true;
    this.look();
  }

  #hear(change) {
    const { task_id } = change;
    this.#heard.delete(task_id);
    this.#heard.set(task_id, change);
    if (this.#heard.size > MAX_HEARD) this.#heard.delete(this.#heard.keys().next().value);
    const known = this.items.value?.find((task) => task.task_id === task_id);
    if (known) this.change(task_id, begun(known, change));
    if (this.#options.misses(change, known)) this.look();
  }

  async #read(read) {
    const before = new Set(this.items.value?.map(({ task_id }) => task_id));
    const missed = this.#missed;
    this.#missed = false;
    try {
      const answer = await read({ missed });
      const told = new Set(answer.map(({ task_id }) => task_id));
      const stays = (task) => told.has(task.task_id) || !before.has(task.task_id) || this.#options.keeps(task, missed);
      this.#show(this.#merged(answer, (this.items.value ?? []).filter(stays)));
    } catch (error) {
      this.#missed ||= missed;
      throw error;
    }
  }

  /** What an answer says, then what only the list has; a task that has ended stays as it was told to. */
  #merged(answer, tasks) {
    const known = new Map(tasks.map((task) => [task.task_id, task]));
    const merged = new Map();
    for (const task of answer) {
      const old = known.get(task.task_id);
      const last = this.#heard.get(task.task_id) ?? old;
      const isOlder = last && !ENDED.includes(task.status) && (ENDED.includes(last.status) || !task.images); // a mere acceptance
      const record = { ...old, ...task, image_ids: task.images?.map(({ id }) => id) ?? old?.image_ids ?? [] };
      merged.set(task.task_id, isOlder ? { ...record, ...begun(record, last) } : record);
    }
    return [...merged.values(), ...tasks.filter(({ task_id }) => !merged.has(task_id))];
  }

  #show(tasks) {
    this.items.value = this.#options.choose(tasks);
  }
}

/** A change, and the moment at which a task was first heard to run. */
function begun({ started_at = null }, change) {
  return { ...change, started_at: started_at ?? (change.status === "processing" ? new Date(serviceTime()).toISOString() : null) };
}
