// How many tasks there are of each status: asked for when something changed, not more often than every few seconds.

import { get, isAbort } from "./api.js";
import { onResume, onTask } from "./events.js";
import { signal } from "../vendor/index.js";

const PAUSE = 3000; // milliseconds

export const ENDED = ["completed", "failed", "cancelled"];

/** `{ pending, processing, completed, failed, cancelled }`, null until they are known. */
export const counts = signal(null);

/** Keep the counts current. */
export function start() {
  const look = atMostEvery(PAUSE, refresh);
  onTask(look);
  onResume(look);
  look();
}

export async function refresh() {
  try {
    counts.value = await get("/api/v1/tasks/counts");
  } catch (error) {
    if (!isAbort(error) && error.status === undefined) throw error;
    // the next change asks again
  }
}

/** Return a function that calls `act` at once, and then once after each pause in which it was called. */
export function atMostEvery(pause, act) {
  let waiting = null;
  let again = false;
  const run = async () => {
    again = false;
    waiting = true;
    try {
      await act();
    } finally {
      setTimeout(() => {
        waiting = null;
        if (again) run();
      }, pause);
    }
  };
  return () => {
    if (waiting) again = true;
    else run();
  };
}
