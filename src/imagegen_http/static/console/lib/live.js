// What changes by itself: the stream of events, lists that are read again, the tasks that run and their number.

import { get, inLanguage, isAbort, serviceTime } from "./api.js";
import { language } from "./i18n.js";
import { effect, signal } from "../vendor/index.js";

// The stream of all tasks' changes, and whether the service is there.

const RECONNECT_PAUSE = 2000; // milliseconds until a stream that was refused is asked for again
const HIDDEN = 3000; // milliseconds; a browser has six connections to a host, so that hidden tabs may keep none
const QUIET = 20_000; // milliseconds without a word, after which the service is asked whether it is still there
const ANSWER = 5000; // milliseconds that it has for that

/** `connecting`, `open`, or `lost`: then nothing on the page moves by itself. */
export const connection = signal("connecting");

const listeners = new Set();
const latecomers = new Set();
let source = null;
let hiding = null;
let retrying = null;
let missed = false;
let heard = 0; // when something came last

/** Call `listener` with every change `{ task_id, status, progress, queue_position, image_ids, error }`. */
export function onTask(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Call `listener` when changes may have been missed, so that what is shown must be asked for again. */
export function onResume(listener) {
  latecomers.add(listener);
  return () => latecomers.delete(listener);
}

/** Call `listener` once the stream is there, if it is not yet: until then nobody tells what changes. */
function onFirstOpen(listener) {
  let deaf = connection.peek() !== "open";
  return connection.subscribe((state) => {
    if (deaf && state === "open") listener();
    deaf &&= state !== "open";
  });
}

/** Open the stream; it is kept open while the page can be seen. */
export function startEvents() {
  effect(() => {
    language.value; // the messages of the stream are in it
    reopen();
  });
  addEventListener("online", reopen);
  addEventListener("offline", lose);
  setInterval(watch, QUIET);
  addEventListener("pagehide", close);
  addEventListener("pageshow", ({ persisted }) => persisted && reopen());
  document.addEventListener("visibilitychange", () => {
    clearTimeout(hiding);
    if (document.hidden) hiding = setTimeout(close, HIDDEN);
    else if (!source) reopen();
  });
}

function open() {
  clearTimeout(retrying);
  source = new EventSource(inLanguage("/api/v1/events"));
  source.addEventListener("open", () => {
    connection.value = "open";
    heard = Date.now();
    if (missed) for (const listener of latecomers) listener();
    missed = false;
  });
  source.addEventListener("task", ({ data }) => {
    const change = JSON.parse(data);
    heard = Date.now();
    for (const listener of listeners) listener(change);
  });
  source.addEventListener("error", lose);
}

/** A line that broke without a word looks like one on which nothing happens. */
async function watch() {
  const silent = source;
  if (connection.value !== "open" || document.hidden || Date.now() - heard < QUIET) return;
  try {
    await fetch("/health/live", { signal: AbortSignal.timeout(ANSWER), cache: "no-store" });
  } catch {
    if (source !== silent) return;
    source.close();
    lose();
  }
}

function lose() {
  missed = true;
  connection.value = "lost";
  if (source && source.readyState !== EventSource.CLOSED) return; // it connects again by itself
  source = null;
  clearTimeout(retrying);
  retrying = setTimeout(async () => {
    await get("/api/v1/tasks/counts").catch(() => null); // asks for the login where that is what is missing
    reopen();
  }, RECONNECT_PAUSE);
}

function close() {
  source?.close();
  source = null;
  missed = true;
}

function reopen() {
  if (source) close();
  if (!document.hidden) open();
}

// Reads of the service that are repeated: not more often than every few seconds, and after a failure that may pass.

/**
 * Return `{ look, again, error }`: `look` reads now or as soon as the pause is over, `again` now, for somebody who waits
 * for it; `error` is why the last read failed.
 */
export function reading(pause, read) {
  const error = signal(null);
  const look = atMostEvery(pause, async () => {
    try {
      await read();
      error.value = null;
    } catch (problem) {
      if (isAbort(problem)) return;
      if (problem.status === undefined) throw problem; // a defect of ours
      error.value = problem;
      if (mayPass(problem) && connection.peek() === "open") look(); // a stream that comes back asks by itself
    }
  });
  return { look, again: look.now, error };
}

/**
 * Return a function that calls `act` at once, and then once after each pause in which it was called. Its `now` does not
 * wait for the end of a pause.
 */
export function atMostEvery(pause, act) {
  let acting = false;
  let waiting = null;
  let again = false;
  const run = async () => {
    clearTimeout(waiting);
    again = false;
    acting = true;
    try {
      await act();
    } finally {
      acting = false;
      waiting = setTimeout(() => {
        waiting = null;
        if (again) run();
      }, pause);
    }
  };
  const call = () => {
    if (acting || waiting) again = true;
    else run();
  };
  return Object.assign(call, { now: () => void (acting ? (again = true) : run()) });
}

function mayPass({ status }) {
  return status === 0 || status === 429 || status >= 500;
}

// A list of tasks kept current: the stream tells how they change, and what it does not tell is asked for.

const LIST_PAUSE = 6000; // milliseconds; a busy queue of other callers must not cost a request for each of its tasks
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
    Object.assign(this, reading(LIST_PAUSE, () => this.#following && this.#read(read)));
  }

  /** Keep the list current until the returned function is called. */
  follow() {
    const resume = () => this.#resume();
    const stops = [onTask((change) => this.#hear(change)), onResume(resume), onFirstOpen(resume)];
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

// How many tasks there are of each status: asked for when something changed, not more often than every few seconds.

const COUNTS_PAUSE = 3000; // milliseconds

export const ENDED = ["completed", "failed", "cancelled"];

/** `{ pending, processing, completed, failed, cancelled }`, null until they are known. */
export const counts = signal(null);

/** Keep the counts current. */
export function startTasks() {
  const { look } = reading(COUNTS_PAUSE, refreshCounts);
  onTask(look);
  onResume(look);
  onFirstOpen(look); // the first answer is of when the page was asked for, which is long ago on a slow line
  look();
}

export async function refreshCounts() {
  counts.value = await get("/api/v1/tasks/counts");
}
