// What the list of the gallery is limited to: a chip each, all of it in the address.

import { catalogue, get, providerName, serviceTime } from "../lib/api.js";
import { day, dayOf, number } from "../lib/format.js";
import { t } from "../lib/i18n.js";
import { FILTERS, galleryAddress, listParameters, OLDEST, timeZone } from "../lib/list-query.js";
import { collectionName, collections, complain, findTags, loadCollections, loadTags, tags } from "../lib/marks.js";
import { go, place } from "../lib/router.js";
import { Icon } from "../parts/basics.js";
import { Finder, hasWords, MANY } from "../parts/finder.js";
import { Choice, Menu } from "../parts/menu.js";
import { html, useEffect, useState } from "../vendor/index.js";

export function Filters({ onManage }) {
  const { query } = place.value;
  const value = (name) => query.get(name) ?? "";
  const choose = (changes) => go(galleryAddress(place.peek().query, changes));
  const providers = catalogue.value?.providers ?? [];
  const models = providers.filter(({ name }) => !value("provider") || name === value("provider")).flatMap((one) => one.models);
  useEffect(() => {
    if (value("collection") && !collections.value) loadCollections().catch(() => null); // the chip has its number then
  }, [value("collection")]);

  return html`<div class="filters" role="group" aria-label=${t("gallery.filters")}>
    ${value("q") && html`<${Chip} text=${`“${value("q")}”`} onRemove=${() => choose({ q: "" })} />`}
    <${Filter} name=${t("gallery.provider")} value=${value("provider")} shown=${providerName(value("provider"))} onRemove=${() => choose({ provider: "" })}>
      ${(close) => choices(providers.map((one) => [one.name, one.display_name ?? one.name]), value("provider"), (provider) => choose({ provider, model: "" }), close)}
    <//>
    <${Filter} name=${t("gallery.model")} value=${value("model")} shown=${modelName(models, value("model"))} onRemove=${() => choose({ model: "" })}>
      ${(close) => choices(unique(models), value("model"), (model) => choose({ model }), close)}
    <//>
    <${Filter} name=${t("gallery.days")} value=${value("from") + value("to")} shown=${span(value("from"), value("to"))} onRemove=${() => choose({ from: "", to: "" })}>
      ${(close) => html`<${Days} from=${value("from")} to=${value("to")} onChoose=${(from, to) => (choose({ from, to }), close())} />`}
    <//>
    <button type="button" class="chip" aria-pressed=${Boolean(value("favourite"))} onClick=${() => choose({ favourite: value("favourite") ? "" : "1" })}>
      <${Icon} name="star" filled=${Boolean(value("favourite"))} />${t("gallery.favourites")}</button>
    <${Filter} name=${t("gallery.tag")} value=${value("tag")} shown=${value("tag")} opened=${() => loadTags().catch(complain)} onRemove=${() => choose({ tag: "" })}>
      ${(close) => html`<${Tags} chosen=${value("tag")} choose=${(tag) => choose({ tag })} close=${close} />`}
    <//>
    <${Filter} name=${t("gallery.collection")} value=${value("collection")} shown=${collectionName(value("collection"))}
      opened=${() => loadCollections().catch(complain)} onRemove=${() => choose({ collection: "" })}>
      ${(close) => html`<button type="button" class="choice" onClick=${() => (close(), onManage())}><bdi>${t("gallery.manage")}</bdi><${Icon} name="edit" /></button>
        <${Collections} chosen=${value("collection")} choose=${(collection) => choose({ collection })} close=${close} />`}
    <//>
    ${FILTERS.some(value) && html`<button type="button" class="bare" onClick=${({ target }) => (focusBeside(target), choose(Object.fromEntries(FILTERS.map((name) => [name, ""]))))}>${t("gallery.clear")}</button>`}
  </div>`;
}

/** What comes first; `choose` is called with "" for the newest. */
export function OrderChoice({ order, choose }) {
  const text = (value) => t(value === OLDEST ? "gallery.oldest" : "gallery.newest");
  return html`<${Menu} name=${text(order)} label=${t("gallery.filter", { name: t("gallery.order"), value: text(order) })} icon="order" className="bare">${(close) =>
    ["", OLDEST].map((value) => html`<${Choice} key=${value} chosen=${text(value) === text(order)} onClick=${() => (close(), choose(value))}>${text(value)}<//>`)}<//>`;
}

