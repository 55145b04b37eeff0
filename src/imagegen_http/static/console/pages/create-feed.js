// What was asked for and what has become of it, newest first: what stands beside the form. A group is a press of the button.

import { get, newKey, post, serviceTime } from "../lib/api.js";
import { t } from "../lib/i18n.js";
import { gone } from "../lib/images.js";
import { dismiss as takeNote, dismissed, keep, recall } from "../lib/kept.js";
import { ENDED, LiveTasks, onTask } from "../lib/live.js";
import { toast } from "../parts/basics.js";
import { computed, signal } from "../vendor/index.js";

const TASKS = "/api/v1/tasks";
const MAX_UNFINISHED = 20;
const MAX_OWN = 20;
const MAX_NEWEST = 12; // that are completed, whoever asked for them; older images are in the gallery
const MAX_FAILURES = 50;
const MAX_FOLLOWED = 100;
const MAX_UNHEARD = 100; // tasks that are looked through for those that ended unheard

const tasks = new LiveTasks({ read: readTasks, misses, keeps: ({ status }, missed) => !missed || ENDED.includes(status), choose });

/** What was just pressed, until the service has answered. */
const pressed = signal([]);

/**
 * The groups, newest first: each a task, with `key`, which it keeps when it is tried again, and `own` where it was asked for
 * here. The `status` of one that is on its way to the service is `sending`.
 */
export const groups = computed(() => [...pressed.value, ...(tasks.items.value ?? []).filter(isShown)]);

/** What was asked for here as one batch: as `begin` got it, with `batch_id`, and `over` once all its tasks have ended. */
const batches = signal([]);

/** The batches of tasks that were tried again one by one, by their ids: to the service these are tasks by themselves. */
const homes = new Map(Object.entries(recall("homes") ?? {}));

function batchOf({ task_id, batch_id }) {
  return batch_id ?? homes.get(task_id);
}

/** The groups as they are shown: the tasks of a batch, newest first, are the `tasks` of one row. */
export const rows = computed(() => {
  const found = new Map(batches.value.map((batch) => [batch.batch_id, { ...batch, tasks: [] }]));
  const list = [...found.values()];
  for (const entry of groups.value) {
    const batch_id = batchOf(entry);
    const row = found.get(batch_id) ?? (batch_id ? { key: batch_id, batch_id, over: true, tasks: [] } : entry);
    if (row === entry || !found.has(batch_id)) list.push(row);
    if (row !== entry) found.set(batch_id, row).get(batch_id).tasks.push(entry);
  }
  const at = ({ batch_id, place, task_id }) => batch_id ?? place ?? task_id ?? "~"; // what is on its way has none yet
  return list.filter(({ tasks, over }) => !tasks || tasks.length || !over).sort((a, b) => (at(a) < at(b) ? 1 : at(a) > at(b) ? -1 : 0));
});

/** Whether it is known what there is; and why it is not. */
export const known = computed(() => tasks.items.value !== null);
export const trouble = computed(() => (known.value ? null : tasks.error.value));

/** The last thing that happened, for who cannot see it. */
export const news = signal("");

const followed = new Set(recall("followed") ?? []); // ids of tasks that were asked for here, over a reload too

/** Keep the groups current until the returned function is called. */
export function follow() {
  const stops = [onTask(note), tasks.follow()];
  return () => stops.forEach((stop) => stop());
}

/**
 * Show what is being asked for, before the service has answered. Return `{ accept, drop }`: `accept(task)` takes its answer,
 * and returns whether that is a new task; `drop` ends it where there is none.
 */
export function begin(asked) {
  const created_at = new Date(serviceTime()).toISOString();
  const entry = { image_ids: [], params: {}, ...asked, key: newKey(), status: "sending", own: true, created_at };
  pressed.value = [entry, ...pressed.value];
  news.value = t("create.submitted");
  const drop = () => {
    pressed.value = pressed.value.filter((one) => one !== entry);
  };
  return {
    drop,
    accept(task) {
      drop();
      if (task.batch_id && !task.task_id) return addBatch({ ...entry, batch_id: task.batch_id, estimates: task.estimates });
      return add({ ...entry, ...task });
    },
  };
}

