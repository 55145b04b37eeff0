// The tasks that have not ended, those that just did, and the newest images: what stands beside the form.

import { get, isAbort, post } from "../lib/api.js";
import { dismiss as takeNote, dismissed } from "../lib/dismissed.js";
import { onResume, onTask } from "../lib/events.js";
import { t } from "../lib/i18n.js";
import { keep, recall } from "../lib/kept.js";
import { atMostEvery, ENDED } from "../lib/tasks.js";
import { toast } from "../parts/toast.js";
import { batch, computed, signal } from "../vendor/index.js";

const TASKS = "/api/v1/tasks";
const IMAGES = "/api/v1/images";
const PAUSE = 6000; // milliseconds; a busy queue of other callers must not cost a request for each of its tasks
const MAX_CARDS = 20;
const MAX_RECENT = 24;
const MAX_FAILURES = 50;
const MAX_HEARD = 200;
const MAX_FOLLOWED = 100;
const MAX_MISSED = 5;

/** Tasks `{ task_id, operation, prompt, …, status, progress, queue_position, started, image_ids, error }`, newest first. */
export const entries = signal([]);

/** The newest images, null until they are known; and why they are not. */
export const recent = signal(null);
export const trouble = signal(null);

/** The last thing that happened, for who cannot see it. */
export const news = signal("");

/** Images by id, and those among the newest that stand in no entry. */
const byId = computed(() => new Map((recent.value ?? []).map((image) => [image.id, image])));
export const others = computed(() => {
  const shown = new Set(entries.value.flatMap(({ image_ids }) => image_ids));
  return (recent.value ?? []).filter(({ id }) => !shown.has(id));
});

const followed = new Set(recall("followed") ?? []); // ids of tasks that were asked for here, over a reload too
const heard = new Map(); // the last change of tasks that are not shown: the answer to their POST may come after it

/** Keep the lists current until the returned function is called. */
export function follow() {
  entries.value = entries.value.filter(({ status }) => status !== "completed"); // they are among the newest by now
  const stop = [onTask(hear), onResume(lookAgain)];
  lookAgain();
  return () => stop.forEach((end) => end());
}

/** Show a task that was just accepted; return whether it is a new one. */
export function add(task) {
  if (entries.value.some(({ task_id }) => task_id === task.task_id)) return false;
  remember(task.task_id, true);
  const entry = { progress: 0, queue_position: null, started: null, image_ids: [], error: null, own: true, ...task };
  show([changed(entry, heard.get(task.task_id) ?? {}), ...entries.value]);
  news.value = t("create.submitted");
  if (heard.get(task.task_id)) lookAfter(heard.get(task.task_id));
  return true;
}

/** Return the records of an entry's images, as far as they are known. */
export function imagesOf({ image_ids, prompt, shape }) {
  return image_ids.map((id) => byId.value.get(id) ?? { id, prompt, width: Math.round(512 * (shape ?? 1)), height: 512 });
}

/** Take note of a failure: it is shown no more, here nor where failed tasks are. */
export function dismiss(task_id) {
  remember(task_id, false);
  takeNote([task_id]);
  show(entries.value.filter((entry) => entry.task_id !== task_id));
}

export async function cancel(task_id) {
  update(task_id, { cancelling: true });
  try {
    await post(`${TASKS}/${task_id}/cancel`);
  } catch (error) {
    update(task_id, { cancelling: false });
    toast(error.text, { kind: "wrong" });
  }
}

const lookAtTasks = atMostEvery(PAUSE, () => attempt(refreshTasks));
const lookAtRecent = atMostEvery(PAUSE, () => attempt(refreshRecent));
const lookAtFailures = atMostEvery(PAUSE, () => attempt(refreshFailures));

function lookAgain() {
  lookAtTasks();
  lookAtRecent();
  if (followed.size) lookAtFailures();
}

export { lookAgain as reload };

function hear(change) {
  heard.delete(change.task_id);
  heard.set(change.task_id, change);
  if (heard.size > MAX_HEARD) heard.delete(heard.keys().next().value);
  update(change.task_id, change);
  lookAfter(change);
}

/** Ask for what a change does not tell. */
function lookAfter({ task_id, status, image_ids }) {
  const entry = entries.value.find((one) => one.task_id === task_id);
  const waiting = entries.value.filter((one) => !ENDED.includes(one.status));
  if (image_ids.some((id) => !byId.value.has(id))) lookAtRecent();
  if (entry && status === "failed") lookAtFailures();
  if (entry && ENDED.includes(status)) announce(entry);
  if (status === "cancelled" && !image_ids.length) dismiss(task_id);
  if (status === "completed") remember(task_id, false);
  const isNew = !entry && !ENDED.includes(status) && waiting.length < MAX_CARDS;
  if (isNew || (ENDED.includes(status) && waiting.some((one) => one.status === "pending"))) lookAtTasks(); // places moved up
}

