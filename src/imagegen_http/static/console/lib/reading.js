// Reads of the service that are repeated: not more often than every few seconds, and after a failure that may pass.

import { isAbort } from "./api.js";
import { connection } from "./events.js";
import { signal } from "../vendor/index.js";

/** Return `{ look, error }`: a function that reads now or as soon as the pause is over, and why the last read failed. */
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
  return { look, error };
}

/** Return a function that calls `act` at once, and then once after each pause in which it was called. */
export function atMostEvery(pause, act) {
  let waiting = false;
  let again = false;
  const run = async () => {
    again = false;
    waiting = true;
    try {
      await act();
    } finally {
      setTimeout(() => {
        waiting = false;
        if (again) run();
      }, pause);
    }
  };
  return () => {
    if (waiting) again = true;
    else run();
  };
}

function mayPass({ status }) {
  return status === 0 || status === 429 || status >= 500;
}
