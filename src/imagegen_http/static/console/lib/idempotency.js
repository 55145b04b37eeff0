// A request that costs money goes with the same key until its answer has come: over a reload, and from any tab.

import { ApiError, newKey } from "./api.js";
import { t } from "./i18n.js";
import { Shared } from "./shared.js";

const DAY = 86_400_000; // milliseconds; the service knows a key no longer
const MAX_KEYS = 500;
const KEY_REUSED = 42201;

const keys = new Shared("keys", {}); // by what the request is: `{ key, since }`
let hasAgreed = false;

/**
 * Call `send` with the header of the request that `name` says; return its answer. Called again after an answer that was
 * lost, cut off or a proxy's, or after a login, it is the same request, which is paid once; after its answer, a new one.
 * Where the browser cannot keep the key, nothing is sent before somebody has agreed.
 */
export async function once(name, send) {
  let mine;
  const isKept = keys.update((all) => {
    const { [name]: known, ...others } = all;
    mine = known && Date.now() - known.since < DAY ? known : { key: newKey(), since: Date.now() };
    return Object.fromEntries([...Object.entries(others).slice(1 - MAX_KEYS), [name, mine]]);
  });
  if (!isKept && !(await agrees())) throw new ApiError(t("problem.not_sent"), { status: 400 });
  try {
    const answer = await send({ "Idempotency-Key": mine.key });
    forget(name, mine);
    return answer;
  } catch (error) {
    if (error.code === KEY_REUSED) forget(name, mine); // it was accepted before, with another body
    throw error;
  }
}

/** Return a short text that equal texts have in common; two that differ may have it, too, but once in 10^15. */
export function fingerprint(text) {
  let [high, low] = [0xdeadbeef, 0x41c6ce57];
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    high = Math.imul(high ^ unit, 2654435761);
    low = Math.imul(low ^ unit, 1597334677);
  }
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909);
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909);
  return `${(high >>> 0).toString(36)}${(low >>> 0).toString(36)}`;
}

function forget(name, { key }) {
  keys.update((all) => {
    const { [name]: known, ...others } = all;
    return known?.key === key ? others : all;
  });
}

async function agrees() {
  const { confirm } = await import("../parts/dialog.js");
  hasAgreed ||= await confirm({ title: t("problem.unkept"), text: t("problem.unkept_why"), act: t("problem.send_unkept") });
  return hasAgreed;
}