/** Show the task that repeats one that failed in the place of that. */
export function replace(entry, task) {
  const { operation, provider, model_id, prompt, params, num, shape, wish } = entry;
  const place = { key: keyOf(entry), place: entry.place ?? entry.task_id };
  settle([{ ...task, retry_of: entry.task_id }], [entry]);
  add({ operation, provider, model_id, prompt, params, num, shape, wish, ...place, ...task });
  dismiss(entry.task_id);
  news.value = t("create.submitted");
}

/** Note the batches of tasks that repeat one which came to nothing; anything else that is asked for again is a press of its own. */
function settle(list, known) {
  const before = homes.size;
  for (const { task_id, batch_id, retry_of } of list) {
    const earlier = retry_of && !batch_id && known.find((one) => one.task_id === retry_of);
    if (earlier && batchOf(earlier) && ["failed", "cancelled"].includes(earlier.status)) homes.set(task_id, batchOf(earlier));
  }
  if (homes.size > before) keep("homes", Object.fromEntries([...homes].slice(-MAX_FOLLOWED)));
}

export function keyOf({ key, task_id }) {
  return key ?? task_id;
}

/** Return the records of an entry's images, as far as they are known; null for one that left the page. */
export function imagesOf({ image_ids, images = [], prompt, provider, model_id, params }) {
  const record = (id) => images.find((image) => image.id === id) ?? { id, prompt, provider, model_id, params };
  return image_ids.map((id) => (gone.value.has(id) ? null : record(id)));
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
}

/** Show a task that was just accepted; return whether it is a new one. */
function add(task) {
  if (find(task.task_id)) return false;
  remember(task.task_id, true);
  tasks.put([{ ...task, own: true }]);
  const entry = find(task.task_id);
  if (entry && ENDED.includes(entry.status)) note(entry); // which was told before its acceptance
  return true;
}

/** Show a batch that was just accepted; return whether it is a new one. */
function addBatch(batch) {
  if (followed.has(batch.batch_id)) return false;
  remember(batch.batch_id, true);
  batches.value = [batch, ...batches.value];
  tasks.again();
  return true;
}

/** Say what became of a task that is shown, and ask for all of it. */
function note({ task_id, status, image_ids, error }) {
  const entry = find(task_id);
  if (!ENDED.includes(status) || !entry) return;
  if (status !== "failed") remember(task_id, false);
  if (status === "failed") news.value = t("create.news_failed", { reason: error?.message ?? "" });
  else news.value = image_ids.length ? t("create.news_images", { n: image_ids.length }) : t("state.cancelled");
  if (entry.own) complete(task_id);
}

/** Have the cost and the images' records of a task that has ended. */
async function complete(task_id) {
  const task = await get(`${TASKS}/${task_id}`).catch(() => null); // the next look at all tasks has them, too
  if (task) tasks.put([task]);
}

function find(task_id) {
  return tasks.items.value?.find((entry) => entry.task_id === task_id && isShown(entry));
}

function remember(task_id, isOurs) {
  if (followed.has(task_id) === isOurs) return;
  if (isOurs) followed.add(task_id);
  else followed.delete(task_id);
  keep("followed", [...followed].slice(-MAX_FOLLOWED));
}

/** What has images that are still there, has not ended, or failed and nobody has taken note of it. */
function isShown({ status, task_id, image_ids }) {
  if (status === "failed") return !dismissed.value.has(task_id);
  return !ENDED.includes(status) || image_ids.some((id) => !gone.value.has(id));
}

