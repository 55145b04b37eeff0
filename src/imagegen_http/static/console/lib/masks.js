// Masks that are being painted, as their steps: they survive a reload, until they are used or others take their room.

import { Shared } from "./shared.js";

const MAX_MASKS = 8;
const MAX_CHARACTERS = 1_000_000; // of all of them; a browser has room for five million

const masks = new Shared("masks", []); // `[image id, steps]`, the newest last

/** Return the steps of an image's mask. */
export function maskOf(image_id) {
  return masks.value.find(([id]) => id === image_id)?.[1] ?? [];
}

/** Keep the steps of an image's mask; without any there is none. */
export function keepMask(image_id, steps) {
  masks.update((all) => {
    const others = all.filter(([id]) => id !== image_id);
    return steps.length ? bounded([...others, [image_id, steps]]) : others;
  });
}

function bounded(all) {
  const some = all.slice(-MAX_MASKS);
  const isTooLarge = some.length > 1 && JSON.stringify(some).length > MAX_CHARACTERS;
  return isTooLarge ? bounded(some.slice(1)) : some;
}
