// Starts the console: the reader's language, then the shell, which shows the page that the address names.

import { loadProviders } from "./lib/api.js";
import { fetchSentences } from "./lib/i18n.js";
import { startEvents, startTasks } from "./lib/live.js";
import { place, start as startRouter } from "./lib/router.js";
import { Shell } from "./parts/shell.js";
import { html, render } from "./vendor/index.js";

startRouter(); // first: a Back while the sentences are on their way must be heard
await fetchSentences(place.value.page).then(begin, window.cannotStart);

function begin() {
  const app = document.querySelector("#app");
  if (!app.querySelector("[aria-busy]")) return; // its style could not be had
  app.replaceChildren(); // what was there to be seen at once
  render(html`<${Shell} />`, app);
  startTasks();
  startEvents();
  loadProviders();
}
