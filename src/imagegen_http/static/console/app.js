// Starts the console: the reader's language, then the shell, which shows the page that the address names.

import { loadProviders } from "./lib/api.js";
import { takePlace } from "./lib/early.js";
import { fetchSentences } from "./lib/i18n.js";
import { startEvents, startTasks } from "./lib/live.js";
import { place, start as startRouter } from "./lib/router.js";
import { Shell } from "./parts/shell.js";
import { html, render } from "./vendor/index.js";

startRouter(); // first: a Back while the sentences are on their way must be heard
await fetchSentences(place.value.page).then(begin, window.cannotStart);

function begin() {
  if (document.querySelector(".told")) return; // its style could not be had
  const app = document.querySelector("#app");
  render(html`<${Shell} />`, app);
  takePlace(app);
  startTasks();
  startEvents();
  loadProviders();
}
