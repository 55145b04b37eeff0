// The stream of all tasks' changes, and whether the service is there.

import { get, inLanguage } from "./api.js";
import { language } from "./i18n.js";
import { effect, signal } from "../vendor/index.js";

const PAUSE = 2000; // milliseconds until a stream that was refused is asked for again
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

/** Open the stream; it is kept open while the page can be seen. */
export function start() {
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
  }, PAUSE);
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
