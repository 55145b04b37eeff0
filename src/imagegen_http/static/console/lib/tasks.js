// How many tasks there are of each status: asked for when something changed, not more often than every few seconds.

import { get } from "./api.js";
import { onResume, onTask } from "./events.js";
import { reading } from "./reading.js";
import { signal } from "../vendor/index.js";

const PAUSE = 3000; // milliseconds

export const ENDED = ["completed", "failed", "cancelled"];

/** `{ pending, processing, completed, failed, cancelled }`, null until they are known. */
export const counts = signal(null);

/** Keep the counts current. */
export function start() {
  const { look } = reading(PAUSE, refresh);
  onTask(look);
  onResume(look);
  look();
}

export async function refresh() {
  counts.value = await get("/api/v1/tasks/counts");
}
