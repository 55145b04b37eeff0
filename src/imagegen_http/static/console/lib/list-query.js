// The list of images that an address names: the same in the gallery and on the pages of its images.

/** What of an address limits the list. Its order belongs to its name, too; anything else is about how it is shown. */
export const FILTERS = ["q", "provider", "model", "from", "to", "tag", "favourite", "collection"];

/** The order that is not the usual one. */
export const OLDEST = "oldest";

const PARAMETERS = { q: "keyword", model: "model_id" };

/** Return that part of a query that names the list, always in the same order: as text it is the list's name. */
export function listQuery(query) {
  const named = [...FILTERS, "order"].map((name) => [name, query.get(name)]).filter(([name, value]) => value && (name !== "order" || value === OLDEST));
  return new URLSearchParams(named);
}

/** Return what the API calls all this; a search goes on with what is close. */
export function listParameters(query) {
  const asked = Object.fromEntries([...listQuery(query)].map(([name, value]) => [PARAMETERS[name] ?? name, value]));
  if (asked.favourite) asked.favourite = "true";
  if (asked.keyword) asked.mode = "relevant";
  if (asked.from || asked.to) asked.tz = timeZone();
  return asked;
}

/** Return the reader's time zone, by name or by its offset of now. */
export function timeZone() {
  const { timeZone: name } = Intl.DateTimeFormat().resolvedOptions();
  if (name) return name;
  const minutes = -new Date().getTimezoneOffset();
  const digits = (value) => String(Math.floor(Math.abs(value))).padStart(2, "0");
  return `${minutes < 0 ? "-" : "+"}${digits(minutes / 60)}:${digits(minutes % 60)}`;
}

/** Return the address of the gallery with these changes of its list; "" takes a filter back. */
export function galleryAddress(query, changes = {}) {
  const next = listQuery(query);
  for (const [name, value] of Object.entries(changes)) {
    if (value) next.set(name, value);
    else next.delete(name);
  }
  return next.size ? `/gallery?${next}` : "/gallery";
}