function remember(task_id, isOurs) {
  if (followed.has(task_id) === isOurs) return;
  if (isOurs) followed.add(task_id);
  else followed.delete(task_id);
  keep("followed", [...followed].slice(-MAX_FOLLOWED));
}

function announce({ status, image_ids, error }) {
  if (status === "failed") news.value = t("create.news_failed", { reason: error?.message ?? "" });
  else news.value = image_ids.length ? t("create.news_images", { n: image_ids.length }) : t("state.cancelled");
}

function update(task_id, change) {
  if (entries.value.some((entry) => entry.task_id === task_id)) {
    show(entries.value.map((entry) => (entry.task_id === task_id ? changed(entry, change) : entry)));
  }
}

function changed(entry, change) {
  const started = entry.started ?? (change.status === "processing" ? Date.now() : null);
  return { ...entry, ...change, started };
}

/**
 * Show entries, newest first: those that failed, so many that have not ended, and so many of this page's own whose
 * images are in their places. Images of others stand among the newest.
 */
function show(list) {
  const unfinished = list.filter(({ status }) => !ENDED.includes(status));
  const rank = ({ own, status }) => (own ? 0 : status === "processing" ? 1 : 2);
  const kept = new Set([...unfinished].sort((a, b) => rank(a) - rank(b)).slice(0, MAX_CARDS));
  const failures = list.filter(({ status, task_id }) => status === "failed" && !dismissed.value.has(task_id));
  for (const entry of failures.slice(0, MAX_FAILURES)) kept.add(entry);
  for (const entry of list.filter(({ own, image_ids, status }) => own && ENDED.includes(status) && image_ids.length).slice(0, MAX_CARDS)) kept.add(entry);
  entries.value = list.filter((entry) => kept.has(entry)).sort((a, b) => (a.task_id < b.task_id ? 1 : -1)); // ids are in the order of time
}

async function refreshTasks() {
  const processing = await get(TASKS, { status: "processing", page_size: MAX_CARDS });
  const room = MAX_CARDS - processing.items.length;
  const pending = room > 0 ? await get(TASKS, { status: "pending", page_size: room }) : { items: [], has_more: true };
  const unfinished = [...processing.items, ...pending.items];
  merge(unfinished);
  const here = new Set(unfinished.map(({ task_id }) => task_id));
  const missed = entries.value.filter(({ task_id, status }) => !ENDED.includes(status) && !here.has(task_id));
  for (const { task_id } of missed.slice(0, MAX_MISSED)) merge([await get(`${TASKS}/${task_id}`)]); // ended while nobody listened, or far back
}

async function refreshFailures() {
  const failed = await get(TASKS, { status: "failed", page_size: MAX_FAILURES });
  const shown = new Set([...followed, ...entries.value.map(({ task_id }) => task_id)]);
  merge(failed.items.filter(({ task_id }) => shown.has(task_id)));
}

async function refreshRecent() {
  const { items } = await get(IMAGES, { page_size: MAX_RECENT });
  batch(() => {
    recent.value = items;
    trouble.value = null;
  });
}

/** Take over what the service says of tasks; what a stream told meanwhile is newer, except for what it does not tell. */
function merge(tasks) {
  const known = new Map(entries.value.map((entry) => [entry.task_id, entry]));
  for (const task of tasks) {
    const old = known.get(task.task_id);
    const ended = old && ENDED.includes(old.status) && !ENDED.includes(task.status);
    known.set(task.task_id, { ...(old ?? {}), ...entryOf(task), ...(ended && { status: old.status, image_ids: old.image_ids, error: old.error }) });
    if (task.status === "cancelled" && !task.images.length) known.delete(task.task_id);
  }
  show([...known.values()]);
}

function entryOf({ images, started_at, cancel_requested, ...task }) {
  return { ...task, own: followed.has(task.task_id), started: started_at && Date.parse(started_at), image_ids: images.map(({ id }) => id), cancelling: cancel_requested };
}

async function attempt(look) {
  try {
    await look();
  } catch (error) {
    if (!isAbort(error) && error.status === undefined) throw error;
    if (look === refreshRecent && recent.value === null) trouble.value = error;
  }
}
