// The time, to the second, while somebody looks at it.

import { signal } from "../vendor/index.js";

let ticking;

export const now = signal(Date.now(), {
  watched() {
    this.value = Date.now();
    ticking = setInterval(() => (now.value = Date.now()), 1000);
  },
  unwatched() {
    clearInterval(ticking);
  },
});
