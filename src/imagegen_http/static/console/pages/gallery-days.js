// The days on which there are images of a list, at the right edge of a wide screen: a press goes there.

import { get } from "../lib/api.js";
import { day as inWords, month } from "../lib/format.js";
import { t } from "../lib/i18n.js";
import { galleryAddress, listParameters, OLDEST, timeZone } from "../lib/list-query.js";
import { go, place } from "../lib/router.js";
import { html, useEffect, useState } from "../vendor/index.js";

const MAX_STOPS = 20;
const MAX_FETCHED = 3000; // images that are fetched to get to a day; beyond them the list begins there

/** `days` are those of `useDays`; `onDay` is called with a day once the list has it. */
export function DayRail({ list, days, onDay }) {
  const [going, setGoing] = useState(null);
  const stops = stopsOf(days);
  if (stops.length < 2) return null;
  const press = async ({ day, before }) => {
    if (going !== null) return;
    if (before - list.state.peek().items.length > MAX_FETCHED) {
      go(galleryAddress(place.peek().query, { [list.parameters.order === OLDEST ? "from" : "to"]: day }));
      return;
    }
    setGoing(day);
    while (list.state.peek().items.length <= before && list.state.peek().more && !list.problem.peek()) await list.more();
    setGoing(null);
    onDay(day);
  };
  return html`<nav class="rail" aria-label=${t("gallery.rail")}>
    ${stops.map((stop) => html`<button type="button" class="bare" key=${stop.day} aria-disabled=${going !== null} aria-busy=${going === stop.day} title=${inWords(stop.day)}
      onClick=${() => press(stop)}>${stop.text}</button>`)}
  </nav>`;
}

/** The days of the list with their numbers, in its order; none for a search, which is in no order of days. */
export function useDays(list, query) {
  const [{ of, days }, setDays] = useState({ of: list, days: [] });
  useEffect(() => {
    if (list.grouped !== "day") return undefined;
    const stop = new AbortController();
    get("/api/v1/images/days", { ...listParameters(query), tz: timeZone() }, { signal: stop.signal })
      .then((all) => setDays({ of: list, days: all }), () => null); // a list without a rail
    return () => stop.abort();
  }, [list, list.state.value.epoch]);
  return of === list ? days : [];
}

/** Return where the rail stops: at the first day of each month in the order of the list, or at days where there are few months. */
export function stopsOf(days) {
  let before = 0; // images that the list has before the day
  const all = days.map(({ day, count }) => {
    before += count;
    return { day, before: before - count };
  });
  const months = all.filter(({ day }, at) => at === 0 || day.slice(0, 7) !== all[at - 1].day.slice(0, 7));
  const stops = months.length > 2 ? months.map((one) => ({ ...one, text: month(one.day) })) : all.map((one) => ({ ...one, text: shortDay(one.day) }));
  const step = Math.ceil(stops.length / MAX_STOPS);
  return stops.filter((_, at) => at % step === 0);
}

function shortDay(day) {
  const [, month_, date] = day.split("-").map(Number);
  return `${month_}/${date}`;
}
