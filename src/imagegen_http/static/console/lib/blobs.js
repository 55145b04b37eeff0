// Files that were dropped, pasted or picked, kept in the browser until they are sent; in memory where it keeps none.

const DATABASE = "imagegen";
const STORE = "blobs";
const DAY = 86_400_000; // milliseconds; another tab may need a file for as long

const memory = new Map();
let opening = null;

/** Keep a file under a key that begins with the moment, in milliseconds. */
export async function keepBlob(key, blob) {
  memory.set(key, blob);
  await change((store) => store.put(blob, key));
}

/** Return the file of a key, null where it is gone. */
export async function blob(key) {
  if (memory.has(key)) return memory.get(key);
  const kept = await change((store) => store.get(key), "readonly");
  if (kept) memory.set(key, kept);
  return kept ?? null;
}

/** Drop all files but those of these keys, and those that another tab may have taken within a day. */
export async function dropOthers(keys) {
  for (const key of memory.keys()) if (!keys.includes(key)) memory.delete(key);
  const kept = (await change((store) => store.getAllKeys(), "readonly")) ?? [];
  for (const key of kept) if (!keys.includes(key) && !isRecent(key)) await change((store) => store.delete(key));
}

function isRecent(key) {
  return Date.now() - Number(key.split("-")[0]) < DAY;
}

/** Return the bytes of a file as a data URL. */
export function dataUrl(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => resolve(reader.result));
    reader.addEventListener("error", () => reject(reader.error));
    reader.readAsDataURL(file);
  });
}

async function change(ask, mode = "readwrite") {
  try {
    opening ??= open();
    const database = await opening;
    return await answer(ask(database.transaction(STORE, mode).objectStore(STORE)));
  } catch {
    return null; // a private window, or a full disk: memory has it while the page lives
  }
}

function open() {
  const request = indexedDB.open(DATABASE, 1);
  request.addEventListener("upgradeneeded", () => request.result.createObjectStore(STORE));
  return answer(request);
}

function answer(request) {
  return new Promise((resolve, reject) => {
    request.addEventListener("success", () => resolve(request.result));
    request.addEventListener("error", () => reject(request.error));
  });
}
