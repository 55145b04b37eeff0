// Collections: to put images in, to name, and to delete.

import { Field, Icon, Problem } from "./basics.js";
import { confirm } from "./dialog.js";
import { Finder, hasWords, MANY } from "./finder.js";
import { number } from "../lib/format.js";
import { t } from "../lib/i18n.js";
import { current } from "../lib/images.js";
import {
  collect, collections, createCollection, deleteCollection, loadCollections, MAX_NAME_CHARACTERS, renameCollection,
} from "../lib/marks.js";
import { html, useEffect, useRef, useState } from "../vendor/index.js";

/** For each collection whether these images are in it. */
export function CollectionChoice({ images }) {
  const [error, setError] = useLoaded();
  const [words, setWords] = useState("");
  const change = (id, add) => collect(images, id, add).then(() => setError(null), setError);
  const known = images.map(current).filter((image) => image.collections); // of a whole list the loaded ones stand for all
  const inside = (id) => known.filter((image) => image.collections.includes(id)).length;
  return html`<div class="collections">
    ${error && html`<${Problem} error=${error} />`}
    <${NewCollection} onCreated=${({ id }) => change(id, true)} />
    <${Found} onFind=${setWords} />
    <ul>
      ${named(words).map(({ id, name }) => {
        const n = inside(id);
        return html`<li key=${id}><label class="choice"><input type="checkbox" checked=${n > 0 && n === known.length} indeterminate=${n > 0 && n < known.length}
          onChange=${({ target }) => change(id, target.checked)} /><bdi>${name}</bdi></label></li>`;
      })}
    </ul>
  </div>`;
}

/** All collections, to rename and to delete. `onShow` shows the images of one. */
export function CollectionList({ onShow }) {
  const [error, setError] = useLoaded();
  const [renaming, setRenaming] = useState(null);
  const room = useRef(null);
  const touched = useRef(null); // id of the collection whose control has left, or will
  useEffect(() => {
    if (touched.current === null || renaming !== null || room.current.contains(document.activeElement)) return;
    (room.current.querySelector(`[data-id="${touched.current}"] button`) ?? room.current.querySelector("input")).focus();
    touched.current = null;
  });
  const rename = (id) => {
    touched.current = id;
    setRenaming(id);
  };
  const [words, setWords] = useState("");
  const drop = async ({ id, name }) => {
    const sure = await confirm({ title: t("collections.delete"), text: t("collections.delete_why", { name: `\u2068${name}\u2069` }), act: t("act.delete"), danger: true });
    if (!sure) return;
    touched.current = id;
    deleteCollection(id).catch(setError);
  };
  return html`<div class="collections" ref=${room}>
    ${error && html`<${Problem} error=${error} />`}
    <${NewCollection} />
    <${Found} onFind=${setWords} />
    ${collections.value?.length === 0 && html`<p class="muted">${t("collections.none")}</p>`}
    <ul>
      ${named(words).map((one) =>
        renaming === one.id
          ? html`<li key=${one.id}><${NameForm} name=${one.name} act=${t("act.save")} onCancel=${() => setRenaming(null)}
              onName=${(name) => renameCollection(one.id, name).then(() => setRenaming(null))} /></li>`
          : html`<li key=${one.id} class="choice" data-id=${one.id}>
              <span class="what">${one.cover_image_id ? html`<img src=${`/api/v1/images/${one.cover_image_id}/thumbnail`} alt="" width="44" height="44" loading="lazy" onError=${({ target }) => (target.hidden = true)} />` : html`<${Icon} name="folder" />`}
                <button type="button" class="bare name" onClick=${() => onShow(one.id)}><bdi>${one.name}</bdi></button></span>
              <span class="muted">${number(one.count)}</span>
              <button type="button" class="bare" aria-label=${t("collections.rename_one", { name: one.name })} onClick=${() => rename(one.id)}><${Icon} name="edit" /></button>
              <button type="button" class="bare" aria-label=${t("collections.delete_one", { name: one.name })} onClick=${() => drop(one)}><${Icon} name="trash" /></button>
            </li>`,
      )}
    </ul>
  </div>`;
}

/** A box to find a collection with, where there are many. */
function Found({ onFind }) {
  return collections.value?.length >= MANY ? html`<${Finder} name=${t("collections.find")} onFind=${onFind} />` : null;
}

function named(words) {
  return (collections.value ?? []).filter(({ name }) => hasWords(name, words));
}

function NewCollection({ onCreated = null }) {
  return html`<${NameForm} act=${t("collections.create")} onName=${(name) => createCollection(name).then(onCreated)} />`;
}

function NameForm({ name = "", act, onName, onCancel = null }) {
  const [error, setError] = useState("");
  const box = useRef(null);
  useEffect(() => {
    if (onCancel) box.current.select();
  }, []);
  const submit = async (event) => {
    event.preventDefault();
    const wanted = box.current.value.trim();
    if (!wanted) return;
    try {
      await onName(wanted);
      setError("");
      if (box.current) box.current.value = "";
    } catch (problem) {
      setError(problem.errors?.[0]?.message ?? problem.text ?? problem.message);
    }
  };
  return html`<form onSubmit=${submit}>
    <${Field} label=${t(onCancel ? "collections.name" : "collections.new")} error=${error}>
      ${(control) => html`<div class="joined"><input ref=${box} defaultValue=${name} maxlength=${MAX_NAME_CHARACTERS} autocomplete="off" ...${control} />
        <button type="submit">${act}</button>${onCancel && html`<button type="button" onClick=${onCancel}>${t("act.cancel")}</button>`}</div>`}
    <//>
  </form>`;
}

function useLoaded() {
  const [error, setError] = useState(null);
  useEffect(() => {
    loadCollections().catch(setError);
  }, []);
  return [error, setError];
}
