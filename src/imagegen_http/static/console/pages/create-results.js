// What has become of it: tasks that run, the images in their places, what failed, and the newest images.

import { replaceDraft } from "../lib/drafts.js";
import { fetchSentences, t } from "../lib/i18n.js";
import { counts, ENDED } from "../lib/tasks.js";
import { Lazy } from "../parts/lazy.js";
import { Problem } from "../parts/problem.js";
import { cancel, dismiss, entries, imagesOf, news, others, recent, reload, replace, trouble } from "./create-feed.js";
import { isFirstVisit, RealProviders } from "./create-welcome.js";
import { html, useRef } from "../vendor/index.js";

const loadCard = async () => (await import("../parts/card.js")).Card; // a first visit has none
const loadTaskCard = async () => (await Promise.all([import("./create-task-card.js"), import("../lib/retried.js"), fetchSentences("tasks")]))[0].TaskCard;

export function Results({ heading }) {
  const list = useRef(null);
  const empty = recent.value?.length === 0 && !entries.value.length;
  const keepFocus = (event) => {
    const before = event.target.closest(".task, .card");
    const at = [...list.current.querySelectorAll(".task, .card")].indexOf(before);
    if (at < 0) return;
    setTimeout(() => {
      if (document.activeElement !== document.body || before.isConnected) return; // it is where it was
      const cards = [...(list.current?.querySelectorAll(".task, .card") ?? [])];
      ((cards[at] ?? cards.at(-1))?.querySelector("button, a") ?? heading.current)?.focus({ preventScroll: true });
    }, 100);
  };
  const retried = (entry, task, target) => {
    keepFocus({ target });
    replace(entry, task);
  };
  const edit = async (entry) => {
    const { draftOf, madeBy } = await import("../lib/reuse.js");
    replaceDraft(entry.wish ? { ...entry.wish, ...madeBy(entry) } : await draftOf(entry));
    dismiss(entry.task_id);
    document.querySelector(".create textarea")?.focus();
  };
  return html`<section class="results">
    <header>
      <h2 ref=${heading} tabindex="-1">${t(isFirstVisit.value ? "create.connect" : "create.recent")}</h2>
      ${!empty && html`<${More} />`}
      ${recent.value?.length > 0 && html`<a href="/gallery">${t("create.to_gallery")}</a>`}
    </header>
    <p class="unseen" role="status">${news.value}</p>
    ${trouble.value && html`<${Problem} error=${trouble.value} again=${reload} />`}
    ${empty && (isFirstVisit.value ? html`<${RealProviders} />` : html`<p class="muted">${t("create.nothing_yet")}</p>`)}
    <div class="rows" ref=${list} onClickCapture=${keepFocus} aria-busy=${recent.value === null && !trouble.value}>
      ${entries.value.flatMap((entry) =>
        entry.image_ids.length && ENDED.includes(entry.status) && entry.status !== "failed"
          ? imagesOf(entry).map(card)
          : [html`<${Lazy} load=${loadTaskCard} key=${entry.task_id} entry=${entry} onCancel=${cancel} onDismiss=${dismiss} onEdit=${edit} onRetried=${retried} />`],
      )}
      ${others.value.map(card)}
    </div>
  </section>`;
}

/** That there are more tasks than are shown. */
function More() {
  const shown = entries.value.filter(({ status }) => !ENDED.includes(status)).length;
  const more = (counts.value?.pending ?? 0) + (counts.value?.processing ?? 0) - shown;
  return more > 0 && shown >= 20 ? html`<a href="/tasks">${t("create.more_tasks", { n: more })}</a>` : null;
}

/** An image in its own proportions: those of a row grow by the same factor, so that they stay as high as each other. */
function card(image) {
  const ratio = image.width > 0 && image.height > 0 ? Math.min(4, Math.max(0.3, image.width / image.height)) : 1;
  return html`<${Lazy} load=${loadCard} key=${image.id} image=${image} style=${{ "--ratio": ratio.toFixed(4) }} />`;
}
