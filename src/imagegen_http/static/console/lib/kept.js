// What the browser keeps for this page, by name. A browser that keeps nothing is no reason to fail.

const PREFIX = "imagegen.";

/** Return what was kept under the name, or `otherwise`; this tab's own comes before that of all tabs. */
export function recall(name, otherwise = null) {
  try {
    const text = sessionStorage.getItem(PREFIX + name) ?? localStorage.getItem(PREFIX + name);
    return text === null ? otherwise : JSON.parse(text);
  } catch {
    return otherwise;
  }
}

/** Keep a value for this tab, and for the tabs that are opened later. */
export function keep(name, value) {
  const text = JSON.stringify(value);
  for (const storage of ["sessionStorage", "localStorage"]) {
    try {
      window[storage].setItem(PREFIX + name, text);
    } catch {
      // full, or forbidden
    }
  }
}

/** Keep a plain text for all tabs, as before-paint.js reads it. */
export function keepText(name, text) {
  try {
    localStorage.setItem(PREFIX + name, text);
  } catch {
    // full, or forbidden
  }
}
