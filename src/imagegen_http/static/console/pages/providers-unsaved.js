// What was typed about providers and not saved yet: closing the drawer, or a login in the middle, loses none of it.

const NAME = "imagegen.providers";
const SECRETS = { api_key: "", extra_config: undefined }; // what may be secret is kept in memory alone

/** What looks like somebody's key in a document, which has no place for one. */
export const KEY = /\bsk-[\w-]{12,}|\b(?:Bearer|Basic|Key)\s+[\w.+/-]{16,}/;

const unsaved = new Map(stored());

/** Return the values that were typed for a provider, null where there are none. */
export function unsavedOf(name) {
  return unsaved.get(name) ?? null;
}

export function keepUnsaved(name, values) {
  unsaved.set(name, values);
  store();
}

export function dropUnsaved(name) {
  if (unsaved.delete(name)) store();
}

function stored() {
  try {
    return JSON.parse(sessionStorage.getItem(NAME)) ?? [];
  } catch {
    return []; // a browser that keeps nothing
  }
}

function store() {
  try {
    sessionStorage.setItem(NAME, JSON.stringify([...unsaved].map(([name, values]) => [name, { ...values, ...SECRETS, ...(KEY.test(values.document) && { document: undefined }) }])));
  } catch {
    // full, or forbidden
  }
}
