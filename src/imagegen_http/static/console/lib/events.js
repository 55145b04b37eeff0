// The stream of all tasks' changes, and whether the service is there.

import { get, inLanguage } from "./api.js";
import { language } from "./i18n.js";
import { effect, signal } from "../vendor/index.js";

const PAUSE = 2000; // milliseconds until a stream that was refused is asked for again
const HIDDEN = 60_000; // milliseconds; a browser has six connections to a host, so that hidden tabs may keep none

/** `connecting`, `open`, or `lost`: then nothing on the page moves by itself. */
export const connection = signal("connecting");

const listeners = new Set();
const latecomers = new Set();
let source = null;
let hiding = null;
let retrying = null;
let missed = false;

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
    if (missed) for (const listener of latecomers) listener();
    missed = false;
  });
  source.addEventListener("task", ({ data }) => {
    const change = JSON.parse(data);
    for (const listener of listeners) listener(change);
  });
  source.addEventListener("error", lose);
}

function lose() {
  missed = true;
  connection.value = "lost";
  if (source?.readyState !== EventSource.CLOSED) return; // it connects again by itself
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