/** A chip that opens its choices; with a value it tells it, and can be removed. */
function Filter({ name, value, shown, opened = null, onRemove, children }) {
  const text = value ? t("gallery.filter", { name, value: shown }) : name;
  return html`<span class="filter">
    <${Menu} name=${value ? shown : name} label=${text} active=${Boolean(value)} opened=${opened}>${children}<//>
    ${value && html`<${Remove} text=${text} onRemove=${onRemove} />`}
  </span>`;
}

function Chip({ text, onRemove }) {
  return html`<span class="filter"><span class="chip" aria-current="true"><bdi>${text}</bdi></span><${Remove} text=${text} onRemove=${onRemove} /></span>`;
}

function Remove({ text, onRemove }) {
  const press = ({ currentTarget }) => {
    focusBeside(currentTarget);
    onRemove();
  };
  return html`<button type="button" class="bare remove" aria-label=${t("gallery.remove", { text })} onClick=${press}><${Icon} name="close" /></button>`;
}

/** Give the focus to what stays: the filter whose value goes away, or the first one. */
function focusBeside(button) {
  const filters = button.closest(".filters");
  (button.parentElement.querySelector(".menu > button") ?? filters.querySelector(".menu > button")).focus();
}

/** The most used tags, and those that begin with what is typed. */
function Tags({ chosen, choose, close }) {
  const [words, setWords] = useState("");
  const all = tags.value ?? [];
  const find = (typed) => {
    setWords(typed);
    findTags(typed);
  };
  return html`${(all.length >= MANY || words) && html`<${Finder} name=${t("gallery.find_tag")} onFind=${find} />`}
    ${tags.value?.length === 0 && html`<p class="muted">${t(words ? "gallery.none_such" : "gallery.no_tags")}</p>`}
    ${choices(all.map(({ tag, count }) => [tag, tag, count]), words ? "" : chosen, choose, close)}`;
}

function Collections({ chosen, choose, close }) {
  const [words, setWords] = useState("");
  const all = collections.value ?? [];
  const shown = all.filter(({ name }) => hasWords(name, words));
  return html`${all.length >= MANY && html`<${Finder} name=${t("collections.find")} onFind=${setWords} />`}
    ${words && !shown.length && html`<p class="muted">${t("gallery.none_such")}</p>`}
    ${choices(shown.map(({ id, name, count }) => [String(id), name, count]), words ? "" : chosen, choose, close)}`;
}

/** Days from and to, and those on which there are images of this list. */
function Days({ from, to, onChoose }) {
  const [days, setDays] = useState([]);
  const [range, setRange] = useState([from, to]);
  useEffect(() => {
    const query = new URLSearchParams(place.peek().query);
    query.delete("from");
    query.delete("to");
    get("/api/v1/images/days", { ...listParameters(query), tz: timeZone() }).then(setDays, complain);
  }, []);
  const submit = (event) => {
    event.preventDefault();
    onChoose(...(range[0] && range[1] && range[0] > range[1] ? range.toReversed() : range));
  };
  const input = (at) => html`<label><span>${t(at ? "gallery.to" : "gallery.from")}</span><input type="date" value=${range[at]} max=${dayOf(serviceTime())}
    onInput=${({ target }) => setRange(range.with(at, target.value))} /></label>`;
  return html`<form onSubmit=${submit}>${input(0)}${input(1)}<button type="submit" class="main">${t("gallery.apply")}</button></form>
    ${days.map(({ day: one, count }) => html`<${Choice} key=${one} chosen=${one === from && one === to} count=${number(count)} onClick=${() => onChoose(one, one)}>${day(one)}<//>`)}`;
}

function choices(pairs, chosen, choose, close) {
  const all = chosen && !pairs.some(([value]) => value === chosen) ? [[chosen, chosen], ...pairs] : pairs;
  return all.map(([value, text, count = null]) => {
    const press = () => {
      choose(value === chosen ? "" : value);
      close();
    };
    return html`<${Choice} key=${value} chosen=${value === chosen} count=${count === null ? null : number(count)} onClick=${press}>${text}<//>`;
  });
}

function unique(models) {
  return [...new Map(models.map(({ id, name }) => [id, name ?? id]))];
}

function modelName(models, wanted) {
  return models.find(({ id }) => id === wanted)?.name ?? wanted;
}

function span(from, to) {
  if (from === to) return from ? day(from) : "";
  if (!to) return t("gallery.since", { day: day(from) });
  return from ? t("gallery.between", { from: day(from), to: day(to) }) : t("gallery.until", { day: day(to) });
}
