// The one way to the HTTP API: opens the envelope, and makes a sentence of every error.

import { setClock } from "./clock.js";
import { language, locale, t } from "./i18n.js";

const READ_SECONDS = 30;
const WRITE_SECONDS = 120;
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

async function send(path, options) {
  let answer;
  try {
    answer = await fetch(path, { credentials: "same-origin", ...options });
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
