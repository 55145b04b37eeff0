// The service's time, to the second, while somebody looks at it: a browser's own clock may be wrong.

import { signal } from "../vendor/index.js";

const MAX_DIFFERENCE = 5000; // milliseconds between two clocks that are both right, an answer's way included

let ahead = 0; // milliseconds that the service is ahead of the browser
let ticking;

export const now = signal(Date.now(), {
  watched() {
    tick();
    ticking = setInterval(tick, 1000);
  },
  unwatched() {
    clearInterval(ticking);
  },
});

/** Take the time of an answer, as its head tells it. */
export function setClock(date) {
  const difference = Date.parse(date) - Date.now();
  ahead = Math.abs(difference) > MAX_DIFFERENCE ? difference : 0; // none where the answer has no time
}

/** Return the service's time, in milliseconds. */
export function serviceTime() {
  return Date.now() + ahead;
}

function tick() {
  now.value = serviceTime();
}
