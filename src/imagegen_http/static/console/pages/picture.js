// One image: to look at, to know all of, and to go on from.

import { visit } from "./gallery-list.js";
import { Acts } from "./picture-acts.js";
import { Facts, Parameters, Prompt } from "./picture-details.js";
import { Lineage } from "./picture-lineage.js";
import { Stage } from "./picture-stage.js";
import { get, isAbort } from "../lib/api.js";
import { t } from "../lib/i18n.js";
import { current, deleteImages, gone, star } from "../lib/images.js";
import { galleryAddress, listParameters, listQuery } from "../lib/list-query.js";
import { collect, collectionName, collections, complain, loadCollections, MAX_TAGS, tag } from "../lib/marks.js";
import { close, go, place, useKeys, useSubject } from "../lib/router.js";
import { Empty, Icon, Problem } from "../parts/basics.js";
import { CollectionChoice } from "../parts/collections.js";
import { Dialog } from "../parts/dialog.js";
import { TagEditor } from "../parts/tag-editor.js";
import { html, useEffect, useRef, useState } from "../vendor/index.js";

const NOT_FOUND = 404;

export default function Picture({ id: text }) {
  const id = Number(text);
  const { query } = place.value;
  const list = String(listQuery(query));
  const { image, task, error, again } = useImage(id, query);
  useSubject(image?.prompt);
  const removed = useRef(null); // what was deleted here last, and where that led
  const shut = () => close(galleryAddress(query));
  const show = (other, options = { replace: true }) => go(`/p/${other}${list && `?${list}`}`, options);
  const remove = () => {
    deleteImages([id]);
    const other = image?.next ?? image?.previous ?? null;
    removed.current = { id, at: other };
    if (other === null) shut();
    else show(other);
  };
  useEffect(() => {
    const { id: last, at } = removed.current ?? {};
    if (!last || gone.value.has(last)) return;
    removed.current = null; // the deletion was undone
    if (at === id) show(last);
  }, [gone.value]);
  useEffect(() => visit(query, id), [id, list]);
  useKeys({ s: () => image && star([id], !current(image).favourite), Delete: () => image && remove(), Backspace: () => image && remove() }, !gone.value.has(id));

  if (gone.value.has(id) || error?.status === NOT_FOUND) {
    return html`<h1 class="unseen">${t("images.unnamed", { id: text })}</h1>
      <${Empty} icon="image" title=${t("picture.missing")} why=${t("picture.missing_why")}><a class="button main" href=${galleryAddress(query)}>${t("picture.to_gallery")}</a><//>`;
  }
  return html`<div class="viewer">
    <${Stage} id=${id} image=${image} onGo=${show} onClose=${shut} />
    <div class="sheet">
      <h1>${t("images.unnamed", { id: String(id) })}</h1>
      ${error && html`<${Problem} error=${error} again=${again} />`}
      ${image ? html`<${Sheet} image=${image} task=${task} onDelete=${remove} />` : !error && html`<p class="loading" aria-busy="true"><span class="unseen">${t("state.loading")}</span></p>`}
    </div>
  </div>`;
}

function Sheet({ image, task, onDelete }) {
  const inputs = task?.inputs ?? [];
  return html`
    <${Acts} image=${image} inputs=${inputs} onDelete=${onDelete} />
    <${Prompt} prompt=${image.prompt} metadata=${image.metadata} />
    <${Parameters} image=${image} />
    <${Marks} image=${image} />
    <${Lineage} image=${image} inputs=${inputs} />
    <${Facts} image=${image} task=${task} />
  `;
}

function Marks({ image }) {
  const { tags = [], collections: inside = [] } = current(image);
  const { query } = place.value;
  const here = `/p/${image.id}`;
  const list = String(listQuery(query));
  useEffect(() => {
    if (inside.length && !collections.peek()) loadCollections().catch(() => null);
  }, [image.id, inside.length]);
  return html`<section><h2>${t("gallery.tag")}</h2>
      <${TagEditor} tags=${tags} full=${tags.length >= MAX_TAGS ? t("tags.full", { n: MAX_TAGS }) : ""} onAdd=${(name) => tag([image], name, true)} onRemove=${(name) => tag([image], name, false)} />
    </section>
    <section><h2>${t("gallery.collection")}</h2>
      <div class="chips">
        ${inside.map((id) => html`<span class="filter" key=${id}><a class="chip button" href=${`/gallery?collection=${id}`}><bdi>${collectionName(id)}</bdi></a>
          <button type="button" class="bare remove" aria-label=${t("picture.remove_from", { name: collectionName(id) })} onClick=${({ currentTarget }) => (adder(currentTarget).focus(), collect([image], id, false).catch(complain))}><${Icon} name="close" /></button></span>`)}
        <button type="button" class="chip" onClick=${() => go(`${here}?${list && `${list}&`}panel=collect`, { still: true })}><${Icon} name="plus" />${t("picture.add_to")}</button>
      </div>
    </section>
    ${query.get("panel") === "collect" && html`<${Dialog} title=${t("gallery.collection")} onClose=${() => close(`${here}${list && `?${list}`}`)}><${CollectionChoice} images=${[image]} /><//>`}`;
}

/** Return the button that stays when a collection goes. */
function adder(button) {
  return button.closest(".chips").querySelector(":scope > button");
}

const fetched = new Map(); // images by their address, so that going back and forth asks once
const MAX_FETCHED = 40;

/** The image, with its task where it was made from others, and its neighbours on their way. */
function useImage(id, query) {
  const parameters = listParameters(query);
  const name = nameOf(id, parameters);
  const [state, setState] = useState({ name: null });
  const [tries, setTries] = useState(0);
  useEffect(() => {
    const stop = new AbortController();
    const ask = (path, asked) => get(path, asked, { signal: stop.signal });
    const load = async () => {
      const image = await ask(`/api/v1/images/${id}`, parameters);
      keep(name, image);
      setState({ name, image, task: null });
      for (const near of [image.next, image.previous]) if (near) prefetch(near, parameters, stop.signal);
      const task = await ask(`/api/v1/tasks/${image.task_id}`).catch((error) => (isAbort(error) ? Promise.reject(error) : null));
      setState({ name, image, task });
    };
    load().catch((error) => isAbort(error) || setState({ name, image: fetched.get(name) ?? null, error }));
    return () => stop.abort();
  }, [name, tries]);
  const again = () => setTries(tries + 1);
  const { image = null, task = null, error = null } = state.name === name ? state : { image: fetched.get(name) };
  return { image: image && { ...image, previous: left(image.previous, "previous", parameters), next: left(image.next, "next", parameters) }, task, error, again };
}

/** Return the next neighbour in this direction that has not been deleted on this page. */
function left(id, side, parameters) {
  let at = id;
  while (at && gone.value.has(at)) at = fetched.get(nameOf(at, parameters))?.[side] ?? null;
  return at ?? null;
}

/** Have a neighbour already when somebody goes there. */
async function prefetch(id, parameters, signal) {
  new Image().src = `/api/v1/images/${id}/thumbnail`;
  const name = nameOf(id, parameters);
  if (!fetched.has(name)) await get(`/api/v1/images/${id}`, parameters, { signal }).then((image) => keep(name, image), () => null);
}

function nameOf(id, parameters) {
  return `${id}?${new URLSearchParams(parameters)}`;
}

function keep(name, image) {
  fetched.delete(name);
  fetched.set(name, image);
  if (fetched.size > MAX_FETCHED) fetched.delete(fetched.keys().next().value);
}
