// The API: its time, one function for each method, and its providers.

import { language, locale, t } from "./i18n.js";
import { computed, signal } from "../vendor/index.js";

// The service's time, to the second, while somebody looks at it: a browser's own clock may be wrong.

const MAX_DIFFERENCE = 5000; // milliseconds between two clocks that are both right, an answer's way included

const ahead = signal(0); // milliseconds that the service is ahead of the browser
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
  ahead.value = Math.abs(difference) > MAX_DIFFERENCE ? difference : 0; // none where the answer has no time
}

/** Return the service's time, in milliseconds. */
export function serviceTime() {
  return Date.now() + ahead.value;
}

function tick() {
  now.value = serviceTime();
}

// The one way to the HTTP API: opens the envelope, and makes a sentence of every error.

const READ_SECONDS = 30;
const WRITE_SECONDS = 120;
const FIRST = 10_000; // milliseconds in which what the page has asked for at first is new
const SLOWEST = 20_000; // bytes a second of a line that still sends

export class ApiError extends Error {
  /**
   * `status` is 0 when there was no answer, so that nobody knows whether anything was done. `errors` are
   * `{ field, message }`, for the fields of a form; `message` alone is a sentence in the reader's language.
   */
  constructor(message, { status = 0, code = 0, errors = [], detail = "", hint = "", reason = "", field = "", max_bytes = 0 } = {}) {
    super(message);
    Object.assign(this, { status, code, errors, detail, hint, reason, field, max_bytes });
  }

  /** Whether nobody knows what became of the request: there was no answer, or none of the service's own. */
  get isLost() {
    return this.status === 0 || (this.status >= 500 && !this.code);
  }

  /** All that there is to say, a sentence a line. */
  get text() {
    const fields = this.errors.map(({ field, message }) => (field ? `${field}: ${message}` : message));
    return [this.message, this.detail, ...fields, this.hint].filter(Boolean).join("\n");
  }
}

export const get = (path, query, options) => call("GET", address(path, query), options);
export const post = (path, body, options) => call("POST", path, { body, ...options });
export const patch = (path, body, options) => call("PATCH", path, { body, ...options });
export const remove = (path, options) => call("DELETE", path, options);

/** Ask for something without taking it: fails as `post` would. */
export async function tryPost(path, body) {
  const stop = new AbortController();
  const answer = await send(path, { method: "POST", headers: headersOf(body), body: JSON.stringify(body), signal: stop.signal });
  if (!answer.ok) throw refusal(answer, await answer.json().catch(() => null));
  stop.abort();
}

/** Return the path with those parameters that have a value. */
export function address(path, query = {}) {
  const entries = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "");
  return entries.length ? `${path}?${new URLSearchParams(entries)}` : path;
}

/** Return a key that no other request has. */
export function newKey() {
  const random = crypto.getRandomValues(new Uint8Array(16)); // randomUUID needs HTTPS beyond loopback
  return Array.from(random, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Return whether the error is of a request that was given up by its own page. */
export function isAbort(error) {
  return error?.name === "AbortError";
}

async function call(method, path, { body, headers = {}, keepalive = false, signal } = {}) {
  const text = typeof body === "string" || body === undefined ? body : JSON.stringify(body);
  const seconds = method === "GET" ? READ_SECONDS : WRITE_SECONDS + (text?.length ?? 0) / SLOWEST;
  const answer = await send(path, {
    method,
    headers: { ...headers, ...headersOf(body) },
    body: text,
    keepalive,
    signal: signal ?? AbortSignal.timeout(seconds * 1000),
  });
  const told = await answer.json().catch(() => null);
  if (answer.ok && told) return told.data;
  throw refusal(answer, told);
}

function headersOf(body) {
  return { "Accept-Language": locale(), ...(body !== undefined && { "Content-Type": "application/json" }) };
}

/** The answer to what the page's first script has asked for already; once, not long after, and unless it was given up meanwhile. */
async function asked(path, signal) {
  const answer = performance.now() < FIRST ? window.asked?.[path] : null;
  delete window.asked?.[path];
  await answer;
  signal.throwIfAborted();
  return answer;
}

async function send(path, options) {
  let answer;
  try {
    answer = (options.method === "GET" && (await asked(path, options.signal))) || (await fetch(path, { credentials: "same-origin", ...options }));
  } catch (error) {
    if (isAbort(error)) throw error;
    throw new ApiError(t(error.name === "TimeoutError" ? "problem.slow" : "problem.unreachable"));
  }
  setClock(answer.headers.get("Date"));
  if (answer.status === 401) {
    location.assign(`/login?${new URLSearchParams({ next: location.pathname + location.search })}`);
    throw new ApiError(t("problem.login"), { status: 401 });
  }
  return answer;
}

function refusal({ status }, told) {
  if (!told) return new ApiError(t("problem.unreadable", { status }), { status });
  return new ApiError(told.message, { ...told.data, status, code: told.code });
}

/** Return the path in the reader's language, for what the browser asks for without our headers. */
export function inLanguage(path) {
  return address(path, { lang: language.value });
}

// What several pages know of the service: its providers, their models, the operations.

/** The operations, and where each is asked for. */
export const OPERATIONS = {
  generate: "/api/v1/tasks/generate",
  reference: "/api/v1/images/generate-with-references",
  edit: "/api/v1/images/edit",
  upscale: "/api/v1/images/upscale",
  recontext: "/api/v1/images/recontext",
  segment: "/api/v1/images/segment",
};

/** The answer of `GET /api/v1/providers`, as a rule without the models of presets; null until it is there. `problem` is why it is not. */
export const catalogue = signal(null);
export const problem = signal(null);

/** Whether nothing but the demo can be used. */
export const onlyDemo = computed(() => catalogue.value?.providers.every(({ kind }) => kind === "demo") ?? false);

/** Ask what can be used now. */
export async function loadProviders() {
  try {
    catalogue.value = await get("/api/v1/providers", { preset_models: false });
    problem.value = null;
  } catch (error) {
    problem.value = error;
  }
}

/** Return a provider and one of its models; its default model where none is named; null where there is none. */
export function modelOf(provider, model) {
  const found = catalogue.value?.providers.find(({ name }) => name === provider);
  if (!found) return null;
  return found.models.find(({ id }) => id === model) ?? (model ? null : (found.models.find((one) => one.default) ?? found.models[0] ?? null));
}

/** Whether what came to nothing may have been charged; what the demo makes is free. */
export function mayBeCharged({ provider, error }) {
  return Boolean(error?.possible_charge) && catalogue.value?.providers.find(({ name }) => name === provider)?.kind !== "demo";
}

/** Return how a provider is called on the page. */
export function providerName(name) {
  return catalogue.value?.providers.find((one) => one.name === name)?.display_name ?? name;
}