/** A new task that there is room for, images of another, or the end of one, for then the others have moved up. */
function misses({ status, image_ids }, before) {
  if (batches.value.some(({ over }) => !over) && (!before || ENDED.includes(status))) return true; // it may be one of these
  const waiting = groups.value.filter((one) => !ENDED.includes(one.status));
  if (!ENDED.includes(status)) return !before && waiting.length < MAX_UNFINISHED;
  return (image_ids.length > 0 && !before?.own) || waiting.some((one) => one.status === "pending");
}

/**
 * Newest first: those that failed, so many that have not ended, so many of this page's own whose images are there, and the
 * newest of anybody's.
 */
function choose(list) {
  const rank = ({ own, status }) => (own ? 0 : status === "processing" ? 1 : 2);
  const first = (most, fits) => list.filter(fits).slice(0, most);
  const at = ({ place, task_id }) => place ?? task_id; // ids are in the order of time
  list.sort((a, b) => (at(a) < at(b) ? 1 : -1));
  const unfinished = list.filter(({ status }) => !ENDED.includes(status)).sort((a, b) => rank(a) - rank(b));
  const hasImages = ({ status, image_ids }) => ENDED.includes(status) && status !== "failed" && image_ids.length > 0;
  const chosen = new Set([
    ...unfinished.slice(0, MAX_UNFINISHED),
    ...first(MAX_FAILURES, ({ status, task_id }) => status === "failed" && !dismissed.value.has(task_id)),
    ...first(MAX_OWN, (task) => task.own && hasImages(task)),
    ...first(MAX_NEWEST, hasImages),
  ]);
  return list.filter((task) => chosen.has(task));
}

/** What has not ended, and the newest images; where changes may have been missed also what became of the others. */
async function readTasks({ missed }) {
  const list = async (status, page_size) => (await get(TASKS, { status, page_size })).items;
  const [processing, pending, completed] = await Promise.all([
    list("processing", MAX_UNFINISHED),
    list("pending", MAX_UNFINISHED),
    list("completed", MAX_NEWEST),
  ]);
  const ours = await Promise.all(batches.value.filter(({ over }) => !over).map(readBatch));
  const current = [...processing, ...pending, ...ours.flat(), ...completed];
  const all = missed ? [...(await readOthers(current)), ...current] : current;
  settle([...all].reverse(), [...all, ...(tasks.items.value ?? [])]); // the oldest first: it may have been repeated in turn
  return all.map((task) => ({ ...task, own: followed.has(task.task_id) || followed.has(batchOf(task)) || Boolean(find(task.task_id)?.own) }));
}

/** All tasks of a batch so far; it is not asked for again once they have ended. */
async function readBatch({ batch_id, cells }) {
  const { items, total } = await get(TASKS, { batch_id, page_size: MAX_UNHEARD });
  const isOver = total >= cells.length && items.every(({ status }) => ENDED.includes(status));
  if (isOver) batches.value = batches.value.map((batch) => (batch.batch_id === batch_id ? { ...batch, over: true } : batch));
  return items;
}

/** Failures of what was asked for here, and what ended unheard. */
async function readOthers(current) {
  const told = new Set(current.map(({ task_id }) => task_id));
  const failed = followed.size ? (await get(TASKS, { status: "failed", page_size: MAX_FAILURES })).items : [];
  const shown = new Set([...followed, ...(tasks.items.value ?? []).map(({ task_id }) => task_id)]);
  const failures = failed.filter(({ task_id, batch_id }) => shown.has(task_id) || followed.has(batch_id));
  for (const { task_id } of failures) told.add(task_id);
  const isUnheard = ({ status, task_id }) => !ENDED.includes(status) && !told.has(task_id);
  if (!tasks.items.value?.some(isUnheard)) return failures;
  const { items } = await get(TASKS, { page_size: MAX_UNHEARD }); // those that are not among these either are left to the page of tasks
  return [...items.filter(({ task_id }) => shown.has(task_id)), ...failures];
}
