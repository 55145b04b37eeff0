// The lists of images that the gallery has shown: they outlive the page, so that Back has them at once.

import { get, isAbort } from "../lib/api.js";
import { dayOf } from "../lib/format.js";
import { gone, isLeaving } from "../lib/images.js";
import { listParameters, listQuery, OLDEST } from "../lib/list-query.js";
import { onResume, onTask } from "../lib/live.js";
import { computed, signal } from "../vendor/index.js";

const PAGE_SIZE = 100;
const MAX_LISTS = 4; // that are kept
const MAX_PROMPT = 300; // characters of a prompt that a list keeps

const lists = new Map();

export class List {
  constructor(name, query) {
    this.name = name; // its part of the address
    this.path = query.get("q") ? "/api/v1/images/search" : "/api/v1/images";
    this.parameters = listParameters(query);
    this.grouped = query.get("q") ? "match" : "day";
    this.state = signal({ items: [], epoch: 0, total: null, exact: true, more: true, loaded: false });
    this.loading = signal(false);
    this.problem = signal(null);
    this.images = computed(() => ({ epoch: this.state.value.epoch, gone: gone.value, items: remaining(this.state.value.items) }));
    this.total = computed(() => this.state.value.total - (this.state.value.items.length - this.images.value.items.length));
    this.focus = null; // id of the image that the keyboard is at
    this.hasStrayed = false; // whether that is another one than was last opened from the list
    this.cursor = null;
    this.last = null; // cursor of the last page with images that are no close ones: new ones follow there, oldest first
    this.stale = false; // whether there may be new images
  }

  /** Fetch the next page, unless one is on its way. */
  async more() {
    if (!this.loading.value && this.state.value.more) await this.#goOn(this.cursor);
  }

  async #goOn(cursor) {
    const { items, epoch } = this.state.value;
    await this.#ask(cursor, (page, images) => {
      const known = new Set(items.map(({ id }) => id));
      const all = [...items, ...images.filter(({ id }) => !known.has(id))];
      const next = all.toSorted((one, other) => isClose(one) - isClose(other));
      if (!images.length || !images.every(isClose)) this.last = cursor;
      this.cursor = page.next_cursor;
      this.state.value = this.#next(page, { items: next, epoch: next.every((one, at) => one === all[at]) ? epoch : epoch + 1, more: page.has_more });
    });
  }

  /** Fetch the first page again: what it has is in front from now on. Where the oldest are first, fetch the last one again. */
  async refresh() {
    if (this.loading.value) {
      this.stale = true;
      return;
    }
    this.stale = false;
    if (this.parameters.order === OLDEST) return this.#goOn(this.last);
    await this.#ask(null, (page, images) => {
      const { items, epoch, more } = this.state.value;
      const rest = itemsAfter(images, items);
      if (!rest.length) this.cursor = page.next_cursor;
      const next = { items: [...images, ...rest], epoch: epoch + 1, more: rest.length ? more : page.has_more };
      const same = next.items.length === items.length && next.items.every(({ id }, at) => id === items[at].id);
      if (same) next.epoch = epoch;
      this.state.value = this.#next(page, next);
    });
  }

  async #ask(cursor, take) {
    this.loading.value = true;
    this.problem.value = null;
    try {
      const page = await get(this.path, { ...this.parameters, page_size: PAGE_SIZE, cursor });
      take(page, page.items.map(slim));
    } catch (error) {
      if (!isAbort(error)) this.problem.value = error;
    } finally {
      this.loading.value = false;
    }
    if (this.stale) await this.refresh();
  }

  #next(page, rest) {
    const items = rest.items.filter(({ id }) => !gone.value.has(id) || isLeaving(id)); // the new total is without these
    return { ...rest, items, total: page.total, exact: page.total_is_exact, loaded: true };
  }
}

/** Return the list that the address names. */
export function listOf(query) {
  const name = String(listQuery(query));
  const list = lists.get(name) ?? new List(name, query);
  lists.delete(name); // and last again: the first one is dropped
  lists.set(name, list);
  for (const old of [...lists.keys()].slice(0, -MAX_LISTS)) lists.delete(old);
  return list;
}

/** Let the keyboard be at this image when the list is shown again. */
export function visit(query, id) {
  const list = lists.get(String(listQuery(query)));
  if (!list) return;
  list.hasStrayed ||= list.focus !== id;
  list.focus = id;
}

/** Changes when there may be images that no list has yet. */
export const news = signal(0);

/** Fetch every list from its beginning: there are images again, anywhere in them. */
export function forgetLists() {
  lists.clear();
  news.value += 1;
}

const told = new Set(); // ids that were asked about already, whether a list has them or not

function spoil() {
  for (const list of lists.values()) list.stale = true;
  news.value += 1;
}

onResume(spoil);
onTask(({ image_ids = [] }) => {
  const fresh = image_ids.filter((id) => !told.has(id));
  for (const id of fresh) told.add(id);
  if (fresh.length) spoil();
});

/** Return what of a list comes after the images of a new first page, nothing where the two do not meet. */
export function itemsAfter(images, items) {
  const places = new Map(items.map(({ id }, at) => [id, at]));
  const met = images.findLast(({ id }) => places.has(id));
  if (!met) return [];
  const fresh = new Set(images.map(({ id }) => id));
  return items.slice(places.get(met.id) + 1).filter(({ id }) => !fresh.has(id));
}

function isClose({ match }) {
  return match === "close";
}

function remaining(items) {
  return gone.value.size ? items.filter(({ id }) => !gone.value.has(id)) : items;
}

/** Ten thousand images stay in memory: what a card shows of them, and nothing else. */
function slim({ id, prompt, provider, model_id, thumbnail_url, width, height, created_at, favourite, tags, collections, match, storage, size_bytes, mime_type }) {
  const day = dayOf(created_at);
  return { id, prompt: prompt?.slice(0, MAX_PROMPT) ?? "", provider, model_id, thumbnail_url, width, height, day, favourite, tags, collections, match, storage, size_bytes, mime_type };
}
