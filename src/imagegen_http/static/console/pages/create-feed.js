// The tasks that have not ended, those that just did, and the newest images: what stands beside the form.

import { get, post } from "../lib/api.js";
import { dismiss as takeNote, dismissed } from "../lib/dismissed.js";
import { onResume, onTask } from "../lib/events.js";
import { t } from "../lib/i18n.js";
import { keep, recall } from "../lib/kept.js";
import { LiveTasks } from "../lib/live-tasks.js";
import { reading } from "../lib/reading.js";
import { ENDED } from "../lib/tasks.js";
import { toast } from "../parts/toast.js";
import { computed, signal } from "../vendor/index.js";

const TASKS = "/api/v1/tasks";
const PAUSE = 6000; // milliseconds between two looks at the newest images
const MAX_CARDS = 20;
const MAX_RECENT = 24;
const MAX_FAILURES = 50;
const MAX_FOLLOWED = 100;
const MAX_NEWEST = 100; // tasks that are looked through for those that ended unheard

const tasks = new LiveTasks({ read: readTasks, misses, keeps: ({ status }, missed) => !missed || ENDED.includes(status), choose });
const images = reading(PAUSE, async () => {
  recent.value = (await get("/api/v1/images", { page_size: MAX_RECENT })).items;
});

/** Tasks, newest first; `own` are those that were asked for here. */
export const entries = computed(() => (tasks.items.value ?? []).filter(({ status, task_id }) => status !== "failed" || !dismissed.value.has(task_id)));

/** The newest images, null until they are known; and why they, or the tasks, are not. */
export const recent = signal(null);
export const trouble = computed(() => (recent.value ? null : images.error.value) ?? (tasks.items.value ? null : tasks.error.value));

/** The last thing that happened, for who cannot see it. */
export const news = signal("");

/** Images by id, and those among the newest that stand in no entry. */
const byId = computed(() => new Map((recent.value ?? []).map((image) => [image.id, image])));
export const others = computed(() => {
  const shown = new Set(entries.value.flatMap(({ image_ids }) => image_ids));
  return (recent.value ?? []).filter(({ id }) => !shown.has(id));
});

const followed = new Set(recall("followed") ?? []); // ids of tasks that were asked for here, over a reload too

/** Keep the lists current until the returned function is called. */
export function follow() {
  const completed = entries.value.filter(({ status }) => status === "completed"); // they are among the newest by now
  for (const { task_id } of completed) tasks.change(task_id, { own: false });
  const stops = [onTask(note), onResume(images.look), tasks.follow()];
  images.look();
  return () => stops.forEach((stop) => stop());
}

/** Show a task that was just accepted; return whether it is a new one. */
export function add(task) {
  if (find(task.task_id)) return false;
  remember(task.task_id, true);
  tasks.put([{ ...task, own: true }]);
  news.value = t("create.submitted");
  const entry = find(task.task_id);
  if (entry && ENDED.includes(entry.status)) note(entry); // which was told before its acceptance
  return true;
}

/** Show the task that repeats one that failed in the place of that. */
export function replace({ task_id, operation, provider, model_id, prompt, params, num, shape, wish }, task) {
  add({ operation, provider, model_id, prompt, params, num, shape, wish, ...task });
  dismiss(task_id);
}

/** Return the records of an entry's images, as far as they are known. */
export function imagesOf({ image_ids, prompt, shape }) {
  return image_ids.map((id) => byId.value.get(id) ?? { id, prompt, width: Math.round(512 * (shape ?? 1)), height: 512 });
}

/** Take note of a failure: it is shown no more, here nor where failed tasks are. */
export function dismiss(task_id) {
  remember(task_id, false);
  takeNote([task_id]);
}

export async function cancel(task_id) {
  tasks.change(task_id, { cancel_requested: true });
  try {
    await post(`${TASKS}/${task_id}/cancel`); // the stream tells what becomes of it
  } catch (error) {
    tasks.change(task_id, { cancel_requested: false });
    toast(error.text, { kind: "wrong" });
  }
}

export function reload() {
  tasks.again();
  images.again();
}

/** Ask for the images that a change tells of, and say what became of a task that is shown. */
function note({ task_id, status, image_ids, error }) {
  if (image_ids.some((id) => !byId.value.has(id))) images.look();
  if (!ENDED.includes(status) || !find(task_id)) return;
  if (status !== "failed") remember(task_id, false);
  if (status === "failed") news.value = t("create.news_failed", { reason: error?.message ?? "" });
  else news.value = image_ids.length ? t("create.news_images", { n: image_ids.length }) : t("state.cancelled");
}

function find(task_id) {
  return entries.value.find((entry) => entry.task_id === task_id);
}

function remember(task_id, isOurs) {
  if (followed.has(task_id) === isOurs) return;
  if (isOurs) followed.add(task_id);
  else followed.delete(task_id);
  keep("followed", [...followed].slice(-MAX_FOLLOWED));
}

/** A new task that there is room for, or the end of one, for then the others have moved up. */
function misses({ status }, known) {
  const waiting = entries.value.filter((one) => !ENDED.includes(one.status));
  return ENDED.includes(status) ? waiting.some((one) => one.status === "pending") : !known && waiting.length < MAX_CARDS;
}

/**
 * Newest first: those that failed, so many that have not ended, and so many of this page's own whose images are in
 * their places. Images of others stand among the newest.
 */
function choose(list) {
  const rank = ({ own, status }) => (own ? 0 : status === "processing" ? 1 : 2);
  const first = (most, fits) => list.filter(fits).slice(0, most);
  list.sort((a, b) => (a.task_id < b.task_id ? 1 : -1)); // ids are in the order of time
  const unfinished = list.filter(({ status }) => !ENDED.includes(status)).sort((a, b) => rank(a) - rank(b));
  const chosen = new Set([
    ...unfinished.slice(0, MAX_CARDS),
    ...first(MAX_FAILURES, ({ status, task_id }) => status === "failed" && !dismissed.value.has(task_id)),
    ...first(MAX_CARDS, ({ own, status, image_ids }) => own && ENDED.includes(status) && image_ids.length),
  ]);
  return list.filter((task) => chosen.has(task));
}

/** What has not ended; where changes may have been missed also what failed, and what became of those that are shown. */
async function readTasks({ missed }) {
  const processing = await get(TASKS, { status: "processing", page_size: MAX_CARDS });
  const room = MAX_CARDS - processing.items.length;
  const pending = room > 0 ? (await get(TASKS, { status: "pending", page_size: room })).items : [];
  const unfinished = [...processing.items, ...pending];
  return (missed ? [...(await readEnded(unfinished)), ...unfinished] : unfinished).map((task) => ({ ...task, own: followed.has(task.task_id) }));
}

async function readEnded(unfinished) {
  const known = new Set(unfinished.map(({ task_id }) => task_id));
  const failed = followed.size ? (await get(TASKS, { status: "failed", page_size: MAX_FAILURES })).items : [];
  const shown = new Set([...followed, ...entries.value.map(({ task_id }) => task_id)]);
  const failures = failed.filter(({ task_id }) => shown.has(task_id));
  for (const { task_id } of failures) known.add(task_id);
  const isUnheard = ({ status, task_id }) => !ENDED.includes(status) && !known.has(task_id);
  if (!entries.value.some(isUnheard)) return failures;
  const { items } = await get(TASKS, { page_size: MAX_NEWEST }); // those that are not among these either are left to the page of tasks
  return [...items.filter(({ task_id }) => shown.has(task_id)), ...failures];
}
