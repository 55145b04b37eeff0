// The one way to the HTTP API: opens the envelope, and makes a sentence of every error.

export class ApiError extends Error {
  /** `status` is 0 when there was no answer, so that nobody knows whether anything was done. */
  constructor(message, status, code = 0) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** Return `data` of an answer. */
export async function call(method, path, { body, headers = {}, keepalive = false } = {}) {
  const answer = await send(method, path, {
    headers: { ...headers, "Accept-Language": "zh-CN", ...(body && { "Content-Type": "application/json" }) },
    body: body && JSON.stringify(body),
    keepalive,
  });
  const told = await answer.json().catch(() => null);
  if (answer.ok && told) return told.data;
  throw new ApiError(sentence(answer, told), answer.status, told?.code);
}

async function send(method, path, options) {
  let answer;
  try {
    answer = await fetch(path, { method, credentials: "same-origin", ...options });
  } catch {
    throw new ApiError("连接不上服务，请确认它正在运行", 0);
  }
  if (answer.status === 401) {
    dispatchEvent(new Event("login")); // whoever has something unsaved keeps it
    location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
    throw new ApiError("请先登录", 401);
  }
  return answer;
}

function sentence(answer, told) {
  if (!told) return `服务的答复无法读取（HTTP ${answer.status}）`;
  const fields = (told.data?.errors ?? []).map(({ field, message }) => `${field}：${message}`);
  return [told.message, ...fields, told.data?.hint].filter(Boolean).join("\n");
}
