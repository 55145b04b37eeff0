// Tasks that are under way or went wrong. One list is asked for all of them: a browser keeps no more than six
// connections to a host, so that an event stream for each task would leave none for pictures.

import { call } from "./api.js";
import { attempt } from "./problems.js";

const OPEN = ["pending", "processing"];
const STATES = { pending: "排队中", processing: "生成中" };
const PAUSE = 1000; // milliseconds
const NEWER = 5; // tasks of others that one look may find before ours

const list = document.querySelector("#tasks");
const template = document.querySelector("#task");
const cards = new Map(); // by task id
const open = new Set();
let completed;
let timer;

/** Show what is under way; `done` is called with every task that ends with pictures. */
export async function start(done) {
  completed = done;
  await attempt("tasks", async () => {
    for (const status of ["processing", "pending"]) {
      const { items } = await call("GET", `/api/v1/tasks?status=${status}&page_size=100`);
      items.reverse().forEach(follow);
    }
  });
}

/** Show a task, and go on showing how it fares; the first look tells how it is by now. */
export function follow(task) {
  open.add(task.task_id);
  show(OPEN.includes(task.status) ? task : { ...task, status: "pending" });
  schedule();
}

function schedule() {
  if (!timer && open.size) timer = setTimeout(look, PAUSE);
}

async function look() {
  try {
    const { items } = await call("GET", `/api/v1/tasks?page_size=${Math.min(open.size + NEWER, 100)}`);
    const told = new Map(items.map((task) => [task.task_id, task]));
    for (const id of [...open]) update(told.get(id) ?? (await ask(id)));
  } catch {
    // it passes: the next look tells
  }
  timer = undefined;
  schedule();
}

async function ask(id) {
  try {
    return await call("GET", `/api/v1/tasks/${id}`);
  } catch (error) {
    if (error.status !== 404) throw error;
    return { task_id: id, status: "gone", images: [], warnings: [] };
  }
}

function update(task) {
  if (OPEN.includes(task.status)) {
    show(task);
    return;
  }
  open.delete(task.task_id);
  if (task.images.length) completed(task);
  if (task.status === "failed" || task.warnings.length) show(task);
  else remove(task.task_id);
}

function show(task) {
  const card = cards.get(task.task_id) ?? add(task);
  const failed = task.status === "failed";
  const ended = !OPEN.includes(task.status);
  const text = failed ? reason(task) : ended ? task.warnings.join("\n") : state(task);
  card.classList.toggle("failed", failed);
  const line = card.querySelector(".state");
  if (line.textContent !== text) line.textContent = text; // what is read aloud is read once
  const bar = card.querySelector("progress");
  bar.hidden = ended;
  if (task.progress) bar.value = task.progress;
  else bar.removeAttribute("value");
  if (card.dataset.ended !== String(ended)) {
    card.dataset.ended = ended; // only now: a button that is pressed or has the focus stays what it is
    card.querySelector(".acts").replaceChildren(...(ended ? endings(task) : [act("取消", () => cancel(task))]));
  }
}

function add(task) {
  const card = template.content.firstElementChild.cloneNode(true);
  card.querySelector(".prompt").textContent = task.prompt;
  cards.set(task.task_id, card);
  list.prepend(card);
  return card;
}

function remove(id) {
  cards.get(id)?.remove();
  cards.delete(id);
}

function state(task) {
  const place = task.queue_position ? `，第 ${task.queue_position} 位` : "";
  return task.cancel_requested ? "正在取消" : `${STATES[task.status] ?? STATES.pending}${place}`;
}

function reason({ error }) {
  const charged = error.possible_charge && !error.message.includes("计费"); // some messages say so themselves
  return charged ? `${error.message}（可能已计费）` : error.message;
}

function endings(task) {
  const close = act("关闭", () => remove(task.task_id));
  if (task.status !== "failed") return [close];
  const again = task.error.possible_charge ? "重试（可能再次计费）" : "重试";
  return [act(again, () => retry(task)), close];
}

function act(name, what) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = name;
  button.addEventListener("click", async () => {
    button.disabled = true;
    await attempt("act", what);
    button.disabled = false;
  });
  return button;
}

async function cancel(task) {
  await call("POST", `/api/v1/tasks/${task.task_id}/cancel`);
}

/** Retry a task, once: pressed again after an answer that was lost, it gives the same new task. */
async function retry(task) {
  const headers = { "Idempotency-Key": "console" };
  const again = await call("POST", `/api/v1/tasks/${task.task_id}/retry`, { headers });
  remove(task.task_id);
  follow({ ...again, prompt: task.prompt });
}
