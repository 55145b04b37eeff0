// Which task each one has become that was asked for again: the API tells it of the new one, as `retry_of`.

import { ApiError, post } from "./api.js";
import { t } from "./i18n.js";
import { once } from "./idempotency.js";
import { Shared } from "./shared.js";

const MAX_RETRIED = 1000;

const newest = new Shared("retried", {}); // ids of the new tasks, by those that they repeat

/** Return the id of the newest task that repeats this one; undefined where none is known. */
export function repeatOf({ task_id }) {
  return newest.value[task_id];
}

/** Take note of the tasks among these that repeat another one. */
export function noteRepeats(tasks) {
  const fresh = tasks.filter(({ task_id, retry_of }) => retry_of && !(newest.value[retry_of] >= task_id)); // ids are in the order of time
  if (!fresh.length) return;
  fresh.sort((a, b) => (a.task_id < b.task_id ? -1 : 1));
  newest.update((all) => {
    const pairs = [...Object.entries(all), ...fresh.map(({ task_id, retry_of }) => [retry_of, task_id])];
    return Object.fromEntries([...new Map(pairs)].slice(-MAX_RETRIED));
  });
}

/** Try again what came to nothing; return the new task. Pressed again, here or in another browser, it is the same one. */
export function retry(task) {
  return repeated(task, post(`/api/v1/tasks/${task.task_id}/retry`, undefined, { headers: { "Idempotency-Key": "console" } }));
}

/** Ask once more for what was made, with other parameters; pressed again after the answer, it is another task. */
export function rerun(task, params = {}) {
  const path = `/api/v1/tasks/${task.task_id}/rerun`;
  return repeated(task, once(`rerun ${task.task_id} ${Object.keys(params)}`, (headers) => post(path, { params }, { headers })));
}

/**
 * Return the task that a request answers, and take note that it repeats this one. Of an answer that was lost, say that to
 * press again is no second task.
 */
async function repeated({ task_id: retry_of }, request) {
  try {
    const task = await request;
    noteRepeats([{ ...task, retry_of }]);
    return task;
  } catch (error) {
    throw error.isLost ? new ApiError(t("tasks.lost", { reason: error.message }), error) : error;
  }
}
