// Reads of the service that are repeated: not more often than every few seconds, and after a failure that may pass.

import { isAbort } from "./api.js";
import { connection } from "./events.js";
import { signal } from "../vendor/index.js";

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
