// Takes what is dropped anywhere on the page, and images that are pasted.

import { isTyping } from "../lib/keys.js";
import { useEffect } from "../vendor/index.js";

const OURS = /^\/(?:p|api\/v1\/images)\/(\d+)(?:\/|$)/;

export function Receiver() {
  useEffect(() => {
    const listeners = { dragover: over, drop, paste };
    for (const [name, listener] of Object.entries(listeners)) document.addEventListener(name, listener);
    return () => {
      for (const [name, listener] of Object.entries(listeners)) document.removeEventListener(name, listener);
    };
  }, []);
  return null;
}

function over(event) {
  const { types } = event.dataTransfer;
  if (types.includes("Files") || types.includes("text/uri-list")) event.preventDefault();
}

/** An image of this service that is dragged from the page is named by its address. */
function drop(event) {
  const image_ids = event.dataTransfer.getData("text/uri-list").split(/\s+/).map(ownImage).filter(Boolean).slice(0, 1);
  const files = image_ids.length ? [] : [...event.dataTransfer.files];
  if (!files.length && !image_ids.length) return;
  event.preventDefault();
  pass(event.target, files, image_ids);
}

/** A word processor copies words as an image, too: who writes wants the words. */
function paste(event) {
  const files = [...(event.clipboardData?.files ?? [])];
  if (isTyping(event.target) && event.clipboardData?.getData("text/plain")) return;
  if (!files.length || document.querySelector("dialog[open]")) return;
  event.preventDefault();
  pass(document.activeElement, files, []);
}

async function pass(element, files, image_ids) {
  const role = element?.closest?.("[data-role]")?.dataset.role ?? null;
  (await import("./create-inputs.js")).receive(role, files, image_ids);
}

function ownImage(address) {
  if (!URL.canParse(address) || new URL(address).origin !== location.origin) return null;
  return Number(OURS.exec(new URL(address).pathname)?.[1]) || null;
}
