// What went wrong, where it is seen from any place of the page.

const line = document.querySelector("#problem");
const told = new Map(); // by what was tried, until that works

/** Do something of this kind and say what went wrong, if it did; another kind that works leaves that on the page. */
export async function attempt(kind, act) {
  try {
    await act();
    told.delete(kind);
  } catch (error) {
    told.delete(kind);
    told.set(kind, error.message);
  }
  const text = [...new Set(told.values())].join("\n");
  if (line.textContent !== text) line.textContent = text;
  line.hidden = !text;
}
